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

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

}  // namespace hewn::app
