// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace hewn::app {

/// As in "512 bytes", "48.0 KiB", "5.1 MiB".
std::string human_bytes(std::int64_t bytes);

/// As in "1 picture", "2 pictures".
std::string counted(std::int64_t count, const std::string& noun);

/// As in "12.35": `digits` after the point, whatever the locale.
std::string fixed(double value, int digits);

}  // namespace hewn::app
