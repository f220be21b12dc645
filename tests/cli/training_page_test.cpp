// What docs/training.md tells the reader to write and to type, written and typed.

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "cli/program.h"
#include "core/yaml.h"
#include "image/png_write.h"

namespace iclora {
namespace {

namespace fs = std::filesystem;
using testing_support::ProgramRun;
using testing_support::run_program;
using testing_support::ScratchFolder;
using testing_support::text_of_file;

const std::string kModelOfPage = "/models/FLUX.1-dev";
const std::string kToy = ICLORA_FIXTURES "/models/toy-dev";

std::string page() {
  return text_of_file(ICLORA_FIXTURES "/../../docs/training.md");
}

/// Blocks between fences whose first line is ```KIND.
std::vector<std::string> blocks(const std::string& kind) {
  std::vector<std::string> found;
  std::istringstream lines(page());
  bool inside = false, wanted = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      wanted = inside && line == "```" + kind;
      if (wanted) found.emplace_back();
    } else if (wanted) {
      found.back() += line + "\n";
    }
  }
  return found;
}

/// Every command on the page, in blocks and in running text, in its order.
std::vector<std::string> commands() {
  std::vector<std::string> found;
  const std::string text = page();
  static const std::regex pattern("(?:^|\n|`)(iclora [^`\n]*)");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern);
       match != std::sregex_iterator(); ++match) {
    found.push_back((*match)[1].str());
  }
  return found;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// "train.steps" and so on: every value of a configuration.
void add_keys(const Json& json, const std::string& before, std::set<std::string>& keys) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_object()) {
      add_keys(value, before + key + ".", keys);
    } else {
      keys.insert(before + key);
    }
  }
}

class TrainingPage : public testing::Test {
 protected:
  TrainingPage() : home_(fs::current_path()) {
    fs::current_path(scratch_.path());
    for (int set = 0; set < 5; ++set) {
      const fs::path folder = fs::path("sets") / std::to_string(set);
      fs::create_directories(folder);
      for (int panel = 1; panel <= 3; ++panel) {
        image::Image picture(48, 32);
        for (size_t i = 0; i < picture.rgb.size(); ++i) {
          const size_t cell = i / 3 % 48 / 8 + i / 144 / 8 * 6;
          picture.rgb[i] = static_cast<uint8_t>(
              (cell * 37 + static_cast<size_t>(set * 101 + panel * 53)) * (i % 3 + 1) % 251);
        }
        image::write_png(folder / (std::to_string(panel) + ".png"), picture, {});
      }
      std::ofstream(folder / "caption.txt")
          << "a story, number " << set << " [SCENE-1] it begins [SCENE-2] goes on " << set
          << " [SCENE-3] and ends";
    }
    const std::vector<std::string> yaml = blocks("yaml");
    EXPECT_EQ(yaml.size(), 1U);
    std::ofstream("story.yaml") << replaced(yaml.at(0), kModelOfPage, kToy);
  }
  ~TrainingPage() override { fs::current_path(home_); }

  /// As the page has it, but on a toy model and with little work.
  ProgramRun run(const std::string& command, const std::string& steps) const {
    std::vector<std::string> words = testing_support::words_of(command);
    words.erase(words.begin());  // the program's name
    // Word by word: the toy's path may hold spaces.
    for (std::string& word : words) word = replaced(word, kModelOfPage, kToy);
    if (words.at(0) == "train") {
      for (const std::string& setting :
           {"train.steps=" + steps, std::string("train.batch=1"), std::string("sample.steps=1")}) {
        words.insert(words.end(), {"--set", setting});
      }
    } else if (words.at(0) == "generate") {
      words.insert(words.end(), {"--steps", "1"});
    }
    return run_program(words, {"XDG_CACHE_HOME=" + (scratch_.path() / "cache").native()});
  }

  ScratchFolder scratch_;
  fs::path home_;
};

TEST_F(TrainingPage, ItsCommandsRunAndLeaveWhatItSays) {
  // The page tells how to go on before it tells how to use the result, or the other way round:
  // what trains goes first.
  std::vector<std::string> all = commands();
  ASSERT_GE(all.size(), 5U);
  std::stable_partition(all.begin(), all.end(), [](const std::string& line) {
    return !line.starts_with("iclora generate");
  });
  int trainings = 0;
  for (const std::string& command : all) {
    if (command.starts_with("iclora train")) ++trainings;
    const ProgramRun done = run(command, std::to_string(1 + trainings));
    EXPECT_EQ(done.exit_code, 0) << command << "\n" << done.err;
  }
  EXPECT_EQ(trainings, 2);  // one from the start, one that goes on

  const fs::path out = "runs/story";
  for (const char* name : {"config.yaml", "metrics.jsonl", "tensorboard", "validation.jsonl",
                           "lora/story.safetensors", "checkpoints/000003", "samples/000003"}) {
    EXPECT_TRUE(fs::exists(out / name)) << name;
  }
  const std::string metrics = text_of_file(out / "metrics.jsonl");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 3);
  EXPECT_TRUE(fs::exists("sheet.png"));
  // The grid comes out of the adapter: three panels.
  EXPECT_TRUE(fs::exists("new/canvas-01-panel-3.png"));
  EXPECT_FALSE(fs::exists("new/canvas-01-panel-4.png"));

  // The page's table names every key of a configuration.
  std::set<std::string> keys;
  add_keys(read_yaml(out / "config.yaml"), "", keys);
  EXPECT_GT(keys.size(), 30U);
  const std::string text = page();
  for (const std::string& key : keys) {
    const std::string last = key.substr(key.rfind('.') + 1);
    const bool named = text.find("`" + key + "`") != std::string::npos ||
                       text.find("`" + last + "`") != std::string::npos;
    EXPECT_TRUE(named) << key;
  }
}

TEST_F(TrainingPage, ItsTableHoldsNoOtherKeys) {
  const std::string text = page();
  static const std::regex row("\n\\| ((?:`[a-z_.]+`(?:, )?)+) \\|");
  static const std::regex key("`([a-z_.]+)`");
  size_t found = 0;
  for (auto line = std::sregex_iterator(text.begin(), text.end(), row);
       line != std::sregex_iterator(); ++line) {
    const std::string cell = (*line)[1];
    std::string section;
    for (auto match = std::sregex_iterator(cell.begin(), cell.end(), key);
         match != std::sregex_iterator(); ++match) {
      std::string name = (*match)[1];
      // `sample.every`, `steps`: the section stands once in a row.
      if (const size_t dot = name.rfind('.'); dot != std::string::npos) {
        section = name.substr(0, dot + 1);
      } else {
        name.insert(0, section);
      }
      ++found;
      const ProgramRun done =
          run_program({"train", "story.yaml", "--set", name + "=[[none takes this]]", "--set",
                       "model=/nowhere"});
      EXPECT_EQ(done.exit_code, 2) << name;
      EXPECT_EQ(done.err.find("unknown key"), std::string::npos) << done.err;
    }
  }
  EXPECT_GT(found, 25U);
}

}  // namespace
}  // namespace iclora
