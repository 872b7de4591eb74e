// A folder for the files of one test.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace hewn::test {

/// An empty folder that goes away, with all in it, at the end of its scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// How many files and folders are in it.
  std::ptrdiff_t entries() const;

 private:
  std::filesystem::path path_;
};

/// Writes a file, or throws std::ios_base::failure.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The bytes of a file; throws std::ios_base::failure when it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace hewn::test
