// Internal: messages that begin with the name of what they are about.
#pragma once

#include "hewn/runtime/error.h"

namespace hewn::detail {

/// What work() gives. Puts "name: " in front of the message of an Error that it throws.
template <typename Name, typename Work>
auto naming(const Name& name, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    fail(name, ": ", error.what());
  }
}

}  // namespace hewn::detail
