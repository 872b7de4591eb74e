// Where the files that tests read are.
#pragma once

#include <filesystem>

namespace hewn::test {

/// The folder tests/data, by its absolute path.
std::filesystem::path data_folder();

}  // namespace hewn::test
