#include "hewn/runtime/isa/caches.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace hewn {

namespace fs = std::filesystem;

namespace {

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// "48K" or "2M" in bytes; 0 for anything else.
std::int64_t parse_size(const std::string& text) {
  std::int64_t value = 0;
  std::string unit;
  std::istringstream(text) >> value >> unit;
  if (unit == "K") return value << 10U;
  if (unit == "M") return value << 20U;
  return unit.empty() ? value : 0;
}

/// The number of processors in a list such as "0-1,4"; 1 where it cannot be read.
std::int64_t count_processors(const std::string& list) {
  std::int64_t count = 0;
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    std::int64_t first = 0;
    std::int64_t last = 0;
    char dash = 0;
    std::istringstream in(range);
    if (!(in >> first)) return 1;
    if (!(in >> dash >> last)) last = first;
    count += std::max<std::int64_t>(last - first + 1, 1);
  }
  return std::max<std::int64_t>(count, 1);
}

std::optional<Cache> read_cache(const fs::path& folder) {
  Cache cache{.type = first_line(folder / "type"),
              .bytes = parse_size(first_line(folder / "size")),
              .shared_by = first_line(folder / "shared_cpu_list")};
  std::istringstream(first_line(folder / "level")) >> cache.level;
  if (cache.level == 0 || cache.bytes == 0) return std::nullopt;
  return cache;
}

}  // namespace

std::vector<Cache> caches() {
  std::vector<Cache> found;
  const fs::path folder = "/sys/devices/system/cpu/cpu0/cache";
  for (int index = 0;; ++index) {
    const fs::path entry = folder / ("index" + std::to_string(index));
    std::error_code error;
    if (!fs::is_directory(entry, error)) return found;
    if (const std::optional<Cache> cache = read_cache(entry)) found.push_back(*cache);
  }
}

std::int64_t l2_bytes_per_thread() {
  constexpr std::int64_t kUnreported = 512 << 10;
  constexpr std::int64_t kLeast = 128 << 10;
  constexpr std::int64_t kMost = 4 << 20;
  for (const Cache& cache : caches()) {
    if (cache.level == 2 && cache.type != "Instruction") {
      return std::clamp(cache.bytes / count_processors(cache.shared_by), kLeast, kMost);
    }
  }
  return kUnreported;
}

}  // namespace hewn
