#include "hewn/runtime/isa/caches.h"

#include "hewn/runtime/context.h"

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(Caches, AreListedWithLevelAndSize) {
  for (const Cache& cache : caches()) {
    EXPECT_GE(cache.level, 1);
    EXPECT_GT(cache.bytes, 0);
    EXPECT_FALSE(cache.type.empty());
  }
}

TEST(Caches, L2OfAThreadIsWithinReason) {
  EXPECT_GE(l2_bytes_per_thread(), 128 << 10);
  EXPECT_LE(l2_bytes_per_thread(), 4 << 20);
  EXPECT_EQ(Context({.threads = 1}).l2_bytes(), l2_bytes_per_thread());
}

TEST(Caches, AContextMayBeToldAnotherSize) {
  EXPECT_EQ(Context({.threads = 1, .l2_bytes = 300'000}).l2_bytes(), 300'000);
  EXPECT_EQ(test::error_of([] { Context({.l2_bytes = -1}); }),
            "l2_bytes: expected 0 or more, got -1");
}

TEST(Context, SerialContextsAreLikeTheirParentOnOneThread) {
  Context ctx({.threads = 3, .isa = Isa::scalar, .precise = true, .l2_bytes = 200'000});
  const std::span<Context> serial = ctx.serial_contexts();
  ASSERT_EQ(serial.size(), 3U);
  for (const Context& one : serial) {
    EXPECT_EQ(one.threads(), 1);
    EXPECT_EQ(one.isa(), Isa::scalar);
    EXPECT_TRUE(one.precise());
    EXPECT_EQ(one.l2_bytes(), 200'000);
  }
  EXPECT_EQ(ctx.serial_contexts().data(), serial.data());
  Context alone({.threads = 1});
  EXPECT_EQ(alone.serial_contexts().data(), &alone);
  EXPECT_EQ(alone.serial_contexts().size(), 1U);
}

}  // namespace
}  // namespace hewn
