#include "hewn/runtime/files/input_file.h"

#include "hewn/runtime/error.h"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace hewn::detail {

namespace {

[[noreturn]] void fail_to_read(const std::filesystem::path& path, int error) {
  fail(path.string(), ": cannot be read: ", std::generic_category().message(error));
}

std::string_view kind_of_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// An open regular file that is not empty.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path)
      // Opening a pipe would otherwise wait for somebody to write to it.
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) fail_to_read(path, errno);
    struct stat info {};
    const int error = fstat(fd_, &info) == 0 ? 0 : errno;
    if (error != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
      close(fd_);
      if (error != 0) fail_to_read(path, error);
      require(S_ISREG(info.st_mode), path.string(), ": expected a file, got ",
              kind_of_file(info.st_mode));
      fail(path.string(), ": the file is empty");
    }
    size_ = static_cast<std::size_t>(info.st_size);
  }
  ~Descriptor() { close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int fd() const { return fd_; }
  std::size_t size() const { return size_; }

 private:
  int fd_;
  std::size_t size_ = 0;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path);
  size_ = file.size();
  data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (data_ == MAP_FAILED) fail_to_read(path, errno);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void MappedFile::release() const { madvise(data_, size_, MADV_DONTNEED); }  // a hint

std::vector<std::byte> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(path);
  require(file.size() <= limit, path.string(), ": expected at most ", limit, " bytes, got ",
          file.size());
  std::vector<std::byte> bytes(file.size());
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_to_read(path, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);  // shorter when somebody truncates the file meanwhile
  return bytes;
}

}  // namespace hewn::detail
