// Lines of text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hewn::app {

/// The lines of a file, without their line feeds. The last one needs none. Throws Error, naming the
/// file, when it cannot be read, is empty, or larger than 64 MiB.
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// A text without the spaces, tabs and carriage returns at its ends.
std::string trimmed(std::string_view text);

}  // namespace hewn::app
