#include "hewn/ops/grid_sample/grid_sample.h"

#include <memory>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

/// A grid that turns and shrinks the picture a little, as a homography does: neighbours in the
/// output are near each other in the picture.
Tensor turned_grid(std::int64_t h, std::int64_t w) {
  Tensor grid({1, h, w, 2});
  for (std::int64_t i = 0; i < h; ++i) {
    for (std::int64_t j = 0; j < w; ++j) {
      const float x = 2 * static_cast<float>(j) / static_cast<float>(w) - 1;
      const float y = 2 * static_cast<float>(i) / static_cast<float>(h) - 1;
      float* at = grid.view().pixel(0, i, j);
      at[0] = 0.9F * x - 0.1F * y;
      at[1] = 0.1F * x + 0.9F * y;
    }
  }
  return grid;
}

void add(const std::string& name, const Nhwc& from, const Tensor& at, GridSampleParams::Mode mode) {
  const auto grid = std::make_shared<Tensor>(Tensor::copy_of(at.view()));
  add_benchmark(name, [=](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor(from);
    Tensor y({from.n, grid->shape().h, grid->shape().w, from.c});
    const auto floats =
        static_cast<double>(from.count() + grid->shape().count() + y.shape().count());
    measure(state, ctx, {.flops = 0, .bytes = sizeof(float) * floats},
            [&] { grid_sample(x.view(), grid->view(), {.mode = mode}, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  using Mode = GridSampleParams::Mode;
  // Homographic adaptation warps pictures and heat maps.
  const Tensor warp = turned_grid(480, 640);
  add("grid_sample/nearest/480x640x1", {1, 480, 640, 1}, warp, Mode::nearest);
  add("grid_sample/bilinear/480x640x1", {1, 480, 640, 1}, warp, Mode::bilinear);
  add("grid_sample/bicubic/480x640x1", {1, 480, 640, 1}, warp, Mode::bicubic);
  // Descriptors at a thousand keypoints.
  add("grid_sample/bilinear/60x80x256/1000", {1, 60, 80, 256}, turned_grid(1, 1000),
      Mode::bilinear);
}

}  // namespace hewn::bench
