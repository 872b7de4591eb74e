// Label: files
#include "hewn/models/tasks/optical_flow/flow_file.h"
#include "hewn/runtime/random.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Bytes;
using test::bytes_of;
using test::Outcomes;

/// What a caller may count on: shapes that agree, vectors that are known, a mask of 0 and 1.
void check(const FlowField& field) {
  const Nhwc& s = field.flow.shape();
  ASSERT_EQ(field.valid.shape(), (Nhwc{1, s.h, s.w, 1}));
  ASSERT_EQ(s.n, 1);
  ASSERT_EQ(s.c, 2);
  ASSERT_GE(s.pixels(), 1);
  for (std::int64_t i = 0; i < s.pixels(); ++i) {
    const float* vector = field.flow.view().data + 2 * i;
    ASSERT_TRUE(is_known(vector));
    const float valid = field.valid.values()[static_cast<std::size_t>(i)];
    ASSERT_TRUE(valid == 1 || (valid == 0 && vector[0] == 0 && vector[1] == 0));
  }
}

/// 5 × 4 vectors, the bytes of which are anything.
Bytes flo_seed() {
  Random random(1);
  Bytes file = bytes_of("PIEH");
  for (const int side : {5, 4}) {
    for (const int byte : {side, 0, 0, 0}) file.push_back(static_cast<std::byte>(byte));
  }
  for (int i = 0; i < 8 * 5 * 4; ++i) {
    file.push_back(static_cast<std::byte>(random.integer(0, 255)));
  }
  return file;
}

Bytes kitti_seed() {
  Random random(2);
  Bytes rows;
  for (int row = 0; row < 4; ++row) {
    rows.push_back(static_cast<std::byte>(random.integer(0, 4)));
    for (int i = 0; i < 6 * 5; ++i) {
      rows.push_back(static_cast<std::byte>(random.integer(0, 3) * 64));
    }
  }
  return test::png_file({.width = 5, .height = 4, .depth = 16, .color = 2}, rows);
}

TEST(FloMutations, LoadOrAreRefused) {
  const Bytes seed = flo_seed();
  ASSERT_NO_THROW(check(decode_flo(seed, "f")));
  Random random(3);
  Outcomes outcomes;
  for (int i = 0; i < 20'000; ++i) {
    const Bytes file = test::mutate(seed, random);
    test::expect_loaded_or_refused("f", outcomes, [&] { check(decode_flo(file, "f")); });
    test::expect_loaded_or_refused("f", outcomes, [&] { check(decode_flow(file, "f")); });
  }
  EXPECT_GT(outcomes.loaded, 1000);  // damage to a vector makes another vector
  EXPECT_GT(outcomes.refused, 10'000);
}

TEST(FloMutations, EverySideExtremeLoadsOrIsRefused) {
  constexpr std::uint32_t kSides[] = {0,          1,          2,          5,          20,
                                      0xffff,     0x10000,    0x4000,     0x4001,     0x10000000,
                                      0x20000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  Outcomes outcomes;
  for (const std::uint32_t width : kSides) {
    for (const std::uint32_t height : kSides) {
      Bytes file = flo_seed();
      std::memcpy(file.data() + 4, &width, sizeof width);
      std::memcpy(file.data() + 8, &height, sizeof height);
      test::expect_loaded_or_refused("f", outcomes, [&] { check(decode_flow(file, "f")); });
    }
  }
  EXPECT_EQ(outcomes.loaded, 2);  // 20 vectors: 1 × 20 and 20 × 1
}

TEST(KittiMutations, LoadOrAreRefused) {
  const Bytes seed = kitti_seed();
  ASSERT_NO_THROW(check(decode_kitti_flow(seed, "f")));
  Random random(4);
  Outcomes outcomes;
  for (int i = 0; i < 10'000; ++i) {
    const Bytes file = test::mutate(seed, random);
    test::expect_loaded_or_refused("f", outcomes, [&] { check(decode_kitti_flow(file, "f")); });
  }
  EXPECT_GT(outcomes.refused, 9000);
}

TEST(KittiMutations, WithTheirChecksumsMadeRightLoadOrAreRefused) {
  constexpr std::string_view kWords[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "PIEH"};
  const Bytes seed = kitti_seed();
  Random random(5);
  Outcomes outcomes;
  for (int i = 0; i < 10'000; ++i) {
    Bytes file = test::mutate(seed, random, kWords);
    test::repair_checksums(file);
    test::expect_loaded_or_refused("f", outcomes, [&] { check(decode_flow(file, "f")); });
  }
  EXPECT_GT(outcomes.loaded, 50);
  EXPECT_GT(outcomes.refused, 5000);
}

}  // namespace
}  // namespace hewn
