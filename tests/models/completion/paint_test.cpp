#include "hewn/models/completion/paint.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/completion_weights.h"
#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::mask_where;
using test::Random;

const CompletionNetwork& network() { return test::random_completion(Conv2dPacking::fast); }
const CompletionNetwork& precise_network() {
  return test::random_completion(Conv2dPacking::precise);
}

Painting paint(const Tensor& picture, const Tensor& mask, Context& ctx,
               const PaintOptions& options = {}) {
  const CompletionNetwork& with = ctx.precise() ? precise_network() : network();
  return paint_holes(with, picture.view(), mask.view(), options, ctx);
}

/// Whether paint_holes() promises the network's output for a pixel: it is in a hole, or beside one.
bool painted(const Tensor& mask, std::int64_t y, std::int64_t x) {
  const Nhwc& s = mask.shape();
  for (std::int64_t i = std::max<std::int64_t>(y - 1, 0); i < std::min(y + 2, s.h); ++i) {
    for (std::int64_t j = std::max<std::int64_t>(x - 1, 0); j < std::min(x + 2, s.w); ++j) {
      if (*mask.view().pixel(0, i, j) == 1) return true;
    }
  }
  return false;
}

/// Calls visit(value of a, value of b) for all channels of all painted pixels.
template <typename Visit>
void for_each_painted(const Tensor& mask, const Tensor& a, const Tensor& b, const Visit& visit) {
  for (std::int64_t y = 0; y < mask.shape().h; ++y) {
    for (std::int64_t x = 0; x < mask.shape().w; ++x) {
      if (!painted(mask, y, x)) continue;
      for (std::int64_t c = 0; c < 3; ++c) {
        visit(a.view().pixel(0, y, x)[c], b.view().pixel(0, y, x)[c]);
      }
    }
  }
}

/// The relative distance of painted pixels, in the Euclidean norm.
double distance(const Tensor& mask, const Tensor& a, const Tensor& b) {
  double sum = 0;
  double norm = 0;
  for_each_painted(mask, a, b, [&](double from, double to) {
    sum += (from - to) * (from - to);
    norm += to * to;
  });
  EXPECT_GT(norm, 0);
  return std::sqrt(sum / norm);
}

/// Where Winograd's tiles fall changes rounding: either result is within some 1.1e-6 of float64, as
/// `weights_tools.audit completion` measures it.
constexpr double kRounding = 1e-5;

/// The memory that a window of h × w pixels may take: the network's, its input and its output.
std::int64_t bytes_of_window(std::int64_t h, std::int64_t w, const Context& ctx) {
  return network().bytes(h, w, ctx) + h * w * (4 + 3) * 4;
}

// Label: long
TEST(PaintHoles, WindowsAgreeWithTheWholePicture) {
  // Far from each other, in a corner, at the border, and in the middle of a window.
  const Tensor mask = mask_where(6, 702, [](auto y, auto x) {
    return (y < 2 && x < 3) || (y > 3 && x > 10 && x < 21) || (y == 5 && x == 701);
  });
  const Tensor picture = Random(1).tensor({1, 6, 702, 3}, 0, 1);
  Context ctx({.threads = 2});
  const Painting windows = paint(picture, mask, ctx);
  EXPECT_EQ(windows.tiles, 2);
  const Painting whole = paint(picture, mask, ctx, {.everywhere = true});
  EXPECT_EQ(whole.tiles, 1);
  EXPECT_LT(distance(mask, windows.raw, whole.raw), kRounding);
  // Beyond the windows' cores is the picture.
  for (std::int64_t x = 64; x < 640; ++x) {
    EXPECT_EQ(windows.raw.view().pixel(0, 3, x)[1], picture.view().pixel(0, 3, x)[1]);
    EXPECT_NE(whole.raw.view().pixel(0, 3, x)[1], picture.view().pixel(0, 3, x)[1]);
  }
}

