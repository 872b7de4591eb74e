// Runs an operator in every way in which it must give the same result.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/error.h"

#include <optional>
#include <span>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn::test {

enum class InPlace { allowed, forbidden };

/// Calls op(x, y, ctx) on every usable instruction set, with 1, 2 and 5 threads, on dense views,
/// channel slices and slices of windows and, where allowed, in place. Expects each result within
/// `bound` of `expected`; and the same bits from all of them, instruction sets without fused
/// multiply-adds apart, which have their own.
template <typename Op>
void check_every_way(const Tensor& x, const Nhwc& y_shape, std::span<const double> expected,
                     std::span<const double> bound, InPlace in_place, Op op) {
  std::optional<std::uint64_t> bits;
  for (Isa isa : usable_isas()) {
    std::optional<std::uint64_t> bits_of_isa;
    for (int threads : {1, 2, 5}) {
      SCOPED_TRACE(text_of("isa ", isa_name(isa), " threads ", threads));
      Context ctx({.threads = threads, .isa = isa});
      Tensor y(y_shape);
      op(x.view(), y.view(), ctx);
      EXPECT_TRUE(all_within(y.view(), expected, bound));
      const std::uint64_t sum = checksum(y.view());
      EXPECT_EQ(sum, bits_of_isa.value_or(sum)) << "bits depend on threads";
      bits_of_isa = sum;
      if (in_place == InPlace::allowed) {
        Tensor z = Tensor::copy_of(x.view());
        op(z.view(), z.view(), ctx);
        EXPECT_EQ(checksum(z.view()), sum) << "in place";
      }
      for (const Margins& margins : {kSlice, kSliceOfWindow}) {
        SCOPED_TRACE(text_of("margins of ", margins));
        Sliced sliced_x(x.shape(), &x, margins);
        Sliced sliced_y(y_shape, nullptr, margins);
        op(sliced_x.view(), sliced_y.view(), ctx);
        EXPECT_EQ(checksum(sliced_y.view()), sum);
        EXPECT_TRUE(sliced_y.margins_untouched());
        if (in_place == InPlace::forbidden) continue;
        op(sliced_x.view(), sliced_x.view(), ctx);
        EXPECT_EQ(checksum(sliced_x.view()), sum) << "in place";
        EXPECT_TRUE(sliced_x.margins_untouched());
      }
    }
    if (!isa_info(isa).fused) continue;
    EXPECT_EQ(*bits_of_isa, bits.value_or(*bits_of_isa)) << "bits depend on instruction set";
    bits = bits_of_isa;
  }
}

/// Channels and pixels around the number of lanes, and none at all.
inline constexpr std::int64_t kEdgeSizes[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 65};

}  // namespace hewn::test
