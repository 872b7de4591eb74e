#include "hewn/ops/gru/conv_gru.h"
#include "hewn/ops/gru/gru.h"
#include "hewn/runtime/error.h"

#include <cstddef>
#include <span>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

/// A convolutional unit of RAFT on pictures of 440×1024.
struct Unit {
  std::string name;
  std::int64_t hidden, constants, inputs;  // `inputs` change from step to step
  std::int64_t kernel_h, kernel_w;
};

PackedConvGru random_unit(const Unit& u, test::Random& random) {
  const Shape shape{u.hidden, u.hidden + u.constants + u.inputs, u.kernel_h, u.kernel_w};
  const auto weight = random.values(3 * shape.count(), -0.02F, 0.02F);
  const auto bias = random.values(3 * u.hidden);
  const auto gate = [&](std::size_t index) -> ConvGruWeights::Gate {
    const auto count = static_cast<std::size_t>(shape.count());
    const auto outputs = static_cast<std::size_t>(u.hidden);
    return {.weight = std::span(weight).subspan(index * count, count),
            .bias = std::span(bias).subspan(index * outputs, outputs)};
  };
  return {u.name, {.shape = shape, .z = gate(0), .r = gate(1), .q = gate(2)}, u.constants};
}

/// One step; the constant part has been computed before.
void run_conv_gru(benchmark::State& state, Context& ctx, const Unit& u) {
  test::Random random(1);
  const PackedConvGru gru = random_unit(u, random);
  Tensor maps = random.tensor({1, 55, 128, gru.state_channels()});
  const Tensor constants = random.tensor({1, 55, 128, 3 * u.hidden});
  const std::int64_t weights = 3 * u.hidden * (u.hidden + u.inputs) * u.kernel_h * u.kernel_w;
  const auto pixels = static_cast<double>(maps.shape().pixels());
  const auto floats =
      static_cast<double>(maps.shape().count() + constants.shape().count() + weights);
  measure(state, ctx,
          {.flops = 2 * static_cast<double>(weights) * pixels, .bytes = sizeof(float) * floats},
          [&] { conv_gru(maps.view(), constants.view(), gru, ctx); });
}

void add_conv_gru(const Unit& unit) {
  add_benchmark(text_of("conv_gru/", unit.name, "/55x128"),
                [=](benchmark::State& state, Context& ctx) { run_conv_gru(state, ctx, unit); });
}

/// Sequences of vectors, of which the inputs are as many as the hidden ones.
void add_gru(std::int64_t sequences, std::int64_t steps, std::int64_t width) {
  add_benchmark(text_of("gru/", sequences, "x", steps, "x", width), [=](benchmark::State& state,
                                                                        Context& ctx) {
    test::Random random(1);
    const Shape shape{3 * width, width};
    const auto weight_ih = random.values(shape.count(), -0.1F, 0.1F);
    const auto weight_hh = random.values(shape.count(), -0.1F, 0.1F);
    const auto bias = random.values(3 * width);
    const PackedGru layer("gru", {.shape_ih = shape,
                                  .weight_ih = weight_ih,
                                  .weight_hh = weight_hh,
                                  .bias_ih = bias,
                                  .bias_hh = bias});
    const Tensor x = random.tensor({sequences, 1, steps, width});
    const Tensor h = random.tensor({sequences, 1, 1, width});
    Tensor y(x.shape());
    const auto weights = static_cast<double>(2 * shape.count());
    const auto rows = static_cast<double>(x.shape().pixels());
    const auto floats = 2 * static_cast<double>(x.shape().count()) + weights;
    measure(state, ctx, {.flops = 2 * weights * rows, .bytes = sizeof(float) * floats},
            [&] { gru(x.view(), h.view(), layer, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  // Hidden, constant and changing channels, and the kernel.
  add_conv_gru({"raft/1x5", 128, 128, 128, 1, 5});
  add_conv_gru({"raft/5x1", 128, 128, 128, 5, 1});
  add_conv_gru({"raft_small/3x3", 96, 64, 82, 3, 3});
  add_gru(1, 100, 256);
  add_gru(64, 10, 256);
}

}  // namespace hewn::bench
