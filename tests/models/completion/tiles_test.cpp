#include "hewn/models/completion/tiles.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::mask_where;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// A window takes as many bytes as it has pixels.
TileLimits limits_of(std::int64_t context, std::int64_t max_bytes = kUnlimited) {
  return {.context = context, .max_bytes = max_bytes, .bytes = [](std::int64_t h, std::int64_t w) {
            return h * w;
          }};
}

std::int64_t area(const Rectangle& box) { return box.height * box.width; }

std::array<std::int64_t, 4> sides(const Rectangle& box) {
  return {box.top, box.left, box.bottom(), box.right()};
}

/// Whether the window is the core and `context` pixels around it, as far as the picture goes.
bool is_window(const CompletionTile& tile, std::int64_t context, const Nhwc& picture) {
  return tile.window.top == std::max<std::int64_t>(tile.core.top - context, 0) &&
         tile.window.left == std::max<std::int64_t>(tile.core.left - context, 0) &&
         tile.window.bottom() == std::min(tile.core.bottom() + context, picture.h) &&
         tile.window.right() == std::min(tile.core.right() + context, picture.w);
}

bool begins_and_ends_at_multiples(const Rectangle& box, std::int64_t multiple) {
  return std::ranges::all_of(sides(box), [&](std::int64_t side) { return side % multiple == 0; });
}

/// Whether the tiles are such as plan_tiles() promises: windows and cores as they should be, each
/// wanted pixel in exactly one core, and no pixel in two.
testing::AssertionResult are_tiles_of(const Tensor& wanted, const TileLimits& limits,
                                      const std::vector<CompletionTile>& tiles) {
  const Nhwc& s = wanted.shape();
  std::vector<int> cores(static_cast<std::size_t>(s.pixels()));
  for (const CompletionTile& tile : tiles) {
    const Rectangle& core = tile.core;
    if (area(core) <= 0 || !begins_and_ends_at_multiples(core, limits.multiple) ||
        !is_window(tile, limits.context, s) ||
        limits.bytes(tile.window.height, tile.window.width) > limits.max_bytes) {
      return testing::AssertionFailure()
             << "a tile with the core " << testing::PrintToString(sides(core)) << " and the window "
             << testing::PrintToString(sides(tile.window));
    }
    for (std::int64_t y = core.top; y < core.bottom(); ++y) {
      for (std::int64_t x = core.left; x < core.right(); ++x) {
        ++cores[static_cast<std::size_t>(y * s.w + x)];
      }
    }
  }
  for (std::int64_t i = 0; i < s.pixels(); ++i) {
    const int count = cores[static_cast<std::size_t>(i)];
    if (count > 1 || (count == 0 && test::missing(wanted, i))) {
      return testing::AssertionFailure()
             << "pixel " << i / s.w << ", " << i % s.w << " is in " << count << " cores";
    }
  }
  return testing::AssertionSuccess();
}

TEST(PlanTiles, NothingWantedMakesNone) {
  const Tensor wanted = mask_where(64, 400, [](auto, auto) { return false; });
  EXPECT_TRUE(plan_tiles(wanted.view(), limits_of(16)).empty());
  // Not even where no window would fit.
  EXPECT_TRUE(plan_tiles(wanted.view(), limits_of(16, 0)).empty());
  EXPECT_TRUE(plan_tiles(Tensor({1, 0, 0, 1}).view(), limits_of(16)).empty());
}

TEST(PlanTiles, ShrinksToWhatIsWantedInWholeCells) {
  const Tensor wanted =
      mask_where(200, 300, [](auto y, auto x) { return y == 101 && (x == 47 || x == 56); });
  const auto tiles = plan_tiles(wanted.view(), limits_of(16));
  ASSERT_EQ(tiles.size(), 1U);
  EXPECT_EQ(sides(tiles[0].core), (std::array<std::int64_t, 4>{100, 44, 104, 60}));
  EXPECT_EQ(sides(tiles[0].window), (std::array<std::int64_t, 4>{84, 28, 120, 76}));
}

TEST(PlanTiles, WindowsEndAtTheBorder) {
  const Tensor wanted = mask_where(40, 60, [](auto, auto) { return true; });
  const auto tiles = plan_tiles(wanted.view(), limits_of(156));
  ASSERT_EQ(tiles.size(), 1U);
  EXPECT_EQ(sides(tiles[0].core), (std::array<std::int64_t, 4>{0, 0, 40, 60}));
  EXPECT_EQ(sides(tiles[0].window), (std::array<std::int64_t, 4>{0, 0, 40, 60}));
}

