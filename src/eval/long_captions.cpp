#include "eval/long_captions.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/log.h"

namespace iclora::eval {
namespace {

constexpr size_t kNamed = 3;

}  // namespace

LongCaptions::LongCaptions(const sampling::OpenModel& model, int64_t limit)
    : limit_(limit), count_(sampling::token_counter(model)) {}

void LongCaptions::add(const std::string& id, const std::string& caption, size_t panels,
                       sampling::Method method) {
  Loss& loss = losses_.try_emplace(id, Loss{losses_.size(), 0, ""}).first->second;
  const std::vector<std::string> read = sampling::captions_of(method, caption, panels);
  for (size_t i = 0; i < read.size(); ++i) {
    const std::string lost = captions::lost_end(read[i], limit_, count_);
    if (lost.empty()) continue;
    const int64_t tokens = count_(read[i]);
    if (tokens <= loss.tokens) continue;
    loss.tokens = tokens;
    loss.told =
        fmt::format("{} '{}' has {} tokens, but {} are read: {}",
                    read.size() == 1 ? "that of" : fmt::format("that of panel {} of", i + 1),
                    printable(id), tokens, limit_, lost);
  }
}

std::string LongCaptions::warning(const std::filesystem::path& file,
                                  std::string_view option) const {
  std::vector<const Loss*> lost;
  for (const auto& [id, loss] : losses_) {
    if (loss.tokens > 0) lost.push_back(&loss);
  }
  if (lost.empty()) return "";
  std::sort(lost.begin(), lost.end(),
            [](const Loss* a, const Loss* b) { return a->place < b->place; });
  int64_t longest = 0;
  for (const Loss* loss : lost) longest = std::max(longest, loss->tokens);
  std::vector<std::string> told;
  for (size_t i = 0; i < std::min(lost.size(), kNamed); ++i) told.push_back(lost[i]->told);
  if (lost.size() > kNamed) told.push_back(fmt::format("and {} more", lost.size() - kNamed));
  const bool one = lost.size() == 1;
  return fmt::format("'{}': {} of {} captions {} not read to the end: {}; {}",
                     printable(file.native(), 400), lost.size(), losses_.size(), one ? "is" : "are",
                     fmt::join(told, "; "),
                     sampling::remedy_for_length(longest, limit_, one ? "it" : "them", option));
}

void LongCaptions::warn(const std::filesystem::path& file, std::string_view option) const {
  const std::string text = warning(file, option);
  if (!text.empty()) log::write_warning(text);
}

}  // namespace iclora::eval
