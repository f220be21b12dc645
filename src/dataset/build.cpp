#include "dataset/build.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "captions/lint.h"
#include "core/file.h"
#include "core/json.h"
#include "dataset/load.h"
#include "dataset/parallel.h"
#include "image/png_write.h"

namespace iclora::dataset {
namespace {

namespace fs = std::filesystem;

/// A folder beside its final name, which it gets when all is written; removed otherwise.
class AtomicFolder {
 public:
  explicit AtomicFolder(const fs::path& out) : out_(fs::absolute(out).lexically_normal()) {
    if (!out_.has_filename()) out_ = out_.parent_path();
    std::error_code error;
    if (fs::exists(fs::symlink_status(out_, error))) {
      if (!fs::is_directory(out_, error)) {
        fail_input("'{}' is a file; name a folder that is not there yet.",
                   printable(out_.native(), 400));
      }
      if (!fs::is_empty(out_, error) || error) {
        fail_input("The folder '{}' is not empty; name another, or empty it first.",
                   printable(out_.native(), 400));
      }
    }
    temporary_ =
        out_.parent_path() / fmt::format(".{}.{}.part", out_.filename().native(), ::getpid());
    create_folders(temporary_);
  }
  ~AtomicFolder() {
    std::error_code ignored;
    if (!committed_) fs::remove_all(temporary_, ignored);
  }
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const fs::path& path() const { return temporary_; }

  void commit() {
    sync_folder(temporary_);
    std::error_code error;
    fs::rename(temporary_, out_, error);  // an empty folder of that name is replaced
    if (error) {
      fail(ErrorKind::output, "The folder '{}' cannot be written: {}.",
           printable(out_.native(), 400), error.message());
    }
    committed_ = true;
    sync_folder(out_.parent_path());
  }

 private:
  fs::path out_, temporary_;
  bool committed_ = false;
};

/// The caption in pieces, its trigger in front of the overall text.
captions::JointCaption pieces_of(const Set& set, const DataOptions& data) {
  captions::JointCaption caption = set.caption;
  const std::string& trigger = data.trigger;
  const std::string begins = caption.trigger.empty() ? caption.overall : caption.trigger;
  if (!trigger.empty() && !begins.starts_with(trigger)) {
    caption.trigger = trigger + (caption.trigger.empty() ? "" : " " + caption.trigger);
  }
  if (!caption.trigger.empty()) {
    caption.overall = caption.trigger + (caption.overall.empty() ? "" : " " + caption.overall);
    caption.trigger.clear();
  }
  return caption;
}

/// The dialect where it has to be said: where the grid alone would give another.
std::optional<captions::Dialect> stated_dialect(const Set& set, const panels::Grid& grid,
                                                const DataOptions& data) {
  const captions::Dialect dialect = dialect_of(set, grid, data);
  if (dialect == captions::default_dialect({grid.rows, grid.columns})) return std::nullopt;
  return dialect;
}

/// How a set is laid out, in the words of caption.json and the manifest. What a stack of equal
/// panels goes without is left out.
void add_layout(Json& json, const Set& set, const Item& item, const DataOptions& data) {
  const auto count = static_cast<int64_t>(set.panels.size());
  if (!data.grid && set.boxes) {
    const Json layout = panels::layout_to_json(item.layout);
    json["canvas"] = layout["canvas"];
    json["boxes"] = layout["boxes"];
  } else if (!data.grid && !data.panel && set.strip) {
    json["grid"] = *set.strip == panels::Strip::row ? "row" : "column";
  } else if (item.layout.grid != panels::Grid{count, 1}) {
    json["grid"] = panels::to_string(item.layout.grid);
  }
}

struct Writer {
  const fs::path folder;
  const BuildOptions& options;

  void write_panels(const fs::path& where, const PreparedSet& prepared) const {
    create_folders(where);
    for (size_t i = 0; i < prepared.panels.size(); ++i) {
      image::write_png(where / fmt::format("{}.png", i + 1), prepared.panels[i]);
    }
  }

  void write_folder(const Set& set, const Item& item, const PreparedSet& prepared) const {
    const fs::path where = folder / "sets" / set.id;
    write_panels(where, prepared);
    const captions::JointCaption caption = pieces_of(set, options.data);
    Json json = {{"overall", caption.overall}, {"panels", caption.panels}};
    if (!set.task.empty()) json["task"] = set.task;
    add_layout(json, set, item, options.data);
    if (const auto dialect = stated_dialect(set, item.layout.grid, options.data)) {
      json["dialect"] = std::string(captions::name_of(*dialect));
    }
    write_file(where / "caption.json", json.dump(2) + "\n");
  }

