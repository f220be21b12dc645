#pragma once
// A Unigram model: the cut of a word into pieces with the highest sum of scores (Viterbi).

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace iclora::tokenizers {

struct Piece {
  std::string text;
  double score = 0;
};

class Unigram {
 public:
  /// The id of a piece is its place. Errors (exit 2) name `origin`.
  Unigram(std::vector<Piece> pieces, int32_t unknown, const std::string& origin);
  Unigram(const Unigram&) = delete;  // the look-up table points into the pieces
  Unigram& operator=(const Unigram&) = delete;

  /// Appends the ids of one word; neighbouring unknown characters become one unknown token.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;
  int64_t size() const { return static_cast<int64_t>(pieces_.size()); }
  /// -1 when there is no such piece.
  int32_t find(std::string_view text) const;

 private:
  std::vector<Piece> pieces_;
  std::unordered_map<std::string_view, int32_t> ids_;
  size_t longest_ = 0;  ///< bytes
  double unknown_score_ = 0;
  int32_t unknown_ = 0;
};

}  // namespace iclora::tokenizers
