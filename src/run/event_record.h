#pragma once
// TensorBoard's event records, by hand: a protocol buffer Event in a TFRecord frame.
//
// Frame: length (u64), masked CRC-32C of those 8 bytes, the record, masked CRC-32C of it, all
// little-endian; masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8 (tensorflow/core/lib/io,
// "TFRecord"). Event: wall_time = 1 (double), step = 2, file_version = 3, summary = 5 { value = 1 {
// tag = 1, simple_value = 2 (float) } }, session_log = 7 { status = 1 } (tensorflow event.proto,
// summary.proto).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iclora::run {

using Scalars = std::vector<std::pair<std::string, double>>;  ///< by tag

/// CRC-32C (Castagnoli), RFC 3720.
uint32_t crc32c(std::string_view bytes);

/// The first record of every file: says "brain.Event:2".
std::string version_event(double wall_time);
/// Tells TensorBoard to forget what it knows of `step` and later.
std::string restart_event(double wall_time, int64_t step);
std::string scalars_event(double wall_time, int64_t step, const Scalars& scalars);

/// The record in its frame.
std::string framed(std::string_view record);

/// What a record says; fields of other kinds are passed over.
struct DecodedEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version;
  bool restart = false;
  std::vector<std::pair<std::string, float>> scalars;
};

/// A frame found in a file: where it ends and what is in it.
struct FoundEvent {
  size_t end = 0;
  DecodedEvent event;
};

/// The whole frames of a file's bytes, up to the first that is torn or damaged.
std::vector<FoundEvent> decode_events(std::string_view bytes);

}  // namespace iclora::run
