#include "run/event_record.h"

#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace iclora::run {
namespace {

static_assert(std::endian::native == std::endian::little);

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr size_t kFrame = 16;  // around a record

std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    table[byte] = crc;
  }
  return table;
}

uint32_t masked(uint32_t crc) {
  return std::rotr(crc, 15) + 0xA282EAD8U;
}

template <typename Number>
std::string raw(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

template <typename Number>
Number read_raw(std::string_view bytes) {
  Number number;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(uint64_t field, WireType type) {
  return varint(field << 3 | type);
}

std::string bytes_field(uint64_t field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string event(double wall_time, int64_t step, const std::string& what) {
  std::string record = key(1, kFixed64) + raw(wall_time);
  if (step != 0) record += key(2, kVarint) + varint(static_cast<uint64_t>(step));
  return record + what;
}

struct Field {
  uint64_t number = 0;
  WireType type = kVarint;
  uint64_t value = 0;      ///< of a varint
  std::string_view bytes;  ///< of any other
};

/// Takes one field off the front; none at the end or where the bytes are no fields.
std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[0]);
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Field> take_field(std::string_view& bytes) {
  const auto tag = take_varint(bytes);
  if (!tag) return std::nullopt;
  Field field{*tag >> 3, static_cast<WireType>(*tag & 7), 0, {}};
  uint64_t size = 0;
  if (field.type == kVarint || field.type == kBytes) {
    const auto value = take_varint(bytes);
    if (!value) return std::nullopt;
    (field.type == kVarint ? field.value : size) = *value;
  } else if (field.type == kFixed64 || field.type == kFixed32) {
    size = field.type == kFixed64 ? 8 : 4;
  } else {
    return std::nullopt;
  }
  if (size > bytes.size()) return std::nullopt;
  field.bytes = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return field;
}

std::pair<std::string, float> decode_value(std::string_view bytes) {
  std::pair<std::string, float> value;
  while (const auto field = take_field(bytes)) {
    if (field->number == 1 && field->type == kBytes) value.first = field->bytes;
    if (field->number == 2 && field->type == kFixed32) value.second = read_raw<float>(field->bytes);
  }
  return value;
}

DecodedEvent decode_event(std::string_view bytes) {
  DecodedEvent event;
  while (const auto field = take_field(bytes)) {
    std::string_view inner = field->bytes;
    if (field->number == 1 && field->type == kFixed64) event.wall_time = read_raw<double>(inner);
    if (field->number == 2 && field->type == kVarint) {
      event.step = static_cast<int64_t>(field->value);
    }
    if (field->number == 3 && field->type == kBytes) event.file_version = inner;
    if (field->number == 5 && field->type == kBytes) {
      while (const auto value = take_field(inner)) {
        if (value->number == 1 && value->type == kBytes) {
          event.scalars.push_back(decode_value(value->bytes));
        }
      }
    }
    if (field->number == 7 && field->type == kBytes) {
      const auto status = take_field(inner);
      event.restart = status && status->number == 1 && status->value == 1;
    }
  }
  return event;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

std::string version_event(double wall_time) {
  return event(wall_time, 0, bytes_field(3, "brain.Event:2"));
}

std::string restart_event(double wall_time, int64_t step) {
  constexpr uint64_t kStart = 1;
  return event(wall_time, step, bytes_field(7, key(1, kVarint) + varint(kStart)));
}

std::string scalars_event(double wall_time, int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    const std::string number = key(2, kFixed32) + raw(static_cast<float>(value));
    summary += bytes_field(1, bytes_field(1, tag) + number);
  }
  return event(wall_time, step, bytes_field(5, summary));
}

std::string framed(std::string_view record) {
  const std::string length = raw(static_cast<uint64_t>(record.size()));
  return length + raw(masked(crc32c(length))) + std::string(record) + raw(masked(crc32c(record)));
}

std::vector<FoundEvent> decode_events(std::string_view bytes) {
  std::vector<FoundEvent> events;
  size_t at = 0;
  while (bytes.size() - at >= kFrame) {
    const std::string_view frame = bytes.substr(at);
    const auto size = read_raw<uint64_t>(frame);
    if (read_raw<uint32_t>(frame.substr(8)) != masked(crc32c(frame.substr(0, 8)))) break;
    if (size > frame.size() - kFrame) break;
    const std::string_view record = frame.substr(12, size);
    if (read_raw<uint32_t>(frame.substr(12 + size)) != masked(crc32c(record))) break;
    at += kFrame + size;
    events.push_back({at, decode_event(record)});
  }
  return events;
}

}  // namespace iclora::run
