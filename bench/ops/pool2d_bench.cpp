#include "hewn/ops/pool2d/pool2d.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

using Pool = void (*)(ConstView, const Pool2dParams&, View, Context&);

void add(const std::string& name, Pool pool, const Nhwc& shape, const Pool2dParams& params) {
  add_benchmark(name, [=](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor(shape);
    Tensor y(pool2d_output_shape(shape, params));
    const auto floats = static_cast<double>(shape.count() + y.shape().count());
    measure(state, ctx, {.flops = 0, .bytes = sizeof(float) * floats},
            [&] { pool(x.view(), params, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  const Pool2dParams halve{.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2};
  add("max_pool2d/480x640x64/2x2s2", max_pool2d, {1, 480, 640, 64}, halve);
  add("max_pool2d/120x160x128/2x2s2", max_pool2d, {1, 120, 160, 128}, halve);
  add("avg_pool2d/480x640x64/2x2s2", avg_pool2d, {1, 480, 640, 64}, halve);
  // Non-maximum suppression of SuperPoint's heat map runs the first of these five times a picture.
  for (const std::int64_t radius : {4, 8, 16}) {
    const std::int64_t kernel = 2 * radius + 1;
    add("max_pool2d/480x640x1/" + std::to_string(kernel) + "x" + std::to_string(kernel) + "s1",
        max_pool2d, {1, 480, 640, 1},
        {.kernel_h = kernel, .kernel_w = kernel, .padding_h = radius, .padding_w = radius});
  }
}

}  // namespace hewn::bench
