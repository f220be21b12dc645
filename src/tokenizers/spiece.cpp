#include "tokenizers/spiece.h"

#include <cstring>

#include "core/error.h"

namespace iclora::tokenizers {
namespace {

constexpr size_t kMostPieces = 4'000'000;
// Kinds of pieces.
constexpr uint64_t kControl = 3;
constexpr uint64_t kUserDefined = 4;

/// Walks over the fields of a protocol-buffer message (wire format of proto2).
class Message {
 public:
  Message(std::string_view bytes, const std::string& origin) : rest_(bytes), origin_(origin) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    field_ = tag >> 3;
    switch (tag & 7) {
      case 0:
        number_ = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        bytes_ = take(varint());
        break;
      case 5:
        fixed_ = take(4);
        break;
      default:
        damaged();
    }
    wire_ = tag & 7;
    return true;
  }
  uint64_t field() const { return field_; }
  uint64_t number() const { return expect(0), number_; }
  std::string_view bytes() const { return expect(2), bytes_; }
  float number32() const {
    expect(5);
    float value = 0;
    std::memcpy(&value, fixed_.data(), 4);
    return value;
  }

 private:
  [[noreturn]] void damaged() const {
    fail_input("{} is not a sentencepiece model: the message is damaged or cut.", origin_);
  }
  void expect(uint64_t wire) const {
    if (wire_ != wire) damaged();
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) damaged();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    damaged();
  }
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) damaged();
    const std::string_view part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }

  std::string_view rest_;
  const std::string& origin_;
  uint64_t field_ = 0, wire_ = 0, number_ = 0;
  std::string_view bytes_, fixed_;
};

}  // namespace

SentencePieceModel parse_spiece(std::string_view bytes, const std::string& origin) {
  SentencePieceModel model;
  uint64_t kind = 1;  // UNIGRAM
  for (Message message(bytes, origin); message.next();) {
    if (message.field() == 1) {  // pieces
      if (model.pieces.size() == kMostPieces) {
        fail_input("{} has more than {} pieces.", origin, kMostPieces);
      }
      Piece piece;
      uint64_t type = 1;  // normal
      for (Message part(message.bytes(), origin); part.next();) {
        if (part.field() == 1) piece.text = std::string(part.bytes());
        if (part.field() == 2) piece.score = part.number32();
        if (part.field() == 3) type = part.number();
      }
      if (type == kControl || type == kUserDefined) model.added.push_back(piece.text);
      model.pieces.push_back(std::move(piece));
    } else if (message.field() == 2) {  // trainer_spec
      for (Message part(message.bytes(), origin); part.next();) {
        if (part.field() == 3) kind = part.number();
        if (part.field() == 35 && part.number() != 0) {
          fail_input("{} uses byte fallback, which T5's tokenizers do not.", origin);
        }
        if (part.field() == 40) model.unknown = static_cast<int64_t>(part.number());
      }
    } else if (message.field() == 3) {  // normalizer_spec
      for (Message part(message.bytes(), origin); part.next();) {
        if (part.field() == 2) model.charsmap = std::string(part.bytes());
      }
    }
  }
  if (kind != 1) {
    fail_input("{} is a sentencepiece model of kind {}, expected Unigram (1).", origin, kind);
  }
  if (model.pieces.empty()) fail_input("{} holds no pieces.", origin);
  return model;
}

}  // namespace iclora::tokenizers
