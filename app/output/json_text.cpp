#include "app/output/json_text.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>

namespace hewn::app {

namespace {

constexpr std::size_t kIndent = 2;

bool is_innermost(const Json& json) {
  return std::ranges::none_of(json, [](const Json& child) { return child.is_structured(); });
}

void append(const Json& json, std::size_t depth, std::string& text) {
  if (!json.is_structured() || is_innermost(json)) {
    text += to_line(json);
    return;
  }
  const std::string indent((depth + 1) * kIndent, ' ');
  text += json.is_object() ? '{' : '[';
  const char* separator = "\n";
  for (const auto& [key, value] : json.items()) {
    text.append(separator).append(indent);
    if (json.is_object()) text += to_line(key) + ": ";
    append(value, depth + 1, text);
    separator = ",\n";
  }
  text.append("\n").append(depth * kIndent, ' ');
  text += json.is_object() ? '}' : ']';
}

}  // namespace

double shortest(float value) {
  std::array<char, 32> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  double number = 0;
  std::from_chars(digits.data(), end, number);
  return number;
}

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const Json& json) {
  std::string text;
  append(json, 0, text);
  return text + "\n";
}

bool is_standard_output(const std::filesystem::path& target) { return target == "-"; }

void write_json(const std::filesystem::path& target, const Json& json, const OutputFiles& outputs) {
  if (!is_standard_output(target)) {
    outputs.write_text(target, to_text(json));
    return;
  }
  std::cout << to_text(json) << std::flush;
  require(std::cout.good(), "standard output: cannot be written");
}

}  // namespace hewn::app
