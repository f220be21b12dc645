#pragma once
// Captions for the sets that have none, from a vision model: read, ask, check, write, set by set.

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "captions/describer.h"
#include "core/progress.h"
#include "dataset/plan.h"
#include "dataset/problem.h"

namespace iclora::dataset {

struct CaptionOptions {
  DataOptions data;  ///< grid, dialect and trigger are written; the rest is for the canvas
  captions::Endpoint endpoint;
  captions::Patience patience;
  std::string hint;             ///< what the model is to heed; may be empty
  int64_t words = 250;          ///< a whole caption, about; half as much again is refused
  bool overwrite = false;       ///< else sets that have a caption keep it
  size_t concurrency = 1;       ///< questions on their way at once
  std::filesystem::path cache;  ///< folder of answers; empty: none
};

/// Sends a request; throws Cancelled soon after `cancelled` says so (HttpClient::post).
using Send = std::function<captions::HttpReply(const captions::HttpRequest&,
                                               const std::function<bool()>& cancelled)>;

struct CaptionedSet {
  std::string id;
  std::string file;     ///< that holds the caption now
  std::string caption;  ///< rendered
  bool cached = false;  ///< no request was made for it
};

struct CaptionReport {
  size_t sets = 0;                    ///< of the data set
  size_t kept = 0;                    ///< that had a caption
  size_t failed = 0;                  ///< the reason of each is an error in `problems`
  size_t untried = 0;                 ///< left out because the endpoint answered no more
  std::vector<CaptionedSet> written;  ///< in the order of the sets
  Problems problems;                  ///< failures, and what the lint says of the new captions
};

/// Every caption is written as soon as it is there, so that whatever ends the run, the next one
/// goes on. A set that fails does not keep the others from theirs; after three in a row to which
/// the endpoint gave no answer the rest is left out. Throws: an Error (exit 2) where the data set
/// cannot be read or laid out, before anything is asked, or where no set can be described
/// (captions::Describer); kind `output` where a caption cannot be written; Cancelled.
CaptionReport caption_sets(const std::filesystem::path& path, const CaptionOptions& options,
                           const Send& send, Progress& progress);

/// {"sets", "written", "from_cache", "kept", "failed", "untried", "captions": [{"set", "file",
/// "caption", "cached"}], "problems": [...]}.
Json caption_report_to_json(const CaptionReport& report);

}  // namespace iclora::dataset
