#include "hewn/ops/correlation/correlation.h"
#include "hewn/runtime/error.h"

#include <cmath>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

/// Either RAFT on pictures of 440×1024: maps of 55×128 pixels, four levels.
struct Layer {
  std::string name;
  std::int64_t channels;
  CorrelationParams params;

  Nhwc features() const { return {1, 55, 128, channels}; }
  Nhwc samples() const {
    const std::int64_t side = 2 * params.radius + 1;
    return {1, 55, 128, params.levels * side * side};
  }
  std::string bench(const char* what) const {
    const bool all_pairs = params.form == CorrelationForm::all_pairs;
    return text_of("correlation/", name, "/", all_pairs ? "all_pairs" : "on_demand", "/", what);
  }
};

/// Motions of up to five pixels that hardly differ between neighbours, as those of a picture do,
/// all of them moved by `step`.
Tensor smooth_flow(const Nhwc& features, float step) {
  Tensor flow({features.n, features.h, features.w, 2});
  for (std::int64_t i = 0; i < features.h; ++i) {
    for (std::int64_t j = 0; j < features.w; ++j) {
      float* at = flow.view().pixel(0, i, j);
      at[0] = 5 * std::sin(0.05F * static_cast<float>(i + j)) + step;
      at[1] = 5 * std::cos(0.07F * static_cast<float>(i - j)) - step;
    }
  }
  return flow;
}

/// The inner products that have to be had: of all pairs, or those of all windows, which are a row
/// and a column wider than the samples.
double products(const Layer& layer) {
  const Nhwc s = layer.features();
  const std::int64_t window = 2 * layer.params.radius + 2;
  std::int64_t each = 0;
  for (std::int64_t l = 0; l < layer.params.levels; ++l) {
    const bool all_pairs = layer.params.form == CorrelationForm::all_pairs;
    each += all_pairs ? (s.h >> l) * (s.w >> l) : window * window;
  }
  return static_cast<double>(s.pixels() * each);
}

/// What has to be computed: inner products, their samples, or both.
Work work(const Layer& layer, bool build, bool lookup) {
  const auto features = static_cast<double>(layer.features().count());
  const auto samples = static_cast<double>(layer.samples().count());
  Work work{.flops = 0, .bytes = 0};
  if (build) {
    work.flops += 2 * products(layer) * static_cast<double>(layer.channels);
    work.bytes += sizeof(float) * (2 * features + products(layer));
  }
  if (lookup) {
    work.flops += 7 * samples;
    work.bytes += 2 * sizeof(float) * samples;
  }
  return work;
}

/// All products, or on demand those of a first lookup.
void add_build(const Layer& layer) {
  const bool lookup = layer.params.form == CorrelationForm::on_demand;
  add_benchmark(layer.bench(lookup ? "build_and_first_lookup" : "build"),
                [=](benchmark::State& state, Context& ctx) {
                  test::Random random(1);
                  const Tensor a = random.tensor(layer.features());
                  const Tensor b = random.tensor(layer.features());
                  const Tensor flow = smooth_flow(layer.features(), 0);
                  Tensor y(layer.samples());
                  measure(state, ctx, work(layer, true, lookup), [&] {
                    const Arena::Scope scope(ctx.arena());
                    Correlation correlation(a.view(), b.view(), layer.params, ctx);
                    if (lookup) correlation.lookup(flow.view(), y.view(), ctx);
                  });
                });
}

/// Lookups of a flow that changes from one to the next by `step` pixels, there and back.
void add_lookup(const Layer& layer, const char* what, float step) {
  add_benchmark(layer.bench(what), [=](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const Tensor a = random.tensor(layer.features());
    const Tensor b = random.tensor(layer.features());
    const Tensor flows[] = {smooth_flow(layer.features(), 0), smooth_flow(layer.features(), step)};
    Tensor y(layer.samples());
    const Arena::Scope scope(ctx.arena());
    Correlation correlation(a.view(), b.view(), layer.params, ctx);
    correlation.lookup(flows[1].view(), y.view(), ctx);
    std::size_t turn = 0;
    measure(state, ctx, work(layer, false, true), [&] {
      correlation.lookup(flows[turn].view(), y.view(), ctx);
      turn = 1 - turn;
    });
  });
}

void add(const std::string& name, std::int64_t channels, std::int64_t radius) {
  Layer layer{.name = name, .channels = channels, .params = {.radius = radius}};
  add_build(layer);
  add_lookup(layer, "lookup", 0.2F);
  layer.params.form = CorrelationForm::on_demand;
  add_build(layer);
  add_lookup(layer, "lookup_unchanged", 0);
  add_lookup(layer, "lookup_moved", 0.2F);
}

}  // namespace

void register_benchmarks() {
  add("raft", 256, 4);
  add("raft_small", 128, 3);
}

}  // namespace hewn::bench