TEST(PlanTiles, HolesShareATileWhereThatIsLessWork) {
  // Two squares of 8 pixels in opposite corners of a square.
  const auto tiles_of_holes = [](std::int64_t side) {
    const Tensor wanted = mask_where(side, side, [&](auto y, auto x) {
      return (y < 8 && x < 8) || (y >= side - 8 && x >= side - 8);
    });
    const TileLimits limits = limits_of(32);
    const auto tiles = plan_tiles(wanted.view(), limits);
    EXPECT_TRUE(are_tiles_of(wanted, limits, tiles));
    return tiles.size();
  };
  // Either window has 40 × 40 pixels.
  EXPECT_EQ(tiles_of_holes(400), 2U);
  EXPECT_EQ(tiles_of_holes(68), 2U);
  EXPECT_EQ(tiles_of_holes(64), 1U);  // whose halves are not even considered
  EXPECT_EQ(tiles_of_holes(24), 1U);
  // Both windows reach nearly across the picture, so one is less.
  const Tensor near =
      mask_where(200, 200, [](auto y, auto x) { return y < 8 && (x < 8 || x >= 100); });
  EXPECT_EQ(plan_tiles(near.view(), limits_of(100)).size(), 1U);
}

TEST(PlanTiles, SplitsWhatDoesNotFit) {
  const Tensor wanted = mask_where(128, 512, [](auto, auto) { return true; });
  const std::int64_t whole = wanted.shape().pixels();
  EXPECT_EQ(plan_tiles(wanted.view(), limits_of(16, whole)).size(), 1U);
  for (const std::int64_t parts : {1, 2, 3, 5}) {
    const TileLimits limits = limits_of(16, whole / parts - 1);
    const auto tiles = plan_tiles(wanted.view(), limits);
    EXPECT_TRUE(are_tiles_of(wanted, limits, tiles));
    EXPECT_GT(tiles.size(), static_cast<std::size_t>(parts));
  }
}

TEST(PlanTiles, SaysWhatTheSmallestWindowTakes) {
  const Tensor wanted = mask_where(40, 60, [](auto y, auto x) { return y == 20 && x == 20; });
  EXPECT_EQ(plan_tiles(wanted.view(), limits_of(8, 400)).size(), 1U);
  EXPECT_EQ(test::error_of([&] { plan_tiles(wanted.view(), limits_of(8, 399)); }),
            "completion: expected at least 400 bytes of memory for its maps, got 399");
}

TEST(PlanTiles, KeepsItsPromisesForAnyMask) {
  test::Random random(1);
  for (int i = 0; i < 200; ++i) {
    const std::int64_t h = 4 * random.integer(1, 64);
    const std::int64_t w = 4 * random.integer(1, 64);
    const double share = std::array{0.0003, 0.01, 0.5}[static_cast<std::size_t>(i % 3)];
    const Tensor wanted =
        i % 4 == 0 ? test::mask_of_blocks(random, h, w) : test::mask_of_dots(random, h, w, share);
    const std::int64_t context = 4 * random.integer(0, 20);
    // Boxes of 64 × 64 pixels are not halved.
    const std::int64_t least = 64 + 2 * context;
    const TileLimits limits = limits_of(context, i % 2 == 0 ? kUnlimited : least * least);
    SCOPED_TRACE(testing::Message() << i << ": " << wanted.shape() << ", context " << context);
    const auto tiles = plan_tiles(wanted.view(), limits);
    EXPECT_TRUE(are_tiles_of(wanted, limits, tiles));
    // Never more work than the whole picture at once, where that fits.
    std::int64_t pixels = 0;
    for (const CompletionTile& tile : tiles) pixels += area(tile.window);
    if (h * w <= limits.max_bytes) {
      EXPECT_LE(pixels, h * w);
    }
  }
}

TEST(PlanTiles, ThousandsOfScatteredPixels) {
  test::Random random(2);
  const Tensor wanted = test::mask_of_dots(random, 2048, 2048, 0.001);
  for (const std::int64_t context : {0, 156}) {
    const TileLimits limits = limits_of(context, 600 * 600);
    const auto tiles = plan_tiles(wanted.view(), limits);
    EXPECT_TRUE(are_tiles_of(wanted, limits, tiles));
    EXPECT_GT(tiles.size(), 10U);
  }
}

TEST(PlanTiles, NamesWhatIsWrong) {
  for (const Nhwc& shape : {Nhwc{1, 6, 8, 1}, {1, 8, 6, 1}, {2, 8, 8, 1}, {1, 8, 8, 2}}) {
    const Tensor wanted(shape);
    EXPECT_EQ(
        test::error_of([&] { plan_tiles(wanted.view(), limits_of(8)); }),
        text_of("completion: expected a map of one picture whose sides are multiples of 4, got ",
                shape));
  }
}

}  // namespace
}  // namespace hewn
