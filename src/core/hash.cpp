#include "core/hash.h"

#include <nettle/sha2.h>

#include <array>

#include "core/error.h"
#include "core/file.h"

namespace iclora {

struct Sha256::State {
  sha256_ctx context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  sha256_init(&state_->context);
}
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  sha256_update(&state_->context, bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

std::string Sha256::hex() {
  std::array<uint8_t, SHA256_DIGEST_SIZE> digest{};
  sha256_digest(&state_->context, digest.size(), digest.data());
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  Sha256 hash;
  constexpr size_t piece = size_t{1} << 24;
  for (size_t at = 0; at < file->bytes().size(); at += piece) {
    file->check_unchanged();
    const auto part = file->bytes().subspan(at, std::min(piece, file->bytes().size() - at));
    hash.update(part);
    file->release(part);
  }
  return hash.hex();
}

}  // namespace iclora
