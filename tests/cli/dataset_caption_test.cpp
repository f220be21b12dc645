// iclora dataset caption against a server on this machine that answers like llama-server, or worse.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <thread>

#include "cli/program.h"
#include "core/json.h"
#include "image/png_write.h"
#include "vision_server.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing_support::completion;
using testing_support::expect_refused;
using testing_support::failure;
using testing_support::ProgramRun;
using testing_support::ScratchFolder;
using testing_support::ServerReply;
using testing_support::ServerRequest;
using testing_support::StartedProgram;
using testing_support::text_of_file;
using testing_support::VisionServer;

constexpr const char* kKey = "sk-do-not-tell-4711";

ServerReply good(const ServerRequest& request, size_t) {
  return completion(testing_support::caption_json(request.panels(), "mugs"));
}

void put_picture(const fs::path& path, int64_t width, int64_t height, int seed) {
  fs::create_directories(path.parent_path());
  image::Image picture(width, height);
  for (size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] = static_cast<uint8_t>(i / 3 * static_cast<size_t>(seed) % 251);
  }
  image::write_png(path, picture, {});
}

class DatasetCaption : public testing::Test {
 protected:
  void put_sets(int sets, int panels = 2) {
    for (int set = 1; set <= sets; ++set) {
      for (int panel = 1; panel <= panels; ++panel) {
        put_picture(in() / std::to_string(set) / (std::to_string(panel) + ".png"), 64, 48,
                    set * 10 + panel);
      }
    }
  }
  fs::path in() const { return scratch_ / "in"; }
  fs::path caption(int set) const { return in() / std::to_string(set) / "caption.json"; }

