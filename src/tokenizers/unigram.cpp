#include "tokenizers/unigram.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {
namespace {

// How much worse than the worst piece an unknown character is (sentencepiece's constant).
constexpr double kUnknownPenalty = 10.0;
constexpr size_t kLongestPiece = 1024;

}  // namespace

Unigram::Unigram(std::vector<Piece> pieces, int32_t unknown, const std::string& origin)
    : pieces_(std::move(pieces)), unknown_(unknown) {
  if (unknown < 0 || unknown >= static_cast<int32_t>(pieces_.size())) {
    fail_input("{}: the unknown token's id {} is not one of the {} pieces.", origin, unknown,
               pieces_.size());
  }
  double worst = INFINITY;
  for (size_t id = 0; id < pieces_.size(); ++id) {
    const Piece& piece = pieces_[id];
    if (!std::isfinite(piece.score)) {
      fail_input("{}: the score of piece '{}' is not a finite number.", origin,
                 printable(piece.text));
    }
    if (piece.text.size() > kLongestPiece) {
      fail_input("{}: piece {} has {} bytes, more than any real piece.", origin, id,
                 piece.text.size());
    }
    worst = std::min(worst, piece.score);
    longest_ = std::max(longest_, piece.text.size());
    // Of equal pieces the last one counts, as in the reference.
    if (!piece.text.empty()) ids_[piece.text] = static_cast<int32_t>(id);
  }
  unknown_score_ = worst - kUnknownPenalty;
}

int32_t Unigram::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? -1 : found->second;
}

void Unigram::encode(std::string_view word, std::vector<int32_t>& ids) const {
  struct Node {
    double score = 0;
    size_t start = SIZE_MAX;
    int32_t id = -1;
  };
  std::vector<Node> ends(word.size() + 1);
  const auto improve = [](Node& node, double score, size_t start, int32_t id) {
    if (node.start == SIZE_MAX || score > node.score) node = {score, start, id};
  };
  for (size_t start = 0; start < word.size();) {
    const double here = ends[start].score;
    const size_t character = utf8_length(word.substr(start));
    bool single = false;
    const size_t limit = std::min(longest_, word.size() - start);
    for (size_t length = 1; length <= limit; ++length) {
      // Only whole characters: the byte after the piece must not continue one.
      if (start + length < word.size() &&
          (static_cast<unsigned char>(word[start + length]) & 0xC0) == 0x80) {
        continue;
      }
      const auto found = ids_.find(word.substr(start, length));
      if (found == ids_.end()) continue;
      improve(ends[start + length], pieces_[static_cast<size_t>(found->second)].score + here, start,
              found->second);
      single = single || length == character;
    }
    if (!single) improve(ends[start + character], unknown_score_ + here, start, unknown_);
    start += character;
  }
  std::vector<int32_t> backwards;
  for (size_t end = word.size(); end > 0; end = ends[end].start) {
    const int32_t id = ends[end].id;
    if (id == unknown_ && !backwards.empty() && backwards.back() == unknown_) continue;
    backwards.push_back(id);
  }
  ids.insert(ids.end(), backwards.rbegin(), backwards.rend());
}

}  // namespace iclora::tokenizers
