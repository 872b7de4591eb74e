#include "hewn/ops/matmul/matmul.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(const std::string& name, const Nhwc& a_shape, const Nhwc& b_shape, bool transpose_b) {
  add_benchmark("matmul/" + name, [=](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const MatmulParams params{.transpose_b = transpose_b};
    const Tensor a = random.tensor(a_shape);
    const Tensor b = random.tensor(b_shape);
    Tensor y(matmul_shape(a_shape, b_shape, params));
    const auto products = static_cast<double>(y.shape().count() * a_shape.c);
    const auto floats = static_cast<double>(a_shape.count() + b_shape.count() + y.shape().count());
    measure(state, ctx, {.flops = 2 * products, .bytes = sizeof(float) * floats},
            [&] { matmul(a.view(), b.view(), params, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  add("512x512x512", {1, 1, 512, 512}, {1, 1, 512, 512}, false);
  // Attention of a vision transformer, 12 heads of 64: scores, then their product with the values.
  add("12x197x64x197,transposed", {12, 1, 197, 64}, {12, 1, 197, 64}, true);
  add("12x197x197x64", {12, 1, 197, 197}, {12, 1, 197, 64}, false);
  // All descriptors of one picture against those of another.
  add("1000x256x1000,transposed", {1, 1, 1000, 256}, {1, 1, 1000, 256}, true);
}

}  // namespace hewn::bench