  std::vector<std::string> line(const VisionServer& server,
                                const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"dataset",    "caption",     in().native(),
                                      "--endpoint", server.base(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// Nothing here may need a libtorch, and a proxy is not for this machine.
  std::vector<std::string> environment() const {
    return {"TORCH_DIR=/nowhere", "OPENAI_API_KEY=", std::string("ICLORA_API_KEY=") + kKey,
            "http_proxy=http://127.0.0.1:9", "XDG_CACHE_HOME=" + (scratch_ / "cache").native()};
  }
  ProgramRun run(const VisionServer& server, const std::vector<std::string>& more = {}) const {
    ProgramRun run = testing_support::run_program(line(server, more), environment());
    EXPECT_THAT(run.out, Not(HasSubstr(kKey)));
    EXPECT_THAT(run.err, Not(HasSubstr(kKey)));
    return run;
  }

  ScratchFolder scratch_;
};

/// Waits for a request that is held back.
void wait_for_requests(const VisionServer& server, size_t count) {
  for (int i = 0; i < 6000 && server.count() < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(server.count(), count);
}

/// Whether the key stands on any process' command line.
bool key_on_a_command_line() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    if (text_of_file(entry.path() / "cmdline").find(kKey) != std::string::npos) return true;
  }
  return false;
}

TEST_F(DatasetCaption, WritesCaptionsThatCheckClean) {
  put_sets(3);
  bool told = false;
  const VisionServer server([&](const ServerRequest& request, size_t number) {
    told = told || key_on_a_command_line();
    // Each its own words, or the check finds equal captions.
    return completion(
        testing_support::caption_json(request.panels(), "mug number " + std::to_string(number)));
  });
  const ProgramRun done = run(server, {"--model", "vision", "--grid", "1x2"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const Json report = parse_json(done.out, "report");
  EXPECT_EQ(report["sets"], 3);
  EXPECT_EQ(report["written"], 3);
  EXPECT_EQ(report["captions"][0]["file"], caption(1).native());
  EXPECT_FALSE(told);
  ASSERT_EQ(server.count(), 3U);
  EXPECT_THAT(server.request(0).head, HasSubstr(std::string("authorization: Bearer ") + kKey));
  EXPECT_EQ(server.request(0).json()["model"], "vision");
  const ProgramRun check =
      testing_support::run_program({"dataset", "check", in().native(), "--json"}, environment());
  EXPECT_EQ(check.exit_code, 0) << check.out;
  EXPECT_EQ(parse_json(check.out, "check")["grids"][0]["grid"], "1x2");
}

TEST_F(DatasetCaption, TakesWhateverFormAnAnswerHas) {
  put_sets(5, 3);
  const VisionServer server([](const ServerRequest& request, size_t number) {
    const std::string json =
        testing_support::caption_json(request.panels(), "mug " + std::to_string(number));
    switch (number) {
      case 1:
        return completion("```json\n" + json + "\n```");
      case 2:
        return completion("Here you are:\n" + json + "\nTell me if you need more.");
      case 3:  // and the next one is right
        return completion(testing_support::caption_json(2, "too few"));
      case 5:
        return completion("");
      case 7:
        return ServerReply{200, "<html>not what you think</html>"};
      default:
        return completion(json);
    }
  });
  const ProgramRun done = run(server, {"--dialect", "scene"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(server.count(), 8U);
  EXPECT_EQ(text_of_file(in() / "1/caption.txt"),
            "mug 1 as a set [SCENE-1] mug 1 in panel 1 [SCENE-2] mug 1 in panel 2 [SCENE-3] mug 1 "
            "in panel 3\n");
}

TEST_F(DatasetCaption, TriesAgainWhatMayPass) {
  put_sets(1);
  const VisionServer server([](const ServerRequest& request, size_t number) {
    ServerReply dropped;
    dropped.drop = true;
    if (number == 1) return failure(429, "slow down", {"Retry-After: 1"});
    return number == 2 ? dropped : good(request, number);
  });
  const ProgramRun done = run(server);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(server.count(), 3U);
  EXPECT_THAT(done.err, HasSubstr("answers 429; trying again in 2 s"));
  EXPECT_THAT(done.err, HasSubstr("breaks off the connection; trying again in 4 s"));
}

TEST_F(DatasetCaption, ReportsASetThatFailsAndGoesOn) {
  put_sets(3);
  const VisionServer server([](const ServerRequest& request, size_t number) {
    return number == 2 ? failure(500, std::string("no room for ") + kKey) : good(request, number);
  });
  const ProgramRun done = run(server, {"--retries", "0"});
  EXPECT_EQ(done.exit_code, 2);
  const Json report = parse_json(done.out, "report");
  EXPECT_EQ(report["written"], 2);
  EXPECT_EQ(report["failed"], 1);
  EXPECT_EQ(report["problems"][0]["level"], "error");
  EXPECT_THAT(done.last_error_line(), HasSubstr("1 of 3 sets got no caption"));
  // What is left is done by the same command, and nothing else.
  const ProgramRun again = run(server, {"--retries", "0"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(server.count(), 4U);
  EXPECT_EQ(parse_json(again.out, "report")["kept"], 2);
}

TEST_F(DatasetCaption, GoesOnWhereAKillOrASignalEndedIt) {
  put_sets(5);
  const VisionServer server([](const ServerRequest& request, size_t number) {
    ServerReply held;
    held.hold = true;
    return number == 3 || number == 5 ? held : good(request, number);
  });
  {
    StartedProgram killed(line(server, {}), environment());
    wait_for_requests(server, 3);
    killed.signal(SIGKILL);
    EXPECT_EQ(killed.wait(), 1000 + SIGKILL);
  }
  EXPECT_TRUE(fs::exists(caption(2)));
  EXPECT_FALSE(fs::exists(caption(3)));
  {
    StartedProgram stopped(line(server, {}), environment());
    wait_for_requests(server, 5);  // the third set again, and the fourth
    stopped.signal(SIGINT);
    EXPECT_EQ(stopped.wait(), 75);
    EXPECT_THAT(stopped.err(), HasSubstr("1 of 3 captions were written"));
  }
  EXPECT_TRUE(fs::exists(caption(3)));
  EXPECT_FALSE(fs::exists(caption(4)));
  const ProgramRun done = run(server);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(server.count(), 7U);
  EXPECT_EQ(parse_json(done.out, "report")["kept"], 3);
}

TEST_F(DatasetCaption, AsksNothingTwiceAndKeepsWhatIsThere) {
  put_sets(2);
  const VisionServer server(good);
  EXPECT_EQ(run(server).exit_code, 0);
  EXPECT_EQ(server.count(), 2U);
  fs::remove(caption(1));
  const ProgramRun again = run(server);
  EXPECT_EQ(server.count(), 2U);  // out of the cache
  const Json report = parse_json(again.out, "report");
  EXPECT_EQ(report["kept"], 1);
  EXPECT_EQ(report["from_cache"], 1);
  EXPECT_EQ(run(server, {"--overwrite"}).exit_code, 0);
  EXPECT_EQ(server.count(), 2U);
  EXPECT_EQ(run(server, {"--overwrite", "--no-cache"}).exit_code, 0);
  EXPECT_EQ(server.count(), 4U);
}

TEST_F(DatasetCaption, EndsInOneSentenceWhereNothingCanBeDone) {
  put_sets(2);
  const auto refusal = [&](const ServerReply& reply, const std::vector<std::string>& more = {}) {
    const VisionServer server([&](const ServerRequest&, size_t) { return reply; });
    const ProgramRun done = run(server, more);
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_EQ(done.last_error_line().rfind("iclora: ", 0), 0U) << done.err;
    return done.last_error_line();
  };
  EXPECT_THAT(refusal(failure(401, std::string("bad key ") + kKey)), HasSubstr("answers 401"));
  EXPECT_THAT(refusal(failure(404, "no such model")), HasSubstr("check --endpoint"));
  EXPECT_THAT(refusal({302, "", {"Location: http://127.0.0.1:1/v1"}}),
              HasSubstr("redirects are not followed"));
  ServerReply held;
  held.hold = true;
  EXPECT_THAT(refusal(held, {"--timeout", "1", "--retries", "0"}),
              HasSubstr("2 of 2 sets got no caption"));
  EXPECT_THAT(refusal({200, std::string(5 << 20, ' ')}), HasSubstr("2 of 2 sets got no caption"));
  EXPECT_FALSE(fs::exists(caption(1)));
  std::string gone;
  {
    const VisionServer server(good);
    gone = server.base();
  }
  expect_refused(testing_support::run_program(
                     {"dataset", "caption", in().native(), "--endpoint", gone, "--retries", "0"},
                     environment()),
                 2, "cannot be reached");
}

TEST_F(DatasetCaption, RefusesWrongLinesInOneSentence) {
  put_sets(1);
  const std::string path = in().native(), url = "http://127.0.0.1:1/v1";
  struct Case {
    std::vector<std::string> line;
    std::string part;
  };
  for (const Case& c : std::vector<Case>{
           {{}, "dataset caption: the data set (PATH) is missing"},
           {{path}, "--endpoint URL is missing"},
           {{path, "--endpoint", "127.0.0.1"}, "must begin with http:// or https://"},
           {{path, "--endpoint", "http://me:secret@host/v1"}, "a name or a password"},
           {{"/nowhere", "--endpoint", url}, "is not there"},
           {{path, "--endpoint", url, "--words", "few"}, "--words"},
           {{path, "--endpoint", url, "--concurrency", "0"}, "--concurrency"},
           {{path, "--endpoint", url, "--timeout", "0"}, "--timeout"},
           {{path, "--endpoint", url, "--cache", "c", "--no-cache"}, "contradict"},
           {{path, "--endpoint", url, "--dialect", "corners"}, "corners"},
       }) {
    std::vector<std::string> words = {"dataset", "caption"};
    words.insert(words.end(), c.line.begin(), c.line.end());
    expect_refused(testing_support::run_program(words, environment()), 2, c.part);
  }
  auto with_bad_key = environment();
  with_bad_key.push_back("ICLORA_API_KEY=bad key 4711");
  const ProgramRun refused =
      testing_support::run_program({"dataset", "caption", path, "--endpoint", url}, with_bad_key);
  expect_refused(refused, 2, "the key in ICLORA_API_KEY");
  EXPECT_THAT(refused.err, Not(HasSubstr("4711")));
}

// What docs/captioning.md tells the reader to type, typed.
TEST_F(DatasetCaption, TheCommandsOfItsPageRun) {
  const VisionServer server([](const ServerRequest& request, size_t number) {
    return completion(
        testing_support::caption_json(request.panels(), "mug " + std::to_string(number)));
  });
  for (int set = 1; set <= 2; ++set) {
    for (int panel = 1; panel <= 3; ++panel) {
      put_picture(scratch_ / "sets" / std::to_string(set) / (std::to_string(panel) + ".png"), 64,
                  48, set * 10 + panel);
    }
    put_picture(scratch_ / "shots" / ("shot-" + std::to_string(set) + ".png"), 64, 144, set);
  }
  const std::string page = text_of_file(ICLORA_FIXTURES "/../../docs/captioning.md");
  static const std::regex command("(?:^|\n)iclora ([^`\n]*)");
  const fs::path home = fs::current_path();
  fs::current_path(scratch_.path());
  int commands = 0;
  for (auto match = std::sregex_iterator(page.begin(), page.end(), command);
       match != std::sregex_iterator(); ++match) {
    std::string text = (*match)[1];
    for (const std::string address : {"http://127.0.0.1:8080/v1", "https://api.openai.com/v1"}) {
      const size_t at = text.find(address);
      if (at != std::string::npos) text.replace(at, address.size(), server.base());
    }
    ++commands;
    const ProgramRun done =
        testing_support::run_program(testing_support::words_of(text), environment());
    EXPECT_EQ(done.exit_code, 0) << text << "\n" << done.err << done.out;
  }
  EXPECT_GE(commands, 5);
  EXPECT_TRUE(fs::exists("shots/shot-1.txt"));
  fs::current_path(home);
}

}  // namespace
}  // namespace iclora
