#include "hewn/ops/resize/resize.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(const std::string& name, const Nhwc& from, const Nhwc& to, ResizeParams::Mode mode) {
  add_benchmark(name, [=](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor(from);
    Tensor y(to);
    const auto floats = static_cast<double>(from.count() + to.count());
    measure(state, ctx, {.flops = 0, .bytes = sizeof(float) * floats},
            [&] { resize(x.view(), {.mode = mode}, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  using Mode = ResizeParams::Mode;
  const Nhwc picture{1, 960, 1280, 1};
  const Nhwc half{1, 480, 640, 1};
  add("resize/nearest/960x1280x1/480x640", picture, half, Mode::nearest);
  add("resize/bilinear/960x1280x1/480x640", picture, half, Mode::bilinear);
  add("resize/bicubic/960x1280x1/480x640", picture, half, Mode::bicubic);
  // SuperPoint's dense descriptors.
  add("resize/bicubic/60x80x256/480x640", {1, 60, 80, 256}, {1, 480, 640, 256}, Mode::bicubic);
  add("resize/bilinear/60x80x256/480x640", {1, 60, 80, 256}, {1, 480, 640, 256}, Mode::bilinear);
}

}  // namespace hewn::bench
