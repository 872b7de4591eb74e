#include "app/output/text_lines.h"

#include "hewn/runtime/files/input_file.h"

#include <cstddef>

namespace hewn::app {

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  constexpr std::size_t kLargest = std::size_t{64} << 20U;
  std::vector<std::string> lines;
  bool is_new = true;
  for (const std::byte byte : detail::read_file(path, kLargest)) {
    if (is_new) lines.emplace_back();
    is_new = byte == std::byte{'\n'};
    if (!is_new) lines.back() += static_cast<char>(byte);
  }
  return lines;
}

}  // namespace hewn::app
