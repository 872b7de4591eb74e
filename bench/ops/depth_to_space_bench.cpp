#include "hewn/ops/depth_to_space/depth_to_space.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(const std::string& name, const Nhwc& shape, std::int64_t channels, std::int64_t block) {
  add_benchmark(name, [=](benchmark::State& state, Context& ctx) {
    const Tensor wide = test::Random(1).tensor(shape);
    const ConstView x = wide.view().channels(0, channels);
    Tensor y(depth_to_space_output_shape(x.shape, block));
    const auto floats = static_cast<double>(y.shape().count());
    measure(state, ctx, {.flops = 0, .bytes = 2 * sizeof(float) * floats},
            [&] { depth_to_space(x, block, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  // SuperPoint's heat map: 64 of 65 channels, the last being the dustbin.
  add("depth_to_space/60x80x64of65/8", {1, 60, 80, 65}, 64, 8);
  add("depth_to_space/120x160x128/2", {1, 120, 160, 128}, 128, 2);
}

}  // namespace hewn::bench
