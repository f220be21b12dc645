#pragma once
// Room on the disk, asked for before anything is written.

#include <cstdint>
#include <filesystem>

namespace iclora {

/// Bytes that this user may still write where `path` is or would be created; the largest number
/// where the system does not say.
uint64_t free_bytes(const std::filesystem::path& path);

/// Throws DiskFull (core/file.h) unless `bytes` are free where `path` is or would be created: what
/// cannot fit is not begun.
void check_room(const std::filesystem::path& path, uint64_t bytes);

}  // namespace iclora
