#pragma once
// A small file system of its own for one test, so that a disk can really be full.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>

#include "scratch.h"

namespace iclora::testing_support {

class SmallDisk {
 public:
  /// `kibibytes` large. Where this user may not mount, in a user namespace of the test's own.
  explicit SmallDisk(int64_t kibibytes) {
    const std::string size = "size=" + std::to_string(kibibytes) + "k";
    const auto mount_it = [&] {
      return ::mount("tmpfs", path().c_str(), "tmpfs", 0, size.c_str()) == 0;
    };
    mounted_ = mount_it() || (enter_namespace() && mount_it());
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  /// Takes all room but `left` bytes; again, what has become free since.
  void fill(uint64_t left = 0) const {
    const int filler = ::open((path() / kFiller).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (filler < 0) throw std::system_error(errno, std::generic_category(), kFiller);
    for (uint64_t room = free_bytes(); room > left; room = free_bytes()) {
      const off_t end = ::lseek(filler, 0, SEEK_END);
      // Fails where a program on this disk was faster; then there is less to take.
      if (::posix_fallocate(filler, end, static_cast<off_t>(room - left)) != 0) continue;
    }
    ::close(filler);
  }
  void make_room() const { std::filesystem::remove(path() / kFiller); }

  /// How many files and folders stand there, the filler aside.
  int64_t entries() const {
    int64_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      count += entry.path().filename() == kFiller ? 0 : 1;
    }
    return count;
  }

 private:
  uint64_t free_bytes() const {
    struct statvfs status {};
    ::statvfs(path().c_str(), &status);
    return status.f_bavail * status.f_bsize;
  }

  static constexpr const char* kFiller = "filler";

  /// Root over mounts of its own, with this user's rights over files.
  static bool enter_namespace() {
    const uid_t user = ::getuid();
    const gid_t group = ::getgid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    return true;
  }

  ScratchFolder folder_;
  bool mounted_ = false;
};

}  // namespace iclora::testing_support
