#include "hewn/ops/topk/topk.h"

#include <vector>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

void add(std::int64_t count, std::int64_t k) {
  add_benchmark("topk/" + std::to_string(k) + "of" + std::to_string(count),
                [=](benchmark::State& state, Context& ctx) {
                  const std::vector<float> values = test::Random(1).values(count);
                  std::vector<float> top(static_cast<std::size_t>(k));
                  std::vector<std::int64_t> indices(top.size());
                  measure(state, ctx,
                          {.flops = 0, .bytes = sizeof(float) * static_cast<double>(count)},
                          [&] { topk(values, k, top, indices, ctx); });
                });
}

}  // namespace

void register_benchmarks() {
  add(5'000, 1'000);
  add(480 * 640, 1'000);
  add(480 * 640, 480 * 640);
}

}  // namespace hewn::bench
