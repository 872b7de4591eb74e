// Files that are not trusted, read or mapped whole. Internal: not installed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace hewn::detail {

/// A regular file, mapped to memory for reading. Moves, and keeps its address when it does.
class MappedFile {
 public:
  /// Throws Error, naming the file, when it cannot be opened, is empty, or is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

  /// Gives the memory of what was read back; what is touched again is read again.
  void release() const;

 private:
  void* data_;
  std::size_t size_;
};

/// The bytes of a regular file. Throws Error, naming the file, when it cannot be read, is empty,
/// larger than `limit`, or not a regular file.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace hewn::detail
