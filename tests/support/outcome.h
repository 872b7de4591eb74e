// What may come of reading a hostile file.
#pragma once

#include "hewn/runtime/error.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace hewn::test {

/// Counts, over many mutations, how many files still load and how many are refused.
struct Outcomes {
  std::int64_t loaded = 0;
  std::int64_t refused = 0;
};

/// Runs `load`, which may succeed or throw an Error with a message of one line that begins with
/// `name`; anything else fails the test. (A crash, a hang or an undefined operation ends it.)
template <typename Load>
void expect_loaded_or_refused(const std::string& name, Outcomes& outcomes, const Load& load) {
  try {
    load();
    ++outcomes.loaded;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with(name + ": ")) << message;
    EXPECT_EQ(message.find_first_of("\n\r"), std::string::npos) << message;
    EXPECT_LT(message.size(), 2048U) << message;
    ++outcomes.refused;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "expected hewn::Error, got " << error.what();
  }
}

}  // namespace hewn::test
