// What every benchmark stands on: a file <name>_bench.cpp defines register_benchmarks() and becomes
// the program <name>_bench.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/observe/profile.h"

#include <chrono>
#include <functional>
#include <string>

#include <benchmark/benchmark.h>

namespace hewn::bench {

/// Defined by each *_bench.cpp; main() calls it once, before anything is measured.
void register_benchmarks();

using Body = std::function<void(benchmark::State& state, Context& ctx)>;

/// Registers `name/<isa>/threads:<n>` for every vector instruction set that runs here (scalar is
/// there for correctness, and takes minutes) on one thread and on two. Time is wall-clock time.
void add_benchmark(const std::string& name, const Body& body);

/// Counters from what one iteration does and how long it took: GB/s, and where there is arithmetic
/// GFLOP/s and `peak`, its share of peak_flops(ctx), which is measured here and now.
void report(benchmark::State& state, Context& ctx, const Work& work, double seconds);

/// The measured loop: runs `op` once to touch every page, then as often as `state` asks, and
/// reports it as `work` done each time.
template <typename Op>
void measure(benchmark::State& state, Context& ctx, const Work& work, Op&& op) {
  op();
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) op();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  report(state, ctx, work, elapsed.count() / static_cast<double>(state.iterations()));
}

}  // namespace hewn::bench
