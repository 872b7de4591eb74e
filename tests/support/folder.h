// A folder for the files of one test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hewn::test {

/// A new folder under the system's folder for temporary files, removed with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// The name of a file in the folder.
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes text to a file and returns its name.
  std::string write(const std::string& name, std::string_view text) const;
  /// The names of all files, hidden ones included, sorted.
  std::vector<std::string> listing() const;

 private:
  std::filesystem::path path_;
};

/// Writes a file, or throws std::ios_base::failure.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The bytes of a file; throws std::ios_base::failure when it cannot be read.
std::string read_text(const std::filesystem::path& path);

}  // namespace hewn::test
