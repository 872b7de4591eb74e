#include "app/output/machine.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/output/text_lines.h"

namespace hewn::app {

namespace fs = std::filesystem;

namespace {

constexpr std::array kVectorFeatures{
    "sse4_2",      "avx",      "f16c",     "fma",      "avx2",        "avx_vnni",
    "avx512f",     "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",  // x86
    "asimd",       "asimdhp",  "asimddp",  "fphp",     "bf16",        "i8mm",
    "sve",         "sve2",     "sme"};  // ARM

/// The first "key : value" of a file with one of these keys.
std::string value_of(const fs::path& path, std::initializer_list<std::string_view> keys) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    if (std::ranges::find(keys, trimmed(line.substr(0, colon))) != keys.end()) {
      return trimmed(line.substr(colon + 1));
    }
  }
  return {};
}

/// "1234 kB" in bytes; 0 for anything else.
std::int64_t parse_kilobytes(const std::string& text) {
  std::int64_t value = 0;
  std::string unit;
  std::istringstream(text) >> value >> unit;
  return unit == "kB" ? value << 10U : 0;
}

}  // namespace

std::string processor_name() { return value_of("/proc/cpuinfo", {"model name"}); }

std::vector<std::string> vector_features() {
  std::istringstream words(value_of("/proc/cpuinfo", {"flags", "Features"}));
  std::vector<std::string> present;
  for (std::string word; words >> word;) present.push_back(word);
  std::vector<std::string> features;
  for (const char* feature : kVectorFeatures) {
    if (std::ranges::find(present, feature) != present.end()) features.emplace_back(feature);
  }
  return features;
}

// Not getrusage(): its figure survives exec(), so it may be that of the shell.
std::int64_t peak_resident_bytes() {
  return parse_kilobytes(value_of("/proc/self/status", {"VmHWM"}));
}

}  // namespace hewn::app