// Label: long
TEST(PaintHoles, WindowsHaveAllThatTheirPixelsSee) {
  // One pixel of a hole, so columns 202 to 204 are painted. Of all phases modulo 4, 202 sees the
  // farthest to the left, 153 columns, and 201 to the right, 150: the columns there are so bright
  // that a window without them would show.
  for (const auto& [hole, bright] : {std::pair{203, 202 - 153}, {202, 201 + 150}}) {
    const Tensor mask =
        mask_where(4, 400, [x = hole](auto y, auto at) { return y == 1 && at == x; });
    Tensor picture = Random(2).tensor({1, 4, 400, 3}, 0, 1);
    // Without Winograd's tiles, a pixel is the same sum of products wherever its window begins.
    Context ctx({.threads = 2, .precise = true});
    const Painting dim = paint(picture, mask, ctx);
    for (std::int64_t y = 0; y < 4; ++y) std::fill_n(picture.view().pixel(0, y, bright), 3, 1e6F);
    const Painting windows = paint(picture, mask, ctx);
    const Painting whole = paint(picture, mask, ctx, {.everywhere = true});
    for_each_painted(mask, windows.raw, whole.raw, [](float a, float b) { EXPECT_EQ(a, b); });
    EXPECT_GT(distance(mask, windows.raw, dim.raw), 0);
  }
}

// Label: long
TEST(PaintHoles, WhatIsInTheHoleDoesNotMatter) {
  const Tensor mask = mask_where(8, 12, [](auto y, auto x) { return y > 2 && x < 7; });
  Tensor picture = Random(3).tensor({1, 8, 12, 3}, 0, 1);
  Context ctx({.threads = 1, .precise = true});
  const Painting before = paint(picture, mask, ctx, {.everywhere = true});
  *picture.view().pixel(0, 4, 3) = 0.3F;
  const Painting after = paint(picture, mask, ctx, {.everywhere = true});
  EXPECT_EQ(test::checksum(before.raw.view()), test::checksum(after.raw.view()));
  *picture.view().pixel(0, 4, 8) = 0.3F;
  const Painting other = paint(picture, mask, ctx, {.everywhere = true});
  EXPECT_NE(test::checksum(before.raw.view()), test::checksum(other.raw.view()));
}

// Label: long
TEST(PaintHoles, AnEmptyMaskLeavesThePicture) {
  const Tensor mask = mask_where(9, 14, [](auto, auto) { return false; });
  const Tensor picture = Random(4).tensor({1, 9, 14, 3}, 0, 1);
  Context ctx({.threads = 1, .precise = true});
  const Painting painting = paint(picture, mask, ctx, {.max_bytes = 0});
  EXPECT_EQ(painting.tiles, 0);
  EXPECT_EQ(test::checksum(painting.raw.view()), test::checksum(picture.view()));
}

/// The pixel that torch.nn.functional.pad(mode="reflect") puts below and to the right, back and
/// forth where the side is too short for one reflection, which torch refuses.
std::int64_t reflected(std::int64_t i, std::int64_t side) {
  std::int64_t at = 0;
  std::int64_t step = 1;
  for (; i > 0 && side > 1; --i) {
    if (at + step < 0 || at + step >= side) step = -step;
    at += step;
  }
  return at;
}

// Label: long
TEST(PaintHoles, SidesArePaddedByReflection) {
  Context ctx({.threads = 1, .precise = true});
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 7}, {2, 5}, {5, 3}, {8, 4}}) {
    SCOPED_TRACE(text_of(h, " × ", w));
    const Tensor picture = Random(5).tensor({1, h, w, 3}, 0, 1);
    // All of it is missing, or all but a corner.
    for (const bool full : {true, false}) {
      const Tensor mask =
          mask_where(h, w, [full = full](auto y, auto x) { return full || y + x > 0; });
      const Nhwc padded{1, round_up(h, 4), round_up(w, 4), 3};
      Tensor wide(padded);
      Tensor wide_mask({1, padded.h, padded.w, 1});
      for (std::int64_t y = 0; y < padded.h; ++y) {
        for (std::int64_t x = 0; x < padded.w; ++x) {
          const std::int64_t from_y = reflected(y, h);
          const std::int64_t from_x = reflected(x, w);
          std::copy_n(picture.view().pixel(0, from_y, from_x), 3, wide.view().pixel(0, y, x));
          *wide_mask.view().pixel(0, y, x) = *mask.view().pixel(0, from_y, from_x);
        }
      }
      Tensor x({1, padded.h, padded.w, 4});
      precise_network().prepare(wide.view(), wide_mask.view(), x.view());
      Tensor expected(padded);
      precise_network().forward(x.view(), expected.view(), ctx);

      const Painting painting = paint(picture, mask, ctx, {.everywhere = full});
      EXPECT_EQ(painting.tiles, h * w > 1 || full ? 1 : 0);
      ASSERT_EQ(painting.raw.shape(), picture.shape());
      for_each_painted(mask, painting.raw, expected, [](float a, float b) { EXPECT_EQ(a, b); });
    }
  }
}

