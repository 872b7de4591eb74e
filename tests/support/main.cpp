// The main() of every test program.
#include "hewn/runtime/error.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>

#include <gtest/gtest.h>
#include <tbb/global_control.h>

namespace {

/// HEWN_TEST_THREADS=n keeps the program to n threads, whatever its Contexts ask for: the work is
/// split as before, and fewer threads take it up. Emulated runs set it to 1, since qemu-user 7.2
/// hangs as soon as a second thread is made.
std::optional<std::size_t> thread_limit() {
  const char* text = std::getenv("HEWN_TEST_THREADS");  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return std::nullopt;
  std::size_t limit = 0;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, limit);
  hewn::require(parsed.ptr == end && limit > 0,
                "HEWN_TEST_THREADS: expected a number of threads, got '", text, "'");
  return limit;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    std::optional<tbb::global_control> control;
    if (const auto limit = thread_limit()) {
      control.emplace(tbb::global_control::max_allowed_parallelism, *limit);
    }
    return RUN_ALL_TESTS();
  } catch (const hewn::Error& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
