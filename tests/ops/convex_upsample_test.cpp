#include "hewn/ops/convex_upsample/convex_upsample.h"

#include "hewn/ops/convex_upsample/convex_upsample_reference.h"

#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

void check(const Nhwc& flow_shape, std::int64_t factor, std::uint64_t seed) {
  SCOPED_TRACE(text_of("flow ", flow_shape, " factor ", factor));
  test::Random random(seed);
  const Tensor flow = random.tensor(flow_shape, -3, 3);
  const Nhwc& s = flow_shape;
  const Tensor logits = random.tensor({s.n, s.h, s.w, 9 * factor * factor}, -4, 4);
  const auto expected = convex_upsample_reference(flow.view(), logits.view(), factor);
  // A difference of logits up to 8 is rounded by 4u, so its exponential is 4u + 1.1 ulp off; nine
  // terms are added up twice, with a product, scaled before and divided after.
  const double roundings = 2 * (4 + 2 * 1.1 + 9) + 3;
  const double largest = 3 * static_cast<double>(factor);
  const std::vector<double> bound(expected.size(), roundings * test::kUnitRoundoff * largest);
  test::check_every_way(flow, {s.n, factor * s.h, factor * s.w, 2}, expected, bound,
                        test::InPlace::forbidden, [&](ConstView from, View to, Context& ctx) {
                          convex_upsample(from, logits.view(), factor, to, ctx);
                        });
}

TEST(ConvexUpsample, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (const std::int64_t factor : {1, 2, 3, 4, 5, 8}) {
    check({1, 1, 1, 2}, factor, seed++);
    check({2, 3, 5, 2}, factor, seed++);
    check({1, 6, 1, 2}, factor, seed++);
  }
  check({0, 2, 2, 2}, 8, seed++);
}

TEST(ConvexUpsample, OneLargeLogitTakesItsNeighbour) {
  // Neighbour 5 in reading order is the pixel on the right.
  Tensor flow({1, 1, 2, 2});
  fill(flow.view(), 0);
  flow.values()[2] = 3;
  flow.values()[3] = -1;
  Tensor logits({1, 1, 2, 9 * 4});
  fill(logits.view(), 0);
  logits.values()[5 * 4 + 2] = 1000;  // the left pixel's lower left fine one
  Context ctx({.threads = 1});
  Tensor y({1, 2, 4, 2});
  convex_upsample(flow.view(), logits.view(), 2, y.view(), ctx);
  EXPECT_EQ(y.view().pixel(0, 1, 0)[0], 6);
  EXPECT_EQ(y.view().pixel(0, 1, 0)[1], -2);
}

TEST(ConvexUpsample, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor flow({1, 2, 2, 2});
  const Tensor three({1, 2, 2, 3});
  const Tensor logits({1, 2, 2, 36});
  Tensor y({1, 4, 4, 2});
  const auto message = [&](const Tensor& f, const Tensor& l, std::int64_t factor, Tensor& to) {
    return test::error_of([&] { convex_upsample(f.view(), l.view(), factor, to.view(), ctx); });
  };
  EXPECT_EQ(message(flow, logits, 0, y), "convex_upsample: factor: expected 1 to 32767, got 0");
  EXPECT_EQ(message(three, logits, 2, y),
            text_of("convex_upsample: expected a flow of 2 channels, got ", three.shape()));
  EXPECT_EQ(message(flow, three, 2, y), text_of("convex_upsample: expected logits of ",
                                                logits.shape(), ", got ", three.shape()));
  Tensor small({1, 2, 4, 2});
  EXPECT_EQ(message(flow, logits, 2, small),
            text_of("convex_upsample: expected an output of ", y.shape(), ", got ", small.shape()));
}

}  // namespace
}  // namespace hewn
