// What tests of bad input share.
#pragma once

#include "hewn/runtime/error.h"

#include <string>

#include <gtest/gtest.h>

namespace hewn::test {

/// The message of the hewn::Error that `call` throws, or "nothing thrown".
template <typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

/// The message, which must be one line that begins with "name: ", without that.
template <typename Call>
std::string error_about(const std::string& name, const Call& call) {
  const std::string message = error_of(call);
  const std::string prefix = name + ": ";
  EXPECT_TRUE(message.starts_with(prefix)) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

}  // namespace hewn::test
