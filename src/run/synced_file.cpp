#include "run/synced_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "run/disk_space.h"

namespace iclora::run {

SyncedFile::SyncedFile(std::filesystem::path path, uint64_t needed)
    : path_(std::move(path)),
      needed_(needed),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_to_write(path_, errno, needed_);
}

SyncedFile::~SyncedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SyncedFile::write(std::span<const std::byte> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_to_write(path_, errno, needed_);
    done += static_cast<size_t>(put);
  }
  hash_.update(bytes);
  written_ += bytes.size();
}

std::string SyncedFile::close() {
  if (::fsync(descriptor_) != 0) fail_to_write(path_, errno, needed_);
  // What is verified afterwards shall come from the disk, not from memory.
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
  const int closed = ::close(descriptor_);
  const int error = errno;
  descriptor_ = -1;
  if (closed != 0) fail_to_write(path_, error, needed_);
  return hash_.hex();
}

}  // namespace iclora::run
