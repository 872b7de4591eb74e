#include "hewn/ops/softmax/softmax.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(const std::string& name, const Nhwc& shape) {
  add_benchmark("softmax/" + name, [shape](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor(shape, -5, 5);
    Tensor y(shape);
    const auto count = static_cast<double>(shape.count());
    measure(state, ctx, {.flops = 0, .bytes = 2 * sizeof(float) * count},
            [&] { softmax(x.view(), y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  add("60x80x65", {1, 60, 80, 65});  // SuperPoint's detector at 480×640
  add("197x197", {1, 1, 197, 197});  // one head of a vision transformer's attention
  add("1000", {1, 1, 1, 1000});
}

}  // namespace hewn::bench
