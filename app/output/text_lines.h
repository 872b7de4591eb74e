// Texts in files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hewn::app {

/// The lines of a file, without their line feeds. The last one needs none. Throws Error, naming the
/// file, when it cannot be read, is empty, or larger than 64 MiB.
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace hewn::app
