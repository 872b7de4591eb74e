#include "bench/support/bench.h"

#include "hewn/runtime/error.h"

#include "bench/support/peak.h"

namespace hewn::bench {

void add_benchmark(const std::string& name, const Body& body) {
  for (const IsaInfo& info : isa_table()) {
    if (!info.compiled || !info.supported || info.isa == Isa::scalar) continue;
    for (const int threads : {1, 2}) {
      const auto run = [body, isa = info.isa, threads](benchmark::State& state) {
        Context ctx({.threads = threads, .isa = isa});
        body(state, ctx);
      };
      const std::string full_name = text_of(name, "/", info.name, "/threads:", threads);
      benchmark::RegisterBenchmark(full_name.c_str(), run)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

void report(benchmark::State& state, Context& ctx, const Work& work, double seconds) {
  constexpr double kGiga = 1e9;
  state.counters["GB/s"] = work.bytes / seconds / kGiga;
  if (work.flops == 0) return;
  state.counters["GFLOP/s"] = work.flops / seconds / kGiga;
  state.counters["peak"] = work.flops / seconds / peak_flops(ctx);
}

}  // namespace hewn::bench
