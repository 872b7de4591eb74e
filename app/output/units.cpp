#include "app/output/units.h"

#include <array>
#include <charconv>

namespace hewn::app {

std::string fixed(double value, int digits) {
  std::array<char, 400> text{};  // holds any double
  char* const begin = text.data();
  const char* const end =
      std::to_chars(begin, begin + text.size(), value, std::chars_format::fixed, digits).ptr;
  return {begin, static_cast<std::size_t>(end - begin)};
}

std::string counted(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fixed(value, 1) + " " + kUnits[unit];
}

}  // namespace hewn::app
