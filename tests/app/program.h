// Runs the built program `hewn` as its users do, in a folder of its own.
#pragma once

#include "hewn/runtime/pictures/image.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn::test {

/// What a run left behind.
struct Outcome {
  int status = -1;  ///< exit status; −1 when it did not exit by itself
  std::string out;
  std::string err;
};

struct RunOptions {
  std::vector<std::string> environment = {};  ///< "NAME=value", added to the test's own
  std::string standard_output = {};           ///< a file to write to in place of being collected
  bool terminal = false;                      ///< whether standard error is a terminal
};

/// Runs hewn with these arguments, and HEWN_TEST_THREADS threads if that is set. Both outputs are
/// files unless the options say otherwise, so nothing looks like a terminal.
Outcome run_hewn(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// Succeeds when the program said exactly one line, "hewn: ..." with `part` in it, on standard
/// error, nothing on standard output, and left with `status`.
testing::AssertionResult complained(const Outcome& outcome, int status, const std::string& part);

/// A new folder under the system's folder for temporary files, removed with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path path() const { return path_; }
  /// The name of a file in the folder.
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes text to a file and returns its name.
  std::string write(const std::string& name, const std::string& text) const;
  /// The names of all files, hidden ones included, sorted.
  std::vector<std::string> listing() const;

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path);
nlohmann::json read_json(const std::filesystem::path& path);

/// A gray picture of overlapping rectangles, which has corners to find.
Image picture_of_rectangles(std::int64_t width, std::int64_t height, std::uint64_t seed);

}  // namespace hewn::test
