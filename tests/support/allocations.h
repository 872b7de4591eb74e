// Counts what the program asks the system for. A test program that uses this has its global
// operator new replaced by one that counts.
#pragma once

#include <cstdint>

namespace hewn::test {

/// How often operator new, of any kind, was called since the program began.
std::int64_t allocations();

}  // namespace hewn::test
