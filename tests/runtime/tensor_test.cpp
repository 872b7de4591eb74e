#include "hewn/runtime/tensor.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;

/// A tensor whose elements are 0, 1, 2, … in NHWC order.
Tensor counting(const Nhwc& shape) {
  Tensor tensor(shape);
  std::iota(tensor.values().begin(), tensor.values().end(), 0.0F);
  return tensor;
}

TEST(Tensor, IsAlignedAndDense) {
  for (std::int64_t c : {0, 1, 3, 17}) {
    Tensor tensor({2, 3, 5, c});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.view().data) % kAlignment, 0);
    EXPECT_TRUE(tensor.view().dense());
    EXPECT_EQ(tensor.values().size(), static_cast<std::size_t>(30 * c));
  }
}

TEST(Tensor, RefusesShapesThatOverflow) {
  constexpr std::int64_t kBig = std::int64_t{1} << 31;
  EXPECT_THROW(Tensor({1, kBig, kBig, 1}), Error);  // the elements fit, their bytes do not
  EXPECT_THROW(Tensor({1, -1, 1, 1}), Error);
}

TEST(View, ChannelsAreASliceOfEveryPixel) {
  Tensor tensor = counting({1, 2, 2, 5});
  const View slice = tensor.view().channels(1, 3);
  EXPECT_EQ(slice.shape, (Nhwc{1, 2, 2, 2}));
  EXPECT_FALSE(slice.dense());
  EXPECT_EQ(slice.pixel(0, 1, 0)[0], 11);
  EXPECT_EQ(slice.pixel(0, 1, 1)[1], 17);
  EXPECT_EQ(slice.channels(1, 2).pixel(0, 0, 1)[0], 7);
  EXPECT_EQ(slice.channels(2, 2).shape.count(), 0);
  EXPECT_EQ(error_of([&] { static_cast<void>(slice.channels(1, 3)); }),
            "channels [1, 3) of a view with 2 channels");
  EXPECT_THROW(static_cast<void>(slice.channels(-1, 1)), Error);
  EXPECT_THROW(static_cast<void>(slice.channels(2, 1)), Error);
}

TEST(View, ImageIsOneOfTheBatch) {
  Tensor tensor = counting({3, 2, 2, 2});
  const View image = tensor.view().image(2);
  EXPECT_EQ(image.shape, (Nhwc{1, 2, 2, 2}));
  EXPECT_EQ(image.data[0], 16);
  EXPECT_EQ(tensor.view().channels(1, 2).image(1).data[0], 9);
  EXPECT_EQ(error_of([&] { static_cast<void>(tensor.view().image(3)); }),
            "image 3 of a batch of 3");
  EXPECT_THROW(static_cast<void>(tensor.view().image(-1)), Error);
  EXPECT_EQ(tensor.view().images(1, 3).shape.n, 2);
  EXPECT_EQ(tensor.view().images(1, 3).data[0], 8);
  EXPECT_EQ(error_of([&] { static_cast<void>(tensor.view().images(2, 4)); }),
            "images [2, 4) of a view with 3 images");
}

TEST(View, ReshapesWhereNoElementHasToMove) {
  Tensor tensor = counting({1, 2, 3, 4});
  EXPECT_EQ(tensor.view().reshaped({1, 1, 2, 12}).pixel(0, 0, 1)[0], 12);
  const View slice = tensor.view().channels(1, 3);
  EXPECT_EQ(slice.reshaped({1, 1, 6, 2}).pixel(0, 0, 5)[1], 22);
  EXPECT_EQ(
      error_of([&] {
        static_cast<void>(slice.reshaped({1, 1, 1, 12}));
      }),
      "cannot reshape a channel slice of shape [n 1, h 2, w 3, c 2] to [n 1, h 1, w 1, c 12]");
  EXPECT_EQ(error_of([&] {
              static_cast<void>(slice.reshaped({1, 1, 7, 2}));
            }),
            "cannot reshape [n 1, h 2, w 3, c 2] to [n 1, h 1, w 7, c 2]");
}

TEST(View, AWindowIsRowsAndColumnsOfEveryImage) {
  Tensor tensor = counting({2, 4, 5, 3});
  const View window = tensor.view().window(1, 2, 3, 2);
  EXPECT_EQ(window.shape, (Nhwc{2, 3, 2, 3}));
  EXPECT_EQ(window.pixel(0, 0, 0), tensor.view().pixel(0, 1, 2));
  EXPECT_EQ(window.pixel(1, 2, 1), tensor.view().pixel(1, 3, 3));
  EXPECT_EQ(window.pixel(11), window.pixel(1, 2, 1));
  EXPECT_EQ(window.image(1).channels(2, 3).pixel(0, 1, 1), tensor.view().pixel(1, 2, 3) + 2);
  EXPECT_EQ(tensor.view().rows(4, 4).shape.count(), 0);
  EXPECT_EQ(error_of([&] { static_cast<void>(window.rows(1, 4)); }),
            "rows [1, 4) of a view with 3 rows");
  EXPECT_EQ(error_of([&] { static_cast<void>(window.columns(-1, 1)); }),
            "columns [-1, 1) of a view with 2 columns");
  EXPECT_EQ(error_of([&] { static_cast<void>(window.window(0, 1, 1, 2)); }),
            "columns [1, 3) of a view with 2 columns");
  EXPECT_EQ(error_of([&] {
              static_cast<void>(window.window(std::numeric_limits<std::int64_t>::max(), 0, 1, 1));
            }),
            "rows: 9223372036854775807 + 1 is not a valid size");
}

