#include "hewn/ops/concat/concat.h"

#include "hewn/runtime/error.h"

#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

/// Every element of y is looked up in the part that its channel falls into.
void expect_concatenated(ConstView y, const std::vector<ConstView>& parts) {
  for (std::int64_t pixel = 0; pixel < y.shape.pixels(); ++pixel) {
    std::int64_t channel = 0;
    for (const ConstView& part : parts) {
      for (std::int64_t c = 0; c < part.shape.c; ++c, ++channel) {
        ASSERT_EQ(y.pixel(pixel)[channel], part.pixel(pixel)[c])
            << "pixel " << pixel << ", channel " << channel;
      }
    }
    ASSERT_EQ(channel, y.shape.c);
  }
}

TEST(Concat, PutsChannelsSideBySide) {
  Random random(1);
  for (const std::vector<std::int64_t>& channels :
       {std::vector<std::int64_t>{1}, {3, 0, 2}, {15, 16, 17}, {64, 1}}) {
    for (const Nhwc& size : {Nhwc{2, 3, 5, 0}, Nhwc{1, 1, 1, 0}, Nhwc{1, 40, 41, 0}}) {
      std::vector<Tensor> tensors;
      std::int64_t total = 0;
      for (std::int64_t c : channels) {
        tensors.push_back(random.tensor({size.n, size.h, size.w, c}));
        total += c;
      }
      const Nhwc shape{size.n, size.h, size.w, total};
      SCOPED_TRACE(text_of("y ", shape));
      std::vector<ConstView> dense;
      std::vector<test::Sliced> slices;
      std::vector<ConstView> sliced;
      for (const Tensor& tensor : tensors) {
        dense.emplace_back(tensor.view());
        slices.emplace_back(tensor.shape(), &tensor);
        sliced.emplace_back(slices.back().view());
      }
      for (int threads : {1, 2, 5}) {
        Context ctx({.threads = threads, .isa = default_isa()});
        Tensor y(shape);
        concat_channels(dense, y.view(), ctx);
        expect_concatenated(y.view(), dense);
        test::Sliced sliced_y(shape);
        concat_channels(sliced, sliced_y.view(), ctx);
        expect_concatenated(sliced_y.view(), dense);
        EXPECT_TRUE(sliced_y.margins_untouched());
      }
    }
  }
}

TEST(Concat, APartThatIsInPlaceAlreadyStays) {
  Random random(2);
  Tensor y = random.tensor({1, 2, 3, 5});
  const Tensor before = Tensor::copy_of(y.view());
  const Tensor second = random.tensor({1, 2, 3, 3});
  Context ctx;
  const std::vector<ConstView> parts{y.view().channels(0, 2), second.view()};
  concat_channels(parts, y.view(), ctx);
  expect_concatenated(y.view(), {before.view().channels(0, 2), second.view()});
}

TEST(Concat, EmptyGivesEmpty) {
  Context ctx;
  Tensor no_channels({1, 2, 2, 0});
  EXPECT_NO_THROW(concat_channels({}, no_channels.view(), ctx));
  const Tensor part({0, 2, 2, 3});
  Tensor y({0, 2, 2, 3});
  const std::vector<ConstView> parts{part.view()};
  EXPECT_NO_THROW(concat_channels(parts, y.view(), ctx));
}

TEST(Concat, NamesWhatIsWrong) {
  Context ctx;
  const Tensor a({1, 2, 2, 3});
  const Tensor b({1, 2, 3, 3});
  const std::vector<ConstView> parts{a.view(), b.view()};
  const auto message = [&](const Nhwc& shape, std::span<const ConstView> list) {
    Tensor y(shape);
    return test::error_of([&] { concat_channels(list, y.view(), ctx); });
  };
  EXPECT_EQ(message({1, 2, 2, 6}, parts),
            "concat: part 1: expected [n 1, h 2, w 2, c 3], got [n 1, h 2, w 3, c 3]");
  EXPECT_EQ(message({1, 2, 2, 4}, std::span(parts).first(1)),
            "concat: expected an output of 3 channels, got 4");
}

}  // namespace
}  // namespace hewn
