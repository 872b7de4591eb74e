#include "hewn/runtime/profile.h"

#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(Profiler, RecordsWhileEnabled) {
  Profiler profiler;
  { const ProfileScope scope(profiler, "conv2d", "conv1a", {.flops = 1, .bytes = 2}); }
  EXPECT_TRUE(profiler.records().empty());

  profiler.enable(true);
  {
    const ProfileScope outer(profiler, "conv2d", "conv1b", {.flops = 3, .bytes = 4});
    const ProfileScope inner(profiler, "softmax", "", {});
  }
  ASSERT_EQ(profiler.records().size(), 2U);  // in the order in which they end
  EXPECT_EQ(profiler.records()[0].op, "softmax");
  EXPECT_EQ(profiler.records()[0].layer, "");
  const ProfileRecord& outer = profiler.records()[1];
  EXPECT_EQ(outer.op, "conv2d");
  EXPECT_EQ(outer.layer, "conv1b");
  EXPECT_EQ(outer.work.flops, 3);
  EXPECT_EQ(outer.work.bytes, 4);
  EXPECT_GE(outer.seconds, profiler.records()[0].seconds);

  profiler.clear();
  EXPECT_TRUE(profiler.records().empty());
  EXPECT_TRUE(profiler.enabled());
}

TEST(Profiler, AScopeThatBeganWhileDisabledStaysSilent) {
  Profiler profiler;
  {
    const ProfileScope scope(profiler, "conv2d", "", {});
    profiler.enable(true);
  }
  EXPECT_TRUE(profiler.records().empty());
}

}  // namespace
}  // namespace hewn
