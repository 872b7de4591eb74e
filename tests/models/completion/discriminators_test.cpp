#include "hewn/models/completion/discriminators.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr std::int64_t kPicture = ContextDiscriminators::kPicture;
constexpr std::int64_t kPatch = ContextDiscriminators::kPatch;

const ContextDiscriminators& discriminators() {
  static const ContextDiscriminators random = ContextDiscriminators::random(1);
  return random;
}

std::array<std::int64_t, 4> sides(const Rectangle& box) {
  return {box.top, box.left, box.bottom(), box.right()};
}

Tensor crop(const Tensor& picture, std::int64_t top, std::int64_t left, std::int64_t side) {
  Tensor part({1, side, side, 3});
  for (std::int64_t y = 0; y < side; ++y) {
    std::copy_n(picture.view().pixel(0, top + y, left), 3 * side, part.view().pixel(0, y, 0));
  }
  return part;
}

Tensor mask_of(const Nhwc& picture, const Rectangle& hole) {
  // Its corners alone: what is between does not matter.
  return test::mask_where(picture.h, picture.w, [&](auto y, auto x) {
    return (y == hole.top && x == hole.left) || (y == hole.bottom() - 1 && x == hole.right() - 1);
  });
}

float score(const Tensor& picture, const Rectangle& hole, Context& ctx) {
  return score_completion(discriminators(), picture.view(), mask_of(picture.shape(), hole).view(),
                          ctx);
}

std::array<std::int64_t, 4> window(std::int64_t h, std::int64_t w, const Rectangle& hole) {
  return sides(score_window(mask_of({1, h, w, 3}, hole).view()));
}

// Labels: bits long
TEST(Discriminators, SameBitsOnVectorInstructionSetsAndNumbersOfThreads) {
  Random random(1);
  const Tensor picture = random.tensor({1, kPicture, kPicture, 3}, 0, 1);
  const Tensor patch = crop(picture, 30, 70, kPatch);
  Context one_thread({.threads = 1});
  const float expected = discriminators()(patch.view(), picture.view(), one_thread);
  EXPECT_GT(expected, 0);
  EXPECT_LT(expected, 1);
  std::vector<ContextOptions> ways{{.threads = 2}};
  for (const Isa isa : test::bit_identical_isas()) {
    // Eight billion operations take scalar code too long; tests/ops has the bits of its layers.
    if (isa != Isa::scalar) ways.push_back({.threads = 5, .isa = isa});
  }
  for (const ContextOptions& way : ways) {
    Context ctx(way);
    EXPECT_EQ(discriminators()(patch.view(), picture.view(), ctx), expected)
        << isa_name(ctx.isa()) << ", " << ctx.threads() << " threads";
  }
}

// Label: long
TEST(Discriminators, APictureOfTheirSizeIsScoredAsItIs) {
  const Tensor picture = Random(2).tensor({1, kPicture, kPicture, 3}, 0, 1);
  Context ctx({.threads = 2});
  // The middle of the hole is (60 + 80) / 2 = 70, (100 + 140) / 2 = 120.
  const float scored = score(picture, Rectangle::of_sides(60, 100, 80, 140), ctx);
  const Tensor patch = crop(picture, 70 - kPatch / 2, 120 - kPatch / 2, kPatch);
  EXPECT_EQ(scored, discriminators()(patch.view(), picture.view(), ctx));
}

// Label: long
TEST(Discriminators, LargeHolesAreSeenInAWindowTwiceTheirSizeScaledDown) {
  // The hole has 200 × 148 pixels around (300, 320): a window of twice 200, rounded up to 512.
  const Tensor picture = Random(3).tensor({1, 600, 640, 3}, 0, 1);
  Context ctx({.threads = 2});
  const Rectangle hole{.top = 200, .left = 246, .height = 200, .width = 148};
  EXPECT_EQ(window(600, 640, hole), (std::array<std::int64_t, 4>{44, 64, 556, 576}));
  const float scored = score(picture, hole, ctx);
  Tensor half({1, kPicture, kPicture, 3});
  for (std::int64_t y = 0; y < kPicture; ++y) {
    for (std::int64_t x = 0; x < kPicture; ++x) {
      const float* above = picture.view().pixel(0, 44 + 2 * y, 64 + 2 * x);
      const float* below = picture.view().pixel(0, 44 + 2 * y + 1, 64 + 2 * x);
      for (std::int64_t c = 0; c < 3; ++c) {
        half.view().pixel(0, y, x)[c] = (above[c] + above[c + 3] + below[c] + below[c + 3]) / 4;
      }
    }
  }
  // Scaled, the hole is around (128, 128).
  const Tensor patch = crop(half, 64, 64, kPatch);
  // Means of four in another order are off by some 1e-7, which layers of this gain neither shrink
  // nor let grow; a patch that is one column off is off by 5e-4.
  EXPECT_NEAR(scored, discriminators()(patch.view(), half.view(), ctx), 1e-5);
}

TEST(Discriminators, WindowsStayInsideThePicture) {
  using Sides = std::array<std::int64_t, 4>;
  // In the middle of the picture along one side and at its border along the other, and in a corner.
  EXPECT_EQ(window(300, 420, Rectangle::of_sides(0, 200, 20, 220)), (Sides{0, 82, 256, 338}));
  EXPECT_EQ(window(300, 420, Rectangle::of_sides(290, 400, 300, 420)), (Sides{44, 164, 300, 420}));
  // A hole larger than half of the picture gets the largest square there is.
  EXPECT_EQ(window(300, 420, Rectangle::of_sides(10, 0, 290, 400)), (Sides{0, 50, 300, 350}));
  EXPECT_EQ(window(kPicture, kPicture, Rectangle::of_sides(60, 100, 80, 140)),
            (Sides{0, 0, kPicture, kPicture}));
  // A picture smaller than what the discriminators see is scaled up.
  EXPECT_EQ(window(1, 9, Rectangle::of_sides(0, 8, 1, 9)), (Sides{0, 8, 1, 9}));
}

TEST(Discriminators, NameWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor picture({1, kPicture, kPicture, 3});
  const Tensor patch({1, kPatch, kPatch, 3});
  EXPECT_EQ(test::error_of([&] { discriminators()(picture.view(), patch.view(), ctx); }),
            text_of("discriminators: expected a patch of ", patch.shape(), " and a picture of ",
                    picture.shape(), ", got ", picture.shape(), " and ", patch.shape()));
  const auto error = [&](const Nhwc& shape) {
    Tensor mask(shape);
    fill(mask.view(), 0);
    return test::error_of(
        [&] { score_completion(discriminators(), patch.view(), mask.view(), ctx); });
  };
  EXPECT_EQ(error({1, kPatch, kPatch, 1}), "discriminators: the mask has no hole to look at");
  EXPECT_EQ(error({1, kPatch, 4, 1}),
            text_of("discriminators: expected an RGB picture and a mask of its size, got ",
                    patch.shape(), " and ", Nhwc{1, kPatch, 4, 1}));
}

}  // namespace
}  // namespace hewn
