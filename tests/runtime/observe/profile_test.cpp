#include "hewn/runtime/observe/profile.h"

#include "hewn/runtime/context.h"
#include "hewn/runtime/parallel.h"

#include <chrono>

#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(Profiler, RecordsWhileEnabled) {
  Profiler profiler;
  { const ProfileScope scope(profiler, "conv2d", "conv1a", {.flops = 1, .bytes = 2}); }
  EXPECT_TRUE(profiler.records().empty());

  profiler.enable(true);
  {
    const ProfileScope scope(profiler, "conv2d", "conv1b", {.flops = 3, .bytes = 4});
    const ProfileScope part_of_it(profiler, "max_pool2d", "", {});
  }
  { const ProfileScope next(profiler, "softmax", "", {}); }
  ASSERT_EQ(profiler.records().size(), 2U);
  const ProfileRecord& first = profiler.records()[0];
  EXPECT_EQ(first.op, "conv2d");
  EXPECT_EQ(first.layer, "conv1b");
  EXPECT_EQ(first.threads, 1);
  EXPECT_EQ(first.work.flops, 3);
  EXPECT_EQ(first.work.bytes, 4);
  EXPECT_EQ(profiler.records()[1].op, "softmax");
  EXPECT_EQ(profiler.records()[1].layer, "");

  profiler.clear();
  EXPECT_TRUE(profiler.records().empty());
  EXPECT_TRUE(profiler.enabled());
}

TEST(Profiler, KeepsWhatSerialContextsRunAndWithHowManyThreads) {
  constexpr std::int64_t kItems = 50;
  Context ctx({.threads = 3});
  ctx.profiler().enable(true);
  const std::span<Context> serial = ctx.serial_contexts();
  const auto start = std::chrono::steady_clock::now();
  { const ProfileScope scope(ctx.profiler(), "all", "", {}); }
  parallel_for(ctx, kItems, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    for (std::int64_t i = begin; i < end; ++i) {
      const ProfileScope scope(serial[static_cast<std::size_t>(worker)].profiler(), "one", "", {});
    }
  });
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(std::ssize(ctx.profiler().records()), 1 + kItems);
  double sum = 0;
  for (const ProfileRecord& record : ctx.profiler().records()) {
    EXPECT_EQ(record.threads, record.op == "all" ? 3 : 1);
    sum += record.seconds * record.threads / 3;
  }
  EXPECT_LE(sum, whole.count());
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
