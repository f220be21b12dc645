#pragma once
// SHA-256, as hexadecimal text.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace iclora {

/// A digest over pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// 64 lowercase hexadecimal digits; the object starts anew.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view text);
/// Of a file's bytes, read in pieces.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace iclora