// Label: long
TEST(PaintHoles, TilesOfAHoleAgreeWithinRounding) {
  const Tensor mask = mask_where(4, 560, [](auto, auto x) { return x >= 40; });
  const Tensor picture = Random(6).tensor({1, 4, 560, 3}, 0, 1);
  Context ctx({.threads = 2});
  const Painting whole = paint(picture, mask, ctx);
  EXPECT_EQ(whole.tiles, 1);
  std::vector<std::pair<std::int64_t, std::int64_t>> steps;
  const Painting tiles = paint(
      picture, mask, ctx,
      {.max_bytes = bytes_of_window(4, 460, ctx),
       .progress = [&](std::int64_t done, std::int64_t of) { steps.emplace_back(done, of); }});
  EXPECT_GT(tiles.tiles, 1);
  EXPECT_LT(distance(mask, tiles.raw, whole.raw), kRounding);
  ASSERT_EQ(steps.size(), static_cast<std::size_t>(tiles.tiles) + 1);
  for (std::int64_t i = 0; i <= tiles.tiles; ++i) {
    EXPECT_EQ(steps[static_cast<std::size_t>(i)], std::pair(i, tiles.tiles));
  }
}

// Label: long
TEST(PaintHoles, TakesNoMoreThanItMay) {
  const Tensor mask = mask_where(36, 48, [](auto y, auto) { return y > 20; });
  const Tensor picture = Random(7).tensor({1, 36, 48, 3}, 0, 1);
  Context ctx({.threads = 1});
  const std::int64_t needed = bytes_of_window(36, 48, ctx);
  EXPECT_EQ(paint(picture, mask, ctx, {.max_bytes = needed}).tiles, 1);
  EXPECT_LE(ctx.arena().peak_bytes(), needed);
  EXPECT_EQ(ctx.arena().system_allocations(), 1);
  EXPECT_EQ(test::error_of([&] { paint(picture, mask, ctx, {.max_bytes = needed - 1}); }),
            text_of("completion: expected at least ", needed, " bytes of memory for its maps, got ",
                    needed - 1));
}

// Label: long
TEST(PaintHoles, NamesWhatIsWrong) {
  Context ctx({.threads = 1, .precise = true});
  const Tensor picture = Random(8).tensor({1, 4, 6, 3}, 0, 1);
  Tensor mask = mask_where(4, 6, [](auto, auto) { return false; });
  const auto error = [&](const Nhwc& a, const Nhwc& b) {
    const Tensor of(a);
    Tensor where(b);
    fill(where.view(), 0);
    return test::error_of([&] { paint(of, where, ctx); });
  };
  const std::vector<std::pair<Nhwc, Nhwc>> wrong{{{1, 4, 6, 3}, {1, 6, 4, 1}},
                                                 {{1, 4, 6, 3}, {1, 4, 6, 3}},
                                                 {{1, 4, 6, 1}, {1, 4, 6, 1}},
                                                 {{2, 4, 6, 3}, {2, 4, 6, 1}},
                                                 {{1, 0, 6, 3}, {1, 0, 6, 1}}};
  for (const auto& [a, b] : wrong) {
    EXPECT_EQ(
        error(a, b),
        text_of("completion: expected an RGB picture and a mask of its size, got ", a, " and ", b));
  }
  for (const float value : {0.5F, -1.0F, 255.0F, std::numeric_limits<float>::quiet_NaN()}) {
    *mask.view().pixel(0, 3, 5) = value;
    EXPECT_EQ(test::error_of([&] { paint(picture, mask, ctx); }),
              text_of("completion: expected a mask of 0 and 1, got ", value));
  }
}

}  // namespace
}  // namespace hewn
