#include "hewn/runtime/arena.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

/// Some work that needs several chunks the first time, with scopes inside scopes.
void work(Arena& arena) {
  const Arena::Scope outer(arena);
  const auto first = arena.allocate<std::byte>(kMegabyte);
  std::memset(first.data(), 1, first.size());
  for (int i = 0; i < 3; ++i) {
    const Arena::Scope inner(arena);
    const auto second = arena.allocate<std::byte>(3 * kMegabyte);
    std::memset(second.data(), 2, second.size());
  }
  const auto third = arena.allocate<float>(17);
  std::memset(third.data(), 3, third.size_bytes());
  EXPECT_EQ(first[0], std::byte{1});
  EXPECT_EQ(first.back(), std::byte{1});
}

// Label: bits
TEST(Arena, TheSameWorkAgainAllocatesNothing) {
  Arena arena;
  work(arena);
  const std::int64_t allocations = arena.system_allocations();
  EXPECT_GT(allocations, 0);
  EXPECT_EQ(arena.peak_bytes(), 4 * kMegabyte);
  EXPECT_EQ(arena.reserved_bytes(), arena.peak_bytes());  // the chunks were merged into one
  for (int i = 0; i < 3; ++i) work(arena);
  EXPECT_EQ(arena.system_allocations(), allocations);
  EXPECT_EQ(arena.reserved_bytes(), 4 * kMegabyte);
}

TEST(Arena, AScopeGivesBackWhatItTook) {
  Arena arena;
  const Arena::Scope outer(arena);
  const auto kept = arena.allocate<float>(16);
  std::byte* inside = nullptr;
  {
    const Arena::Scope inner(arena);
    inside = arena.allocate<std::byte>(100).data();
    EXPECT_EQ(inside, reinterpret_cast<std::byte*>(kept.data() + 16));
  }
  EXPECT_EQ(arena.allocate<std::byte>(1).data(), inside);
  EXPECT_EQ(arena.peak_bytes(), 64 + 128);  // rounded to cache lines
}

TEST(Arena, MemoryInUseStaysWhereItIsWhileTheArenaGrows) {
  Arena arena;
  const Arena::Scope scope(arena);
  const auto small = arena.allocate<float>(8);
  for (float& value : small) value = 5;
  {
    const Arena::Scope inner(arena);
    const auto large = arena.allocate<std::byte>(5 * kMegabyte);
    std::memset(large.data(), 0, large.size());
  }
  const auto larger = arena.allocate<std::byte>(9 * kMegabyte);
  std::memset(larger.data(), 0, larger.size());
  for (float value : small) EXPECT_EQ(value, 5);
}

TEST(Arena, GivesBackWhatIsTooSmallToBeOfUse) {
  Arena arena;
  const Arena::Scope outer(arena);
  arena.allocate<std::byte>(kMegabyte);
  for (std::int64_t size = 2 * kMegabyte; size <= 64 * kMegabyte; size *= 2) {
    const Arena::Scope scope(arena);
    arena.allocate<std::byte>(size);
    // Beside the first megabyte, one chunk, at most twice as large as what was asked for.
    EXPECT_GE(arena.reserved_bytes(), kMegabyte + size);
    EXPECT_LE(arena.reserved_bytes(), kMegabyte + 2 * size);
  }
}

TEST(Arena, GrowsByLargeChunks) {
  Arena arena;
  const Arena::Scope scope(arena);
  for (int i = 0; i < 1000; ++i) arena.allocate<std::byte>(kMegabyte);
  EXPECT_LE(arena.system_allocations(), 11);  // 1, 1, 2, 4, …, 512 megabytes
}

TEST(Arena, ReservesOnePieceWhileNothingIsAllocated) {
  Arena arena;
  arena.reserve(10 * kMegabyte);
  EXPECT_EQ(arena.reserved_bytes(), 10 * kMegabyte);
  arena.reserve(5 * kMegabyte);
  const Arena::Scope scope(arena);
  for (int i = 0; i < 10; ++i) arena.allocate<std::byte>(kMegabyte);
  EXPECT_EQ(arena.system_allocations(), 1);
  arena.reserve(20 * kMegabyte);
  arena.reserve(std::numeric_limits<std::int64_t>::max() / 4);
  EXPECT_EQ(arena.reserved_bytes(), 10 * kMegabyte);
}

TEST(Arena, EverythingIsAligned) {
  Arena arena;
  const Arena::Scope scope(arena);
  for (std::int64_t count : {0, 1, 3, 64, 65}) {
    const auto bytes = arena.allocate<std::byte>(count);
    EXPECT_EQ(bytes.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment, 0);
  }
  const View view = arena.view({1, 2, 3, 4});
  EXPECT_TRUE(view.dense());
  EXPECT_EQ(view.shape, (Nhwc{1, 2, 3, 4}));
}

TEST(Arena, RefusesSizesThatNoMachineHas) {
  Arena arena;
  const Arena::Scope scope(arena);
  EXPECT_THROW(arena.allocate<float>(-1), Error);
  EXPECT_THROW(arena.allocate<float>(std::numeric_limits<std::int64_t>::max() / 2), Error);
  EXPECT_THROW(arena.allocate<std::byte>(std::numeric_limits<std::int64_t>::max()), std::bad_alloc);
  EXPECT_THROW(arena.view({1, std::int64_t{1} << 31, std::int64_t{1} << 31, 1}), Error);
  EXPECT_EQ(arena.allocate<float>(4).size(), 4U);  // and goes on working
}

}  // namespace
}  // namespace hewn
