#include "run/appended_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "run/disk_space.h"

namespace iclora::run {

AppendedFile::AppendedFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_to_write(path_, errno, 0);
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  size_ = end < 0 ? 0 : static_cast<uint64_t>(end);
}

AppendedFile::~AppendedFile() {
  ::close(descriptor_);
}

void AppendedFile::append(std::string_view piece) {
  size_t done = 0;
  while (done < piece.size()) {
    const ssize_t put = ::write(descriptor_, piece.data() + done, piece.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const int error = errno;
      if (done > 0) cut(size_);
      fail_to_write(path_, error, piece.size());
    }
    done += static_cast<size_t>(put);
  }
  size_ += piece.size();
}

void AppendedFile::cut(uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail_to_write(path_, errno, 0);
  size_ = size;
}

void AppendedFile::sync() {
  if (::fsync(descriptor_) != 0) fail_to_write(path_, errno, 0);
}

}  // namespace iclora::run