TEST(View, IsGaplessWhereAllPixelsAreEvenlySpaced) {
  Tensor tensor = counting({2, 4, 5, 3});
  const View whole = tensor.view();
  EXPECT_TRUE(whole.gapless() && whole.dense());
  EXPECT_TRUE(whole.channels(0, 2).gapless());
  EXPECT_FALSE(whole.channels(0, 2).dense());
  EXPECT_FALSE(whole.rows(0, 2).gapless());  // the images are apart
  EXPECT_TRUE(whole.image(1).rows(1, 3).dense());
  EXPECT_FALSE(whole.columns(0, 2).gapless());
  EXPECT_TRUE(whole.image(1).window(2, 1, 1, 3).dense());  // of one row
  EXPECT_FALSE(whole.window(2, 1, 1, 3).gapless());
}

TEST(View, RunsOfPixelsAreEvenlySpacedInAllViews) {
  Tensor tensor = counting({2, 4, 5, 3});
  const View whole = tensor.view();
  EXPECT_EQ(pixels_of_run(whole, whole.channels(0, 1)), 40);
  const View columns = whole.columns(1, 4);
  EXPECT_EQ(pixels_of_run(columns), 3);
  std::vector<const float*> seen;
  for_each_run(2, 8, pixels_of_run(columns), [&](std::int64_t first, std::int64_t count) {
    EXPECT_LE(first % 3 + count, 3);
    for (std::int64_t i = 0; i < count; ++i) {
      seen.push_back(columns.pixel(first) + i * columns.pixel_stride);
    }
  });
  ASSERT_EQ(seen.size(), 6);
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(seen[static_cast<std::size_t>(i)], columns.pixel(0, (i + 2) / 3, (i + 2) % 3));
  }
}

TEST(View, CopyFillAndNchwHonourGapsBetweenRowsAndImages) {
  const Nhwc shape{2, 2, 3, 4};
  const Tensor values = counting(shape);
  Tensor around({2, 4, 5, 6});
  fill(around.view(), -1);
  const View window = around.view().window(1, 1, 2, 3).channels(1, 5);
  copy(values.view(), window);
  EXPECT_EQ(test::checksum(window), test::checksum(values.view()));
  std::vector<float> nchw(values.values().size());
  to_nchw(window, nchw);
  EXPECT_EQ(nchw[1 * 6 + 1 * 3 + 2], 21);  // image 0, channel 1, row 1, column 2
  fill(window, 0);
  from_nchw(nchw, window);
  EXPECT_EQ(test::checksum(window), test::checksum(values.view()));
  fill(window, 0);
  EXPECT_EQ(std::ranges::count(around.values(), 0.0F), shape.count());
  EXPECT_EQ(std::ranges::count(around.values(), -1.0F),
            around.view().shape.count() - shape.count());
  EXPECT_EQ(
      error_of([&] {
        static_cast<void>(window.reshaped({2, 3, 2, 4}));
      }),
      "cannot reshape a view with gaps between rows or images, of shape [n 2, h 2, w 3, c 4], "
      "to [n 2, h 3, w 2, c 4]");
}

TEST(View, CopyAndFillHonourTheStride) {
  const Tensor values = counting({2, 2, 3, 4});
  test::Sliced sliced({2, 2, 3, 4});
  copy(values.view(), sliced.view());
  EXPECT_TRUE(sliced.margins_untouched());
  const Tensor back = Tensor::copy_of(sliced.view());
  EXPECT_TRUE(std::equal(back.values().begin(), back.values().end(), values.values().begin()));
  fill(sliced.view(), 7);
  EXPECT_TRUE(sliced.margins_untouched());
  const Tensor filled = Tensor::copy_of(sliced.view());
  for (float value : filled.values()) EXPECT_EQ(value, 7);
  EXPECT_EQ(error_of([&] {
              copy(values.view(), Tensor({2, 2, 3, 5}).view());
            }),
            "copy: expected [n 2, h 2, w 3, c 5], got [n 2, h 2, w 3, c 4]");
}

TEST(Nchw, IsTheTransposeAtTheBorder) {
  // Element (n, c, y, x) is 1000 n + 100 c + 10 y + x in both layouts.
  const Nhwc shape{2, 3, 4, 5};
  std::vector<float> nchw;
  for (int n = 0; n < 2; ++n) {
    for (int c = 0; c < 5; ++c) {
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 4; ++x)
          nchw.push_back(static_cast<float>(1000 * n + 100 * c + 10 * y + x));
      }
    }
  }
  test::Sliced sliced(shape);
  from_nchw(nchw, sliced.view());
  EXPECT_TRUE(sliced.margins_untouched());
  EXPECT_EQ(sliced.view().pixel(1, 2, 3)[4], 1423);
  EXPECT_EQ(sliced.view().pixel(0, 1, 2)[3], 312);
  std::vector<float> back(nchw.size());
  to_nchw(sliced.view(), back);
  EXPECT_EQ(back, nchw);
  EXPECT_EQ(error_of([&] { to_nchw(sliced.view(), std::span(back).first(7)); }),
            "expected 120 values for [n 2, h 3, w 4, c 5], got 7");
}

}  // namespace
}  // namespace hewn
