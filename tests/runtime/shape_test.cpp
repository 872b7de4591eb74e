#include "hewn/runtime/shape.h"

#include <cstdint>
#include <limits>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(CheckedArithmetic, IsExactUpToTheLimitAndRefusesWhatLiesBeyond) {
  EXPECT_EQ(checked_multiply(3, 5), 15);
  EXPECT_EQ(checked_multiply(kMax, 1), kMax);
  EXPECT_EQ(checked_multiply(0, kMax), 0);
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(
      error_of([] { checked_multiply(std::int64_t{1} << 32, std::int64_t{1} << 31, "bytes"); }),
      "bytes: 4294967296 × 2147483648 is not a valid size");
  EXPECT_EQ(error_of([] { checked_multiply(-1, 2); }), "size: -1 × 2 is not a valid size");
  EXPECT_EQ(error_of([] { checked_add(kMax, 1); }),
            "size: 9223372036854775807 + 1 is not a valid size");
  EXPECT_EQ(error_of([] { checked_add(5, -1, "padded"); }), "padded: 5 + -1 is not a valid size");
}

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape().count(), 1);
  EXPECT_EQ(Shape().rank(), 0);
  EXPECT_EQ((Shape{64, 1, 3, 3}).count(), 576);
  EXPECT_EQ((Shape{5, 0, 3}).count(), 0);
  EXPECT_EQ((Shape{kMax}).count(), kMax);
}

TEST(Shape, RefusesNegativeAndOverflowingSizes) {
  constexpr std::int64_t kBig = std::int64_t{1} << 32;
  EXPECT_THROW((Shape{2, -1}), Error);
  EXPECT_THROW((Shape{kBig, kBig}), Error);
  // Nor may a zero hide an overflow from those who multiply the other sizes.
  EXPECT_THROW((Shape{0, kBig, kBig}), Error);
  EXPECT_THROW((Shape{kBig, kBig, 0}), Error);
}

TEST(Shape, Prints) {
  EXPECT_EQ(to_string(Shape{64, 1, 3, 3}), "64×1×3×3");
  EXPECT_EQ(to_string(Shape{}), "scalar");
  EXPECT_EQ(to_string(Nhwc{1, 60, 80, 128}), "[n 1, h 60, w 80, c 128]");
}

TEST(Nhwc, CountsAndRefusesAsShapeDoes) {
  EXPECT_EQ((Nhwc{2, 3, 4, 5}).pixels(), 24);
  EXPECT_EQ((Nhwc{2, 3, 4, 5}).count(), 120);
  EXPECT_EQ((Nhwc{0, 3, 4, 5}).count(), 0);
  EXPECT_EQ(error_of([] {
              static_cast<void>(Nhwc{1, -3, 4, 5}.pixels());
            }),
            "pixels: 1 × -3 is not a valid size");
  EXPECT_THROW(static_cast<void>(Nhwc{1, kMax, 1, 2}.count()), Error);
}

}  // namespace
}  // namespace hewn
