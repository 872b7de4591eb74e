#include "hewn/ops/layer_norm/layer_norm.h"
#include "hewn/runtime/error.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(std::int64_t tokens, std::int64_t width) {
  add_benchmark(
      text_of("layer_norm/", tokens, "x", width), [=](benchmark::State& state, Context& ctx) {
        test::Random random(1);
        const auto weight = random.values(width);
        const auto bias = random.values(width);
        const Tensor x = random.tensor({1, 1, tokens, width});
        Tensor y(x.shape());
        const auto count = static_cast<double>(x.shape().count());
        measure(state, ctx, {.flops = 10 * count, .bytes = 2 * sizeof(float) * count},
                [&] { layer_norm(x.view(), {.weight = weight, .bias = bias}, y.view(), ctx); });
      });
}

}  // namespace

void register_benchmarks() {
  add(197, 768);   // a picture in CLIP ViT-B/16
  add(1576, 768);  // eight of them
  add(400, 512);   // the prompts of a hundred labels
  add(577, 1024);  // a picture in ViT-L/14 at 336 × 336
}

}  // namespace hewn::bench
