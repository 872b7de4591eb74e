// Files that appear whole or not at all. Internal: not installed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hewn::detail {

/// Writes under a temporary name beside `target`, which takes the target's name on commit(). Until
/// then, and for ever when anything fails, an existing target stays as it was; without a commit
/// nothing is left behind.
class AtomicFile {
 public:
  /// Throws Error, naming the target, when the folder cannot be written to, or the target exists
  /// and is not a writable regular file. A symbolic link is followed.
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error, naming the target, when it fails.
  void write(std::span<const std::byte> bytes);
  /// Gives the file its name. Throws Error, naming the target, when it fails.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int fd_;
};

}  // namespace hewn::detail
