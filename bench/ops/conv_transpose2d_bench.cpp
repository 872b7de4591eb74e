#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/runtime/error.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(std::int64_t side, std::int64_t in, std::int64_t out) {
  add_benchmark(text_of("conv_transpose2d/", side, "x", side, "x", in, "/", out),
                [=](benchmark::State& state, Context& ctx) {
                  test::Random random(1);
                  const Shape shape{in, out, 4, 4};
                  const auto weight = random.values(shape.count());
                  const PackedConvTranspose2d conv(
                      "up", {.stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1},
                      {.shape = shape, .weight = weight});
                  const Tensor x = random.tensor({1, side, side, in});
                  Tensor y(conv.output_shape(x.shape()));
                  const auto weights = static_cast<double>(shape.count());
                  const auto floats = static_cast<double>(x.shape().count() + y.shape().count());
                  measure(state, ctx,
                          {.flops = 2 * weights * static_cast<double>(x.shape().pixels()),
                           .bytes = sizeof(float) * (floats + weights)},
                          [&] { conv_transpose2d(x.view(), conv, y.view(), ctx); });
                });
}

}  // namespace

void register_benchmarks() {
  // The completion network's two 4×4 layers with stride 2, for a picture of 256×256.
  add(64, 256, 128);
  add(128, 128, 64);
}

}  // namespace hewn::bench
