// What tests of bad input share.
#pragma once

#include "hewn/runtime/error.h"

#include <string>

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

}  // namespace hewn::test
