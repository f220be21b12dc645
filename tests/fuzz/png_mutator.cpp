// Mutations that leave a PNG's checksums right, so that the fuzzer gets past them: to the readers
// of each chunk, and through zlib to the rows of pixels.

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);
constexpr size_t kAround = 12;  // length, type and checksum of a chunk

struct Chunk {
  std::string type;  // four bytes
  std::string content;
};

uint32_t big_endian(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

void append_big_endian(std::string& bytes, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 0xff);
}

/// Whatever of `bytes` can be taken as chunks; a length that leaves the file ends with it.
std::vector<Chunk> chunks_of(const uint8_t* data, size_t size) {
  std::vector<Chunk> chunks;
  size_t at = kSignature.size();
  while (at + 8 <= size) {
    const size_t room = size - at - 8;
    const size_t length = std::min<size_t>(big_endian(data + at), room >= 4 ? room - 4 : room);
    const char* begin = reinterpret_cast<const char*>(data + at);
    chunks.push_back({std::string(begin + 4, 4), std::string(begin + 8, length)});
    at += length + kAround;
  }
  return chunks;
}

std::string png_of(const std::vector<Chunk>& chunks) {
  std::string bytes(kSignature);
  for (const Chunk& chunk : chunks) {
    append_big_endian(bytes, static_cast<uint32_t>(chunk.content.size()));
    const std::string body = chunk.type + chunk.content;
    bytes += body;
    append_big_endian(bytes,
                      static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                  static_cast<uInt>(body.size()))));
  }
  return bytes;
}

std::string mutated(std::string content, size_t most) {
  const size_t size = content.size();
  content.resize(std::max(size, most));
  content.resize(
      LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(content.data()), size, content.size()));
  return content;
}

/// Changes the filtered rows of pixels, and packs them again.
void mutate_pixels(std::vector<Chunk>& chunks, size_t most) {
  std::string packed;
  for (const Chunk& chunk : chunks) packed += chunk.type == "IDAT" ? chunk.content : "";
  std::string rows(1 << 16, '\0');
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return;
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(rows.data());
  stream.avail_out = static_cast<uInt>(rows.size());
  inflate(&stream, Z_FINISH);
  rows.resize(stream.total_out);
  inflateEnd(&stream);
  rows = mutated(rows, std::min(most, rows.size() + 64));
  uLongf length = compressBound(static_cast<uLong>(rows.size()));
  std::string again(length, '\0');
  compress2(reinterpret_cast<Bytef*>(again.data()), &length,
            reinterpret_cast<const Bytef*>(rows.data()), static_cast<uLong>(rows.size()), 1);
  again.resize(length);
  const auto first = std::find_if(chunks.begin(), chunks.end(),
                                  [](const Chunk& chunk) { return chunk.type == "IDAT"; });
  if (first == chunks.end()) return;
  first->content = again;
  chunks.erase(std::remove_if(first + 1, chunks.end(),
                              [](const Chunk& chunk) { return chunk.type == "IDAT"; }),
               chunks.end());
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  std::minstd_rand random(seed);
  const auto one_in = [&](unsigned int count) { return random() % count == 0; };
  const bool png =
      size > kSignature.size() && std::memcmp(data, kSignature.data(), kSignature.size()) == 0;
  // Other formats, and now and then a PNG whose checksums are wrong.
  if (!png || one_in(8)) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<Chunk> chunks = chunks_of(data, size);
  if (chunks.empty()) return LLVMFuzzerMutate(data, size, max_size);
  if (one_in(4)) {
    mutate_pixels(chunks, max_size);
  } else if (one_in(4)) {  // the order and number of chunks
    const size_t from = random() % chunks.size();
    const Chunk taken = chunks[from];
    if (one_in(2)) chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(from));
    if (one_in(2)) {
      chunks.insert(chunks.begin() + static_cast<std::ptrdiff_t>(random() % (chunks.size() + 1)),
                    taken);
    }
  } else if (one_in(8)) {
    Chunk& chunk = chunks[random() % chunks.size()];
    chunk.type = mutated(chunk.type, 4);
    chunk.type.resize(4, 'a');
  } else {
    Chunk& chunk = chunks[random() % chunks.size()];
    chunk.content = mutated(chunk.content, chunk.content.size() + 64);
  }
  const std::string bytes = png_of(chunks);
  if (bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
