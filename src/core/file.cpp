#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace iclora {
namespace {

std::string reason(int error) {
  return std::strerror(error);
}

int64_t modified_ns(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

/// Opens a regular file for reading; a folder, a pipe or a device is refused without blocking.
int open_regular(const std::filesystem::path& path, struct stat& status) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    fail_input("'{}' cannot be read: {}; check the path.", printable(path.native()), reason(errno));
  }
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    fail_input("'{}' is not a regular file; name a file.", printable(path.native()));
  }
  return descriptor;
}

[[noreturn]] void fail_write(const std::filesystem::path& path, int error, uint64_t missing) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    throw DiskFull(
        fmt::format("'{}' cannot be written: {}; at least {} more bytes are needed. Free space and "
                    "run again.",
                    printable(path.native()), reason(error), missing),
        missing);
  }
  fail(ErrorKind::output, "'{}' cannot be written: {}; choose another place or mend its rights.",
       printable(path.native()), reason(error));
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// Files are renamed into place: that would replace a device by a file, for everybody.
void refuse_special(const std::filesystem::path& path) {
  if (path.empty()) fail_input("The name of what is to be written is empty; name a file.");
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
      std::filesystem::is_directory(status)) {
    return;
  }
  fail(ErrorKind::output, "'{}' is a device, a pipe or a socket; name a file.",
       printable(path.native(), 400));
}

}  // namespace

std::string read_file(const std::filesystem::path& path, uint64_t limit) {
  struct stat status {};
  const int descriptor = open_regular(path, status);
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size > limit) {
    ::close(descriptor);
    fail_input("'{}' has {} bytes, but at most {} are read here; it is probably another file.",
               printable(path.native()), size, limit);
  }
  std::string content(size, '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(descriptor, content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      ::close(descriptor);
      fail_input("'{}' cannot be read: {}.", printable(path.native()), reason(error));
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  ::close(descriptor);
  content.resize(done);
  return content;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  struct stat status {};
  const int descriptor = open_regular(path, status);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, descriptor));
}

MappedFile::MappedFile(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {
  struct stat status {};
  ::fstat(descriptor_, &status);
  size_ = static_cast<size_t>(status.st_size);
  modified_ns_ = modified_ns(status);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    ::close(descriptor_);
    fail(ErrorKind::memory, "'{}' cannot be mapped into memory: {}.", printable(path_.native()),
         reason(error));
  }
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  // munmap wants a pointer to mutable memory; nothing is written.
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  ::close(descriptor_);
}

void MappedFile::check_unchanged() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || static_cast<size_t>(status.st_size) != size_ ||
      modified_ns(status) != modified_ns_) {
    fail_input("'{}' was changed while it was being read; keep it as it is and run again.",
               printable(path_.native()));
  }
}

void MappedFile::release(std::span<const std::byte> range) const {
  if (range.empty()) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t skip = (page - reinterpret_cast<uintptr_t>(range.data()) % page) % page;
  if (range.size() < skip + page) return;
  // madvise wants a pointer to mutable memory; nothing is written.
  std::byte* const first = const_cast<std::byte*>(range.data()) + skip;
  ::madvise(first, (range.size() - skip) / page * page, MADV_DONTNEED);
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  static std::atomic<unsigned> counter{0};
  refuse_special(path_);
  temporary_ = folder_of(path_) / fmt::format(".{}.{}-{}.part", path_.filename().native(),
                                              ::getpid(), counter.fetch_add(1));
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_write(path_, errno, 0);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_write(path_, errno, bytes.size() - done);
    done += static_cast<size_t>(put);
    written_ += static_cast<uint64_t>(put);
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::finish() {
  if (descriptor_ < 0) return;
  if (::fsync(descriptor_) != 0) fail_write(path_, errno, 0);
  const int closed = ::close(descriptor_);
  const int error = errno;
  descriptor_ = -1;
  if (closed != 0) fail_write(path_, error, 0);
}

void AtomicFile::commit() {
  finish();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_, errno, 0);
  committed_ = true;
  sync_folder(folder_of(path_));
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void create_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error == std::errc::no_space_on_device) fail_write(folder, ENOSPC, 0);
  if (error || !std::filesystem::is_directory(folder)) {
    fail(ErrorKind::output, "The folder '{}' cannot be created: {}; choose another place.",
         printable(folder.native()), error ? error.message() : "a file of that name is in the way");
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder that may be written but not listed
  ::fsync(descriptor);
  ::close(descriptor);
}

void check_writable(const std::filesystem::path& path) {
  refuse_special(path);
  std::filesystem::path folder = folder_of(std::filesystem::absolute(path));
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) folder = path;
  while (!std::filesystem::exists(folder, ignored) && folder.has_parent_path() &&
         folder != folder.parent_path()) {
    folder = folder.parent_path();
  }
  const std::filesystem::path probe = folder / fmt::format(".iclora-{}.probe", ::getpid());
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) fail_write(path, errno, 0);
  ::close(descriptor);
  ::unlink(probe.c_str());
}

}  // namespace iclora
