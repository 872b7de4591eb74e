#include "hewn/ops/depth_to_space/depth_to_space.h"

#include "hewn/ops/depth_to_space/depth_to_space_reference.h"
#include "hewn/runtime/error.h"

#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

void check(const Nhwc& shape, std::int64_t block) {
  SCOPED_TRACE(text_of("x ", shape, " block ", block));
  Random random(1);
  const Tensor x = random.tensor(shape);
  const Nhwc out = depth_to_space_output_shape(shape, block);
  const auto expected = depth_to_space_reference(x.view(), block);
  const std::vector<double> exact(expected.size(), 0);
  for (int threads : {1, 2, 5}) {
    Context ctx({.threads = threads, .isa = default_isa()});
    test::Sliced sliced_x(shape, &x);
    test::Sliced sliced_y(out);
    Tensor y(out);
    depth_to_space(x.view(), block, y.view(), ctx);
    EXPECT_TRUE(test::all_within(y.view(), expected, exact));
    depth_to_space(sliced_x.view(), block, y.view(), ctx);
    EXPECT_TRUE(test::all_within(y.view(), expected, exact)) << "slice in";
    depth_to_space(sliced_x.view(), block, sliced_y.view(), ctx);
    EXPECT_TRUE(test::all_within(sliced_y.view(), expected, exact)) << "slices in and out";
    EXPECT_TRUE(sliced_y.margins_untouched());
  }
}

TEST(DepthToSpace, AgreesWithTheReference) {
  for (std::int64_t block : {1, 2, 3, 4, 8}) {
    for (std::int64_t channels : {1, 2, 15, 16, 17}) {
      check({2, 3, 5, channels * block * block}, block);
      check({1, 1, 1, channels * block * block}, block);
    }
  }
}

TEST(DepthToSpace, OrdersChannelsAsPixelShuffle) {
  // torch.pixel_shuffle(torch.arange(8).reshape(1, 8, 1, 1), 2)
  Tensor x({1, 1, 1, 8});
  for (std::size_t i = 0; i < 8; ++i) x.values()[i] = static_cast<float>(i);
  Tensor y({1, 2, 2, 2});
  Context ctx;
  depth_to_space(x.view(), 2, y.view(), ctx);
  const std::vector<float> expected{0, 4, 1, 5, 2, 6, 3, 7};
  EXPECT_EQ(std::vector<float>(y.values().begin(), y.values().end()), expected);
}

TEST(DepthToSpace, EmptyGivesEmpty) {
  Context ctx;
  for (const Nhwc& shape : {Nhwc{0, 2, 2, 4}, Nhwc{1, 0, 2, 4}, Nhwc{1, 2, 2, 0}}) {
    const Tensor x(shape);
    Tensor y(depth_to_space_output_shape(shape, 2));
    EXPECT_NO_THROW(depth_to_space(x.view(), 2, y.view(), ctx));
  }
}

TEST(DepthToSpace, NamesWhatIsWrong) {
  const auto message = [](const Nhwc& x, std::int64_t block) {
    return test::error_of([&] { depth_to_space_output_shape(x, block); });
  };
  EXPECT_EQ(message({1, 2, 2, 6}, 2), "depth_to_space: expected a multiple of 4 channels, got 6");
  EXPECT_EQ(message({1, 2, 2, 6}, 0), "depth_to_space: expected a block of at least 1, got 0");
  EXPECT_THROW(depth_to_space_output_shape({1, 2, 2, 4}, std::int64_t{1} << 32U), Error);
  const Tensor x({1, 2, 2, 4});
  Tensor y({1, 4, 4, 4});
  Context ctx;
  EXPECT_THROW(depth_to_space(x.view(), 2, y.view(), ctx), Error);
}

}  // namespace
}  // namespace hewn
