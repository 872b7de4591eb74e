#include "hewn/runtime/operands.h"

#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(Operands, ViewsOfOneBufferThatShareNoFloatDoNotOverlap) {
  const Tensor buffer({2, 6, 8, 10});
  const ConstView all = buffer.view();
  const auto overlap = [](const ConstView& a, const ConstView& b) {
    EXPECT_EQ(may_overlap(a, b), may_overlap(b, a));
    return may_overlap(a, b);
  };
  // Channels.
  EXPECT_FALSE(overlap(all.channels(0, 4), all.channels(4, 10)));
  EXPECT_TRUE(overlap(all.channels(0, 5), all.channels(4, 10)));
  EXPECT_FALSE(overlap(all.channels(0, 4), all.window(2, 3, 4, 5).channels(4, 10)));
  // Columns, rows and images.
  EXPECT_FALSE(overlap(all.columns(0, 4), all.columns(4, 8)));
  EXPECT_TRUE(overlap(all.columns(0, 5), all.columns(4, 8)));
  EXPECT_FALSE(overlap(all.rows(0, 2), all.rows(2, 6)));
  EXPECT_TRUE(overlap(all.rows(0, 3), all.rows(2, 6)));
  EXPECT_FALSE(overlap(all.images(0, 1), all.images(1, 2)));
  EXPECT_FALSE(overlap(all.window(0, 0, 6, 4), all.window(3, 4, 2, 4)));
  EXPECT_TRUE(overlap(all.window(0, 0, 3, 4), all.window(2, 3, 2, 4)));
  // Other strides: where memory meets, nothing is promised.
  EXPECT_TRUE(overlap(all.channels(0, 4), {all.data + 4, {1, 1, 4, 1}}));
  EXPECT_FALSE(overlap(all.images(0, 1), {all.data + 480, {1, 1, 4, 1}}));
  // One column, whose rows are nearer than its pixels.
  const ConstView near(all.data, {1, 4, 1, 2}, 8, 4, 16);
  EXPECT_TRUE(overlap(near, {all.data + 4, {1, 1, 1, 2}, 8}));
  EXPECT_FALSE(overlap(all.channels(3, 3), all));
}

}  // namespace
}  // namespace hewn
