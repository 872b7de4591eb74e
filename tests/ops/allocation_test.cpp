#include "hewn/ops/conv2d/conv2d.h"

#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/compare.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

TEST(Allocations, AreCounted) {
  test::Random random(1);
  const std::int64_t before = test::allocations();
  const std::vector<float> values = random.values(100);
  const Tensor tensor({1, 1, 1, 100});
  EXPECT_EQ(test::allocations(), before + 2);
}

TEST(Allocations, ASecondRunOfTheSameSizeMakesNone) {
  test::Random random(1);
  const Tensor x = random.tensor({1, 20, 21, 17});
  const Shape shape{33, 17, 3, 3};
  const std::vector<float> weight = random.values(shape.count());
  const PackedConv2d conv("test",
                          {.padding_h = 1, .padding_w = 1, .activation = Activation::relu()},
                          {.shape = shape, .weight = weight});
  for (Isa isa : test::usable_isas()) {
    Context ctx({.threads = 1, .isa = isa});
    const auto run = [&] {
      const Arena::Scope scope(ctx.arena());
      const View y = ctx.arena().view(conv.output_shape(x.shape()));
      conv2d(x.view(), conv, y, ctx);
    };
    run();
    const std::int64_t from_new = test::allocations();
    const std::int64_t by_arena = ctx.arena().system_allocations();
    run();
    EXPECT_EQ(test::allocations(), from_new) << isa_name(isa);
    EXPECT_EQ(ctx.arena().system_allocations(), by_arena) << isa_name(isa);
  }
}

}  // namespace
}  // namespace hewn
