#include "app/drawing/completed_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace hewn::app {

namespace {

using Colour = std::array<float, 3>;

std::uint16_t stored(float value, int bits) {
  const auto most = static_cast<float>((1 << bits) - 1);
  return static_cast<std::uint16_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * most));
}

/// By ITU-R 601, as to_gray() has it.
float gray_of(const float* rgb) { return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2]; }

}  // namespace

Image join(const Image& picture, ConstView hole, ConstView completed) {
  Image joined = picture;
  const auto channels = static_cast<std::size_t>(picture.channels);
  const bool alpha = channels % 2 == 0;
  for (std::int64_t i = 0; i < hole.shape.pixels(); ++i) {
    if (*hole.pixel(i) == 0) continue;
    const float* rgb = completed.pixel(i);
    std::uint16_t* to = joined.values.data() + static_cast<std::size_t>(i) * channels;
    if (channels < 3) {
      to[0] = stored(gray_of(rgb), picture.bits);
    } else {
      for (std::size_t c = 0; c < 3; ++c) to[c] = stored(rgb[c], picture.bits);
    }
    if (alpha) to[channels - 1] = stored(1, picture.bits);
  }
  return joined;
}

Image draw_completion(ConstView picture, ConstView hole, ConstView completed) {
  constexpr std::int64_t kGap = 8;
  constexpr float kFaded = 0.35F;
  constexpr Colour kPink{1.0F, 0.25F, 0.55F};
  const std::int64_t w = picture.shape.w;
  Tensor sheet({1, picture.shape.h, 3 * w + 2 * kGap, 3});
  fill(sheet.view(), 1);
  for (std::int64_t y = 0; y < picture.shape.h; ++y) {
    float* to = sheet.view().pixel(0, y, 0);
    for (std::int64_t x = 0; x < w; ++x) {
      const float* before = picture.pixel(0, y, x);
      const float* after = completed.pixel(0, y, x);
      const bool missing = *hole.pixel(0, y, x) != 0;
      for (std::size_t c = 0; c < 3; ++c) {
        const std::int64_t at = 3 * x + static_cast<std::int64_t>(c);
        to[at] = before[c];
        to[at + 3 * (w + kGap)] = missing ? kPink[c] : kFaded * before[c] + (1 - kFaded);
        to[at + 6 * (w + kGap)] = after[c];
      }
    }
  }
  return from_unit_range(sheet.view());
}

}  // namespace hewn::app
