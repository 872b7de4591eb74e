#include "hewn/models/clip/preprocess.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/pillow_resize.h"

#include <algorithm>

namespace hewn {

namespace {

constexpr std::int64_t kColours = 3;
constexpr std::size_t kLevels = 256;

/// One side of the picture, after the shorter one has become `size`: int(size * side / shorter) in
/// Python.
std::int64_t resized(std::int64_t side, std::int64_t shorter, std::int64_t size) {
  const std::int64_t product = checked_multiply(size, side, "preprocess: size");
  return static_cast<std::int64_t>(static_cast<double>(product) / static_cast<double>(shorter));
}

/// Half of what is cut off: halves go to the even pixel, as Python's round() has it.
std::int64_t crop_begin(std::int64_t side, std::int64_t size) {
  const std::int64_t half = (side - size) / 2;
  const bool tie = (side - size) % 2 != 0;
  return tie ? half + half % 2 : half;
}

ResizedPart middle(const Image& picture, std::int64_t size) {
  const std::int64_t shorter = std::min(picture.width, picture.height);
  const std::int64_t height = resized(picture.height, shorter, size);
  const std::int64_t width = resized(picture.width, shorter, size);
  return {.height = height,
          .width = width,
          .top = crop_begin(height, size),
          .left = crop_begin(width, size),
          .rows = size,
          .columns = size};
}

/// What each of a colour's 256 levels becomes, in ToTensor's and Normalize's order of operations.
std::array<float, kLevels> normalized_levels(float mean, float std) {
  std::array<float, kLevels> levels{};
  for (std::size_t i = 0; i < kLevels; ++i) {
    levels[i] = (static_cast<float>(i) / 255.0F - mean) / std;
  }
  return levels;
}

}  // namespace

void preprocess(const Image& picture, const Preprocessing& p, View y, Context& ctx) {
  require(p.size >= 1, "preprocess: expected a size of at least 1, got ", p.size);
  for (const float std : p.std) {
    require(std > 0, "preprocess: expected standard deviations above 0, got ", std);
  }
  const Nhwc expected{1, p.size, p.size, kColours};
  require(y.shape == expected, "preprocess: expected an output of ", expected, ", got ", y.shape);
  require(picture.width >= 1 && picture.height >= 1, "preprocess: expected a picture, got one of ",
          picture.width, "×", picture.height, " pixels");

  const Arena::Scope scope(ctx.arena());
  const auto rgb = ctx.arena().allocate<std::uint8_t>(y.shape.count());
  pillow_resize(picture, middle(picture, p.size), rgb, ctx);

  std::array<std::array<float, kLevels>, kColours> levels{};
  for (std::size_t c = 0; c < levels.size(); ++c) {
    levels[c] = normalized_levels(p.mean[c], p.std[c]);
  }
  auto value = rgb.begin();
  for (std::int64_t row = 0; row < p.size; ++row) {
    for (std::int64_t column = 0; column < p.size; ++column) {
      float* to = y.pixel(0, row, column);
      for (const auto& levels_of_colour : levels) *to++ = levels_of_colour[*value++];
    }
  }
}

}  // namespace hewn
