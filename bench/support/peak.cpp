#include "bench/support/peak.h"

#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <chrono>

#include "bench/support/peak_kernels.h"
#include <benchmark/benchmark.h>

namespace hewn::bench {

namespace {

constexpr std::int64_t kTrials = 10;
/// Each thread gets its share in several pieces, so that a late one is not waited for.
constexpr std::int64_t kPiecesPerThread = 8;
constexpr std::int64_t kFmasPerPiece = 16'000'000;

}  // namespace

double peak_flops(Context& ctx) {
  const auto& kernels = select_kernels<PeakKernels>(ctx.isa());
  const std::int64_t rounds = kFmasPerPiece / kernels.fmas_per_round;
  const std::int64_t pieces = ctx.threads() * kPiecesPerThread;
  const auto flops = 2.0 * static_cast<double>(pieces * rounds * kernels.fmas_per_round);
  double best = 0;
  for (std::int64_t trial = 0; trial < kTrials; ++trial) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(ctx, pieces, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        // Tends to 1 from any start: no denormals, no infinities.
        benchmark::DoNotOptimize(kernels.run(rounds, 0.5F, 0.5F));
      }
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, flops / seconds.count());
  }
  return best;
}

}  // namespace hewn::bench
