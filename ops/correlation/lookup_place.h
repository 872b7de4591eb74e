// Where a lookup reads a level. Internal: not installed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hewn {

/// A column of samples is one vector of 16 lanes.
inline constexpr std::int64_t kMaxRadius = 7;
inline constexpr std::int64_t kMaxSide = 2 * kMaxRadius + 2;

/// The pixels of a window along an axis: one more than there are samples, to interpolate between.
constexpr std::int64_t window_side(std::int64_t radius) { return 2 * radius + 2; }

/// A window's first column and row, and the place between the pixels.
struct LookupPlace {
  static constexpr std::int32_t kNowhere = INT32_MIN;

  std::int32_t x = kNowhere;
  std::int32_t y = kNowhere;
  float fraction_x = 0;  // in [0, 1)
  float fraction_y = 0;

  /// The window around pixel (x, y) of level 0, on another level. Nowhere when that is NaN, or so
  /// far away that floats are no longer pixels.
  static LookupPlace around(float x, float y, std::int64_t level, std::int64_t radius) {
    constexpr float kFar = 16777216;  // 2²⁴
    const float scale = 1.0F / static_cast<float>(std::int64_t{1} << level);
    const float column = std::floor(x * scale);
    const float row = std::floor(y * scale);
    if (!(std::abs(column) < kFar && std::abs(row) < kFar)) return {};  // false for NaN
    return {.x = static_cast<std::int32_t>(column) - static_cast<std::int32_t>(radius),
            .y = static_cast<std::int32_t>(row) - static_cast<std::int32_t>(radius),
            .fraction_x = x * scale - column,
            .fraction_y = y * scale - row};
  }

  bool is_nowhere() const { return x == kNowhere; }
};

/// The part [begin, end) of `count` pixels from `first` on that lies inside [0, size).
struct Inside {
  std::int64_t begin, end;

  Inside(std::int64_t first, std::int64_t count, std::int64_t size)
      : begin(std::clamp<std::int64_t>(-first, 0, count)),
        end(std::clamp<std::int64_t>(size - first, begin, count)) {}
};

}  // namespace hewn
