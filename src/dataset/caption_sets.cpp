#include "dataset/caption_sets.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "captions/answer_cache.h"
#include "captions/lint.h"
#include "core/log.h"
#include "dataset/caption_pictures.h"
#include "dataset/parallel.h"
#include "dataset/read_sets.h"
#include "dataset/write_caption.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostSilences = 3;  // sets in a row without an answer

/// A set that waits for its caption.
struct Work {
  const Set* set = nullptr;
  panels::Layout layout;
  std::optional<CaptionedSet> written;
};

/// What stands in the way before anything is asked. A caption that is to be replaced may be broken.
void check_scan(const Scan& scan, const CaptionOptions& options, const fs::path& path) {
  Problems problems;
  for (const Problem& problem : scan.problems) {
    const bool about_caption = std::any_of(scan.sets.begin(), scan.sets.end(), [&](const Set& set) {
      // Without a caption the set itself is warned of: that is what this work is about.
      if (set.caption_file.empty()) {
        return set.file == problem.file && problem.level == Level::warning;
      }
      return options.overwrite && set.caption_file == problem.file && scan.form != Form::manifest;
    });
    if (!about_caption) problems.push_back(problem);
  }
  throw_errors(problems, path.native());
  for (const Problem& problem : problems) log::warning("{}", line_of(problem));
}

std::vector<Work> work_of(const Scan& scan, const CaptionOptions& options, const fs::path& path) {
  std::vector<Work> list;
  Problems problems;
  for (const Set& set : scan.sets) {
    if (has_caption(set) && !options.overwrite) continue;
    try {
      const panels::Layout layout = layout_of(set, options.data, kCanvasResolution);
      if (options.data.dialect && set.panels.size() > 1) {
        captions::markers(*options.data.dialect, static_cast<int64_t>(set.panels.size()));
      }
      list.push_back({&set, layout, std::nullopt});
    } catch (const Error& error) {
      problems.push_back({set.file, Level::error, error.what(),
                          "Name another grid or dialect, or leave the set out."});
    }
  }
  throw_errors(problems, path.native());
  return list;
}

class Captioner {
 public:
  Captioner(const Scan& scan, const CaptionOptions& options, const Send& send, Progress& progress,
            std::vector<Work>& list)
      : scan_(scan),
        options_(options),
        progress_(progress),
        list_(list),
        cache_(options.cache),
        describer_(
            options.endpoint, options.patience,
            [this, &send](const captions::HttpRequest& request) {
              return send(request, [this] { return stopped(); });
            },
            [this](std::chrono::milliseconds time) { pause(time); }) {}

  /// Throws what ends the whole work.
  void run(CaptionReport& report) {
    report_ = &report;
    progress_.report({"captioning", 0, static_cast<int64_t>(list_.size()), std::nullopt});
    const size_t threads = std::max<size_t>(1, std::min(options_.concurrency, list_.size()));
    std::vector<std::thread> others = start_threads(threads - 1, [this] { work(); });
    work();
    for (std::thread& thread : others) thread.join();
    if (end_) std::rethrow_exception(end_);
  }

 private:
  bool stopped() const { return stop_ || progress_.cancelled(); }

  void pause(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds kPiece{100};  // how soon a cancellation is seen
    for (auto left = time; left.count() > 0; left -= kPiece) {
      if (stopped()) throw Cancelled{};
      std::this_thread::sleep_for(std::min(left, kPiece));
    }
  }

  void work() {
    try {
      for (size_t i = next_.fetch_add(1); i < list_.size(); i = next_.fetch_add(1)) {
        if (stopped()) throw Cancelled{};
        if (silent_) {
          const std::lock_guard lock(mutex_);
          ++report_->untried;
          continue;
        }
        caption(list_[i]);
        const std::lock_guard lock(mutex_);
        progress_.report({"captioning", ++done_, static_cast<int64_t>(list_.size()), std::nullopt});
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      // The first one counts: the others are cancelled because of it.
      if (!end_) end_ = std::current_exception();
      stop_ = true;
    }
  }

  void caption(Work& work) {
    const Set& set = *work.set;
    captions::Question question;
    try {
      CaptionPictures pictures = caption_pictures(set, work.layout);
      question.panels = std::move(pictures.panels);
      question.canvas = std::move(pictures.canvas);
    } catch (const Error& error) {
      failed(set, error.what(), "Restore the picture, then run again.");
      return;
    }
    const panels::Grid& grid = work.layout.grid;
    question.grid = {grid.rows, grid.columns};
    question.task = set.task;
    question.hint = options_.hint;
    question.words = options_.words;
    const captions::Expected expected = {set.panels.size(), dialect_of(set, grid, options_.data),
                                         options_.words * 3 / 2};
    const std::string key =
        captions::question_key(question, options_.endpoint.model, options_.endpoint.base);
    auto caption = cache_.find(key);
    const bool cached = caption && !captions::check_caption(*caption, expected);
    if (!cached) {
      captions::Description description = describer_.describe(question, expected);
      heard(!description.no_answer);
      if (!description.caption) {
        failed(set, description.fault, "Run the same command again, or write the caption.");
        return;
      }
      caption = std::move(description.caption);
      keep(key, *caption);
    }
    write(work, *caption, expected.dialect, cached);
  }

  void write(Work& work, const captions::JointCaption& caption, captions::Dialect dialect,
             bool cached) {
    const Set& set = *work.set;
    const std::lock_guard lock(mutex_);  // a manifest is one file
    try {
      write_caption(set, scan_.form, caption, work.layout.grid, options_.data);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::input) throw;
      add_failure(set, error.what(), "Mend the file, then run again.");
      return;
    }
    captions::JointCaption rendered = caption;
    rendered.trigger = options_.data.trigger.empty() ? set.caption.trigger : options_.data.trigger;
    const std::string file = caption_path(set, scan_.form, options_.data.dialect).native();
    work.written = {set.id, file, captions::render(rendered, dialect), cached};
    add_faults(set, file, captions::lint_pieces(caption, set.panels.size()));
    add_faults(set, file, captions::lint_names(caption));
  }

