#include "tests/support/data_folder.h"

namespace hewn::test {

// The one file that is compiled with the path, so that the others' objects are the same wherever
// the repository lies.
std::filesystem::path data_folder() { return HEWN_TEST_DATA; }

}  // namespace hewn::test
