#include "hewn/runtime/aligned_array.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(AlignedArray, BeginsOnACacheLine) {
  for (const std::int64_t count : {1, 3, 16, 1000}) {
    AlignedArray<std::uint16_t> array(count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % kAlignment, 0U);
    ASSERT_EQ(std::ssize(array.values()), count);
    EXPECT_FALSE(array.empty());
    array.values().back() = 7;  // the address sanitizer would see a byte too few
    EXPECT_EQ(std::as_const(array).data()[count - 1], 7);
  }
}

TEST(AlignedArray, MayBeEmpty) {
  EXPECT_TRUE(AlignedArray<float>().empty());
  EXPECT_TRUE(AlignedArray<float>().values().empty());
  EXPECT_TRUE(AlignedArray<float>(0).empty());
}

TEST(AlignedArray, Moves) {
  AlignedArray<std::int32_t> from(2);
  from.values()[1] = -5;
  const std::int32_t* const data = from.data();
  const AlignedArray<std::int32_t> to = std::move(from);
  EXPECT_EQ(to.data(), data);
  EXPECT_EQ(to.values()[1], -5);
}

TEST(AlignedArray, NamesWhatIsWrong) {
  EXPECT_EQ(test::error_of([] { AlignedArray<float>{-1}; }), "array: -1 × 4 is not a valid size");
  EXPECT_EQ(test::error_of([] { AlignedArray<float>{std::numeric_limits<std::int64_t>::max()}; }),
            "array: 9223372036854775807 × 4 is not a valid size");
}

}  // namespace
}  // namespace hewn
