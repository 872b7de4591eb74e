// Which hewn this is: the one place that has the version. CMake reads it here, and releases are
// listed in CHANGELOG.md.
#pragma once

#include <string>

// NOLINTBEGIN(cppcoreguidelines-macro-usage): conditionals of the preprocessor compare them.
/// Counts the changes of the interface. Until it is 1, HEWN_VERSION_MINOR does.
#define HEWN_VERSION_MAJOR 0
/// Counts what is new.
#define HEWN_VERSION_MINOR 1
/// Counts what is mended.
#define HEWN_VERSION_PATCH 0
// NOLINTEND(cppcoreguidelines-macro-usage)

/// All of hewn: tensors and files (runtime), operators on them (ops), networks and what they are
/// for (models). Macros, which have no namespace, begin with HEWN_.
namespace hewn {

/// As in "0.1.0", of the library that is linked; the macros are of the headers. A program that
/// finds them to differ by more than HEWN_VERSION_PATCH was built for another library. May be
/// called from any thread; throws nothing but std::bad_alloc.
std::string version();

}  // namespace hewn