  void add_faults(const Set& set, const std::string& file,
                  const std::vector<captions::Fault>& faults) {
    for (const captions::Fault& fault : faults) {
      report_->problems.push_back({file, Level::warning,
                                   scan_.form == Form::manifest
                                       ? fmt::format("Set '{}': {}", printable(set.id), fault.what)
                                       : fault.what,
                                   fault.remedy});
    }
  }

  /// Whether the endpoint answered: who has fallen silent for good is not waited for at every set.
  void heard(bool answered) {
    const std::lock_guard lock(mutex_);
    silences_ = answered ? 0 : silences_ + 1;
    if (silences_ >= kMostSilences) silent_ = true;
  }

  /// The caption itself is what matters: a full cache is no reason to lose it.
  void keep(const std::string& key, const captions::JointCaption& caption) {
    try {
      cache_.keep(key, caption);
    } catch (const Error& error) {
      if (!told_of_cache_.exchange(true)) {
        log::warning("Answers are not kept for another time: {}", error.what());
      }
    }
  }

  void failed(const Set& set, const std::string& what, const std::string& remedy) {
    const std::lock_guard lock(mutex_);
    add_failure(set, what, remedy);
  }

  void add_failure(const Set& set, const std::string& what, const std::string& remedy) {
    ++report_->failed;
    report_->problems.push_back({set.file, Level::error, what, remedy});
  }

  const Scan& scan_;
  const CaptionOptions& options_;
  Progress& progress_;
  std::vector<Work>& list_;
  const captions::AnswerCache cache_;
  captions::Describer describer_;
  CaptionReport* report_ = nullptr;
  std::mutex mutex_;  ///< of the report, the data set's files and the progress
  std::atomic<size_t> next_{0};
  int64_t done_ = 0;
  size_t silences_ = 0;
  std::atomic<bool> silent_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> told_of_cache_{false};
  std::exception_ptr end_;
};

/// A picture that was meant as a canvas, and will be described as one panel.
void tell_of_whole_canvases(const Scan& scan, const std::vector<Work>& list,
                            const CaptionOptions& options) {
  if (scan.form != Form::canvases || options.data.grid) return;
  const auto whole = std::count_if(list.begin(), list.end(),
                                   [](const Work& work) { return work.set->panels.size() == 1; });
  if (whole == 0) return;
  log::info("{} picture{} described as a single panel; --grid RxC says how canvases are cut.",
            whole, whole == 1 ? " is" : "s are");
}

}  // namespace

CaptionReport caption_sets(const fs::path& path, const CaptionOptions& options, const Send& send,
                           Progress& progress) {
  const Scan scan = scan_sets(path, {options.data.grid, true});
  check_scan(scan, options, path);
  std::vector<Work> list = work_of(scan, options, path);
  tell_of_whole_canvases(scan, list, options);
  CaptionReport report;
  report.sets = scan.sets.size();
  report.kept = scan.sets.size() - list.size();
  if (list.empty()) return report;
  Captioner captioner(scan, options, send, progress, list);
  const auto written = [&] {
    return static_cast<size_t>(std::count_if(
        list.begin(), list.end(), [](const Work& work) { return work.written.has_value(); }));
  };
  try {
    captioner.run(report);
  } catch (...) {
    log::info("{} of {} captions were written; the same command goes on from there.", written(),
              list.size());
    throw;
  }
  for (Work& work : list) {
    if (work.written) report.written.push_back(std::move(*work.written));
  }
  if (report.untried > 0) {
    report.problems.push_back(
        {path.native(), Level::error,
         fmt::format("{} sets were not tried, since the endpoint gave no answer to {} in a row.",
                     report.untried, kMostSilences),
         "See what the endpoint says, then run the same command again."});
  }
  sort_problems(report.problems);
  return report;
}

Json caption_report_to_json(const CaptionReport& report) {
  const auto cached = std::count_if(report.written.begin(), report.written.end(),
                                    [](const CaptionedSet& set) { return set.cached; });
  Json json = {{"sets", report.sets},     {"written", report.written.size()},
               {"from_cache", cached},    {"kept", report.kept},
               {"failed", report.failed}, {"untried", report.untried}};
  json["captions"] = Json::array();
  for (const CaptionedSet& set : report.written) {
    json["captions"].push_back(
        {{"set", set.id}, {"file", set.file}, {"caption", set.caption}, {"cached", set.cached}});
  }
  json["problems"] = problems_to_json(report.problems);
  return json;
}

}  // namespace iclora::dataset
