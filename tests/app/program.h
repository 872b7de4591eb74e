// Runs the built program `hewn` as its users do, in a folder of its own.
#pragma once

#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/folder.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn::test {

/// What a run left behind.
struct Outcome {
  int status = -1;  ///< exit status; −1 when it did not exit by itself
  std::string out;
  std::string err;
};

using Arguments = std::vector<std::string>;

/// These and then those.
Arguments joined(Arguments these, const Arguments& those);

/// The statuses of a run that failed, and of one that was asked for nonsense.
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;

struct RunOptions {
  std::vector<std::string> environment = {};  ///< "NAME=value", added to the test's own
  std::string standard_output = {};           ///< a file to write to in place of being collected
  bool terminal = false;                      ///< whether standard error is a terminal
};

/// Runs hewn with these arguments, and HEWN_TEST_THREADS threads if that is set. Both outputs are
/// files unless the options say otherwise, so nothing looks like a terminal.
Outcome run_hewn(const Arguments& arguments, const RunOptions& options = {});

/// Succeeds when the program said exactly one line, "hewn: ..." with `part` in it, on standard
/// error, nothing on standard output, and left with `status`.
testing::AssertionResult complained(const Outcome& outcome, int status, const std::string& part);

/// Succeeds when the program ended well and said nothing at all.
testing::AssertionResult silent(const Outcome& outcome);

/// What the program printed, which ended well: one JSON document.
nlohmann::json printed_json(const Outcome& outcome);

nlohmann::json read_json(const std::filesystem::path& path);

/// The values of a tensor of floats.
std::vector<float> values(const SafetensorsFile& file, const std::string& name);

/// A gray picture of overlapping rectangles, which has corners to find.
Image picture_of_rectangles(std::int64_t width, std::int64_t height, std::uint64_t seed);

}  // namespace hewn::test
