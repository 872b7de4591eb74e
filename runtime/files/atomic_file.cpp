#include "hewn/runtime/files/atomic_file.h"

#include "hewn/runtime/error.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace hewn::detail {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_to_write(const fs::path& target, int error) {
  fail(target.string(), ": cannot be written: ", std::generic_category().message(error));
}

/// Where to write for `target`: itself, or what it links to. Renaming over a device or a directory
/// is never meant, and renaming over a file that is write-protected would not ask.
fs::path resolve_target(const fs::path& target) {
  std::error_code error;
  const fs::file_status status = fs::status(target, error);
  if (!fs::exists(status)) return target;
  require(fs::is_regular_file(status), target.string(),
          ": cannot be written: it exists and is not a regular file");
  if (access(target.c_str(), W_OK) != 0) fail_to_write(target, errno);
  const fs::path resolved = fs::canonical(target, error);
  return error ? target : resolved;
}

/// A name that no other thread or process writes under.
fs::path temporary_beside(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  return target.parent_path() /
         text_of(".", target.filename().string(), ".", getpid(), ".", counter++, ".tmp");
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target)
    : target_(resolve_target(target)),
      temporary_(temporary_beside(target_)),
      fd_(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
  if (fd_ < 0) fail_to_write(target_, errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_to_write(target_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::commit() {
  // A network file system may report a full disk only here.
  if (close(std::exchange(fd_, -1)) != 0) fail_to_write(target_, errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
  temporary_.clear();
}

}  // namespace hewn::detail
