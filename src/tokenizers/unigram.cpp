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

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

Unigram::Unigram(std::vector<Piece> pieces, int32_t unknown, const std::string& origin)
    : pieces_(std::move(pieces)), unknown_(unknown) {
  if (unknown < 0 || unknown >= static_cast<int32_t>(pieces_.size())) {
    fail_input("{}: the unknown token's id {} is not one of the {} pieces.", origin, unknown,
               pieces_.size());
  }
  double worst = INFINITY;
  ids_.reserve(pieces_.size());
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
    if (!is_utf8(piece.text)) {
      fail_input("{}: piece {} is not UTF-8.", origin, id);
    }
    if (piece.text.empty()) continue;
    if (const auto [first, added] = ids_.emplace(piece.text, static_cast<int32_t>(id)); !added) {
      fail_input("{}: the pieces {} and {} are both '{}'.", origin, first->second, id,
                 printable(piece.text));
    }
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
  for (size_t end = word.size(); end > 0;) {
    size_t start = ends[end].start;
    int32_t id = ends[end].id;
    if (id == unknown_) {
      while (start > 0 && ends[start].id == unknown_) start = ends[start].start;
      const int32_t whole = find(word.substr(start, end - start));
      if (whole >= 0) id = whole;  // where unknown characters together are a piece
    }
    backwards.push_back(id);
    end = start;
  }
  ids.insert(ids.end(), backwards.rbegin(), backwards.rend());
}

}  // namespace iclora::tokenizers
