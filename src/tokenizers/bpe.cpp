#include "tokenizers/bpe.h"

#include <algorithm>

#include "core/error.h"
#include "tokenizers/unicode.h"

namespace iclora::tokenizers {

std::array<std::string, 256> byte_alphabet() {
  std::array<std::string, 256> alphabet;
  char32_t extra = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable_byte =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(alphabet[byte], printable_byte ? byte : extra++);
  }
  return alphabet;
}

namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

Bpe::Bpe(Vocabulary vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
         std::string suffix, int32_t unknown, const std::string& origin)
    : vocabulary_(std::move(vocabulary)), suffix_(std::move(suffix)), unknown_(unknown) {
  int32_t rank = 0;
  for (const auto& [left, right] : merges) {
    const auto a = vocabulary_.find(left);
    const auto b = vocabulary_.find(right);
    const auto whole = vocabulary_.find(left + right);
    if (a == vocabulary_.end() || b == vocabulary_.end() || whole == vocabulary_.end()) {
      fail_input("{}: merge {} ('{}' + '{}') is not made of tokens of the vocabulary.", origin,
                 rank + 1, printable(left), printable(right));
    }
    // A pair that stands twice keeps its later rank, as in the reference.
    merges_[pair_key(a->second, b->second)] = {rank++, whole->second};
  }
}

std::vector<int32_t> Bpe::encode(const std::vector<std::string>& symbols) const {
  struct Node {
    int32_t id;
    int previous, next;
  };
  std::vector<Node> nodes;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const auto found =
        vocabulary_.find(i + 1 == symbols.size() ? symbols[i] + suffix_ : symbols[i]);
    nodes.push_back({found == vocabulary_.end() ? unknown_ : found->second, static_cast<int>(i) - 1,
                     i + 1 == symbols.size() ? -1 : static_cast<int>(i) + 1});
  }
  // The lowest rank first; of equal ranks, the leftmost. A heap of candidate pairs keeps a word of
  // thousands of symbols from costing the square of its length.
  struct Candidate {
    int32_t rank;
    int left;
    int32_t left_id, right_id, id;
  };
  const auto later = [](const Candidate& a, const Candidate& b) {
    return std::pair(a.rank, a.left) > std::pair(b.rank, b.left);
  };
  std::vector<Candidate> heap;
  const auto consider = [&](int left) {
    if (left < 0 || nodes[left].next < 0) return;
    const Node& right = nodes[nodes[left].next];
    const auto found = merges_.find(pair_key(nodes[left].id, right.id));
    if (found == merges_.end()) return;
    heap.push_back({found->second.rank, left, nodes[left].id, right.id, found->second.id});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  for (size_t i = 0; i < nodes.size(); ++i) consider(static_cast<int>(i));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const Candidate best = heap.back();
    heap.pop_back();
    Node& left = nodes[best.left];
    if (left.id != best.left_id || left.next < 0 || nodes[left.next].id != best.right_id) continue;
    const int gone = left.next;
    left.id = best.id;
    left.next = nodes[gone].next;
    if (left.next >= 0) nodes[left.next].previous = best.left;
    nodes[gone].id = -1;
    consider(left.previous);
    consider(best.left);
  }
  std::vector<int32_t> ids;
  for (int i = nodes.empty() ? -1 : 0; i >= 0; i = nodes[i].next) ids.push_back(nodes[i].id);
  return ids;
}

}  // namespace iclora::tokenizers