  void write_canvas(const Set& set, const PreparedSet& prepared) const {
    const Json request = {{"version", 1}, {"layout", panels::layout_to_json(prepared.layout)}};
    image::write_png(folder / (set.id + ".png"), prepared.canvas, {{"iclora", request.dump()}});
    write_file(folder / (set.id + ".txt"), prepared.caption + "\n");
  }

  std::string manifest_line(const Set& set, const Item& item) const {
    const captions::JointCaption caption = pieces_of(set, options.data);
    Json json = {{"id", set.id}};
    if (!set.task.empty()) json["task"] = set.task;
    add_layout(json, set, item, options.data);
    if (!json.contains("grid") && !json.contains("boxes")) {
      json["grid"] = panels::to_string(item.layout.grid);
    }
    if (const auto dialect = stated_dialect(set, item.layout.grid, options.data)) {
      json["dialect"] = std::string(captions::name_of(*dialect));
    }
    json["overall"] = caption.overall;
    json["panels"] = Json::array();
    for (size_t i = 0; i < set.panels.size(); ++i) {
      Json panel = {{"image", fmt::format("pictures/{}/{}.png", set.id, i + 1)}};
      if (!caption.panels.empty()) panel["caption"] = caption.panels[i];
      json["panels"].push_back(panel);
    }
    return json.dump() + "\n";
  }
};

void check_canvases(const std::vector<Set>& sets, const Plan& plan, const DataOptions& data) {
  if (data.gutter > 0) {
    fail_input(
        "Glued canvases have no gutters: who cuts them again could not tell; use another "
        "form.");
  }
  for (const Item& item : plan.training) {
    for (const captions::Fault& fault : captions::lint_markers(item.caption)) {
      if (!fault.severe) continue;
      fail_input(
          "Set '{}': in one text its caption could not be read again. {} Change it, or use another "
          "form.",
          printable(sets[item.set].id), fault.what);
    }
    const panels::Layout equal =
        panels::cut_layout(item.layout.grid, item.layout.width, item.layout.height);
    if (equal.boxes == item.layout.boxes) continue;
    fail_input(
        "Set '{}' has panels of different sizes, which a glued canvas cannot tell; use "
        "another form.",
        printable(sets[item.set].id));
  }
}

/// What is written into the source would be read as a part of it next time.
void refuse_inside(const fs::path& source, const fs::path& out) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(source, ignored);
  const fs::path inner = fs::weakly_canonical(out, ignored);
  const auto [end, rest] = std::mismatch(whole.begin(), whole.end(), inner.begin(), inner.end());
  if (end == whole.end() && rest != inner.end()) {
    fail_input("--out {} lies inside the data set {} itself; write it beside it.",
               "'" + printable(out.native(), 400) + "'",
               "'" + printable(source.native(), 400) + "'");
  }
}

}  // namespace

Built build_data_set(const fs::path& source, const fs::path& out, const BuildOptions& options,
                     Progress& progress) {
  if (options.data.resolutions.size() > 1) {
    fail_input("A data set is written at one resolution, but {} are given.",
               options.data.resolutions.size());
  }
  refuse_inside(source, out);
  Scan scan = scan_sets(source, {options.data.grid, true});
  throw_errors(scan.problems, source.native());
  Built built;
  const Plan plan = plan_sets(scan.sets, options.data, scan.problems);
  throw_errors(scan.problems, source.native());
  if (options.form == Form::canvases) check_canvases(scan.sets, plan, options.data);
  AtomicFolder folder(out);
  const Writer writer{folder.path(), options};
  std::mutex progress_mutex;
  int64_t done = 0;
  const auto total = static_cast<int64_t>(plan.training.size());
  for_each_parallel(plan.training.size(), [&](size_t i) {
    const Item& item = plan.training[i];
    const Set& set = scan.sets[item.set];
    const PreparedSet prepared = load_set(set, item, options.data.fit);
    if (options.form == Form::folders) writer.write_folder(set, item, prepared);
    if (options.form == Form::manifest) {
      writer.write_panels(folder.path() / "pictures" / set.id, prepared);
    }
    if (options.form == Form::canvases) writer.write_canvas(set, prepared);
    const std::lock_guard lock(progress_mutex);
    check_cancelled(progress);
    progress.report({"writing sets", ++done, total, std::nullopt});
  });
  if (options.form == Form::manifest) {
    std::string text;
    for (const Item& item : plan.training) {
      text += writer.manifest_line(scan.sets[item.set], item);
    }
    write_file(folder.path() / "sets.jsonl", text);
  }
  folder.commit();
  built.sets = plan.training.size();
  for (const Item& item : plan.training) built.pictures += item.layout.boxes.size();
  built.warnings = std::move(scan.problems);
  sort_problems(built.warnings);
  return built;
}

}  // namespace iclora::dataset
