#include "hewn/ops/matmul/matmul.h"

#include "hewn/ops/matmul/matmul_reference.h"

#include <cmath>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

struct Case {
  std::int64_t a_batch = 1, b_batch = 1;
  std::int64_t rows, depth, columns;
};

Tensor absolute(const Tensor& x) {
  Tensor y = Tensor::copy_of(x.view());
  for (float& value : y.values()) value = std::abs(value);
  return y;
}

void check(const Case& c, bool transpose_b, std::uint64_t seed) {
  SCOPED_TRACE(text_of("batch ", c.a_batch, " and ", c.b_batch, " rows ", c.rows, " depth ",
                       c.depth, " columns ", c.columns, transpose_b ? " transposed" : ""));
  test::Random random(seed);
  const MatmulParams params{.transpose_b = transpose_b};
  const Tensor a = random.tensor({c.a_batch, 1, c.rows, c.depth});
  const Tensor b = random.tensor(transpose_b ? Nhwc{c.b_batch, 1, c.columns, c.depth}
                                             : Nhwc{c.b_batch, 1, c.depth, c.columns});
  const auto expected = matmul_reference(a.view(), b.view(), params);
  // A chain of n fused multiply-adds is off by at most n·u·Σ|terms| (Higham, 2002, section 3.1);
  // SSE4.2 rounds the products too.
  auto bound = matmul_reference(absolute(a).view(), absolute(b).view(), params);
  for (double& value : bound) value *= static_cast<double>(c.depth + 1) * test::kUnitRoundoff;

  const Nhwc shape = matmul_shape(a.shape(), b.shape(), params);
  test::Sliced sliced_b(b.shape(), &b);
  for (ConstView any_b : {b.view(), ConstView(sliced_b.view())}) {
    test::check_every_way(
        a, shape, expected, bound, test::InPlace::forbidden,
        [&](ConstView from, View to, Context& ctx) { matmul(from, any_b, params, to, ctx); });
  }
}

TEST(Matmul, AgreesWithTheReferenceAroundTheEdgesOfTiles) {
  std::uint64_t seed = 1;
  for (std::int64_t rows : {1, 2, 5, 6, 7, 12, 13, 25}) {
    for (std::int64_t columns : {1, 15, 16, 17, 32, 33, 65}) {
      for (bool transpose_b : {false, true}) {
        check({.rows = rows, .depth = 9, .columns = columns}, transpose_b, seed++);
      }
    }
  }
}

TEST(Matmul, MultipliesBatches) {
  for (bool transpose_b : {false, true}) {
    check({.a_batch = 3, .b_batch = 3, .rows = 7, .depth = 31, .columns = 18}, transpose_b, 1);
    check({.a_batch = 3, .b_batch = 1, .rows = 7, .depth = 31, .columns = 18}, transpose_b, 2);
    check({.a_batch = 1, .b_batch = 3, .rows = 7, .depth = 31, .columns = 18}, transpose_b, 3);
  }
}

TEST(Matmul, SplitsManyRowsAndManyColumns) {
  check({.rows = 401, .depth = 20, .columns = 40}, false, 1);
  check({.rows = 3, .depth = 300, .columns = 500}, true, 2);
}

TEST(Matmul, TakesEmptyMatrices) {
  for (bool transpose_b : {false, true}) {
    check({.rows = 5, .depth = 0, .columns = 17}, transpose_b, 1);  // gives zeros
    check({.rows = 0, .depth = 4, .columns = 17}, transpose_b, 2);
    check({.rows = 5, .depth = 4, .columns = 0}, transpose_b, 3);
    check({.a_batch = 0, .b_batch = 1, .rows = 5, .depth = 4, .columns = 3}, transpose_b, 4);
    check({.a_batch = 0, .b_batch = 0, .rows = 5, .depth = 4, .columns = 3}, transpose_b, 5);
  }
}

TEST(Matmul, AsksForNoMemoryTheSecondTime) {
  test::Random random(1);
  const Tensor a = random.tensor({1, 1, 50, 70});
  const Tensor b = random.tensor({1, 1, 70, 90});
  Tensor y(matmul_shape(a.shape(), b.shape()));
  Context ctx({.threads = 2});
  matmul(a.view(), b.view(), y.view(), ctx);
  const std::int64_t before = ctx.arena().system_allocations();
  matmul(a.view(), b.view(), y.view(), ctx);
  EXPECT_EQ(ctx.arena().system_allocations(), before);
}

TEST(Matmul, NamesWhatIsWrong) {
  const auto message = [](const Nhwc& a, const Nhwc& b, bool transpose_b) {
    return test::error_of([&] { matmul_shape(a, b, {.transpose_b = transpose_b}); });
  };
  const Nhwc b{1, 1, 4, 6};
  EXPECT_EQ(message({1, 1, 2, 3}, b, false),
            text_of("matmul: expected a second matrix of depth 3, got 4 in ", b));
  EXPECT_EQ(message({1, 1, 2, 3}, b, true),
            text_of("matmul: expected a second matrix of depth 3, got 6 in ", b, ", transposed"));
  EXPECT_EQ(message({2, 1, 2, 4}, {3, 1, 4, 6}, false),
            "matmul: expected equal batches, or one of 1, got 2 and 3");
  const Nhwc tall{1, 2, 2, 4};
  EXPECT_EQ(message(tall, b, false),
            text_of("matmul: expected matrices, of height 1, got ", tall, " and ", b));
  Context ctx({.threads = 1});
  const Tensor x({1, 1, 2, 2});
  Tensor y({1, 1, 2, 3});
  EXPECT_EQ(test::error_of([&] { matmul(x.view(), x.view(), y.view(), ctx); }),
            text_of("matmul: expected an output of ", x.shape(), ", got ", y.shape()));
}

}  // namespace
}  // namespace hewn
