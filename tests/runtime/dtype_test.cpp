#include "hewn/runtime/dtype.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// The value of a binary16 by its definition (IEEE 754-2008, section 3.4), for those that have one.
double half_by_definition(unsigned bits) {
  const int exponent = static_cast<int>((bits >> 10U) & 0x1fU);
  const double mantissa = bits & 0x3ffU;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 15 - 10);
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

TEST(Half, EveryOneOfThemWidensExactlyAndComesBack) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    const bool special = (bits & 0x7c00U) == 0x7c00U;
    const unsigned mantissa = bits & 0x3ffU;
    if (special && mantissa != 0) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      // The payload moves to the top of the wider mantissa; on the way back it becomes quiet.
      ASSERT_EQ(std::bit_cast<std::uint32_t>(value) & 0x7fffffU, mantissa << 13U) << bits;
      ASSERT_EQ(float_to_half(value), bits | 0x200U) << bits;
      continue;
    }
    if (special) {
      ASSERT_TRUE(std::isinf(value)) << bits;
    } else {
      ASSERT_EQ(value, half_by_definition(bits)) << bits;
    }
    ASSERT_EQ(std::signbit(value), (bits & 0x8000U) != 0) << bits;
    ASSERT_EQ(float_to_half(value), bits);
  }
}

TEST(Half, NarrowingRoundsToTheNearestAndTiesToEven) {
  constexpr float kAfter = std::numeric_limits<float>::infinity();
  // Between each pair of neighbours, from 0 to the largest: just below the middle, the middle, and
  // just above it.
  for (std::uint16_t low = 0; low < 0x7bff; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const float middle = (half_to_float(low) + half_to_float(high)) / 2;  // exact in float32
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), low);
    ASSERT_EQ(float_to_half(middle), low % 2 == 0 ? low : high);
    ASSERT_EQ(float_to_half(std::nextafter(middle, kAfter)), high);
    ASSERT_EQ(float_to_half(-middle), (low % 2 == 0 ? low : high) | 0x8000);
  }
}

TEST(Half, NarrowingOverflowsToInfinity) {
  EXPECT_EQ(float_to_half(65504), 0x7bff);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0F, 0.0F)), 0x7bff);
  EXPECT_EQ(float_to_half(65520), 0x7c00);  // a tie, and 65504 is odd
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::max()), 0xfc00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Bfloat16, IsTheUpperHalfOfAFloat) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const float value = bfloat16_to_float(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value), bits << 16U);
  }
}

TEST(Widen, ReadsEveryDtypeAtAnyAlignment) {
  test::Random random(1);
  for (Dtype dtype : {Dtype::float32, Dtype::float16, Dtype::bfloat16}) {
    const std::size_t size = dtype_size(dtype);
    for (std::size_t count : {0U, 1U, 2U, 17U}) {
      for (std::size_t offset = 0; offset < 4; ++offset) {
        std::vector<std::byte> bytes(offset + count * size);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.bits() & 0x3fU);
        std::vector<float> values(count);
        widen(std::span(bytes).subspan(offset), dtype, values);
        for (std::size_t i = 0; i < count; ++i) {
          std::uint32_t bits = 0;
          std::memcpy(&bits, bytes.data() + offset + i * size, size);
          const auto low = static_cast<std::uint16_t>(bits);
          const float expected = dtype == Dtype::float32   ? std::bit_cast<float>(bits)
                                 : dtype == Dtype::float16 ? half_to_float(low)
                                                           : bfloat16_to_float(low);
          EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]),
                    std::bit_cast<std::uint32_t>(expected));
        }
      }
    }
  }
}

TEST(Widen, NamesWhatIsWrong) {
  const std::vector<std::byte> bytes(8);
  std::vector<float> values(3);
  EXPECT_EQ(test::error_of([&] { widen(bytes, Dtype::float16, values); }),
            "widen: expected 3 elements of F16, got 8 bytes");
  EXPECT_EQ(test::error_of([&] { widen(bytes, Dtype::int64, std::span(values).first(1)); }),
            "widen: expected a floating dtype, got I64");
}

}  // namespace
}  // namespace hewn
