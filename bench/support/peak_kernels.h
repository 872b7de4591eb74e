// The probe's loop. Internal to bench/support.
#pragma once

#include <cstdint>

namespace hewn::bench {

struct PeakKernels {
  /// Multiply-adds, counted lane by lane, in one round.
  std::int64_t fmas_per_round;
  /// Runs `rounds` rounds of x ← x·scale + offset on every chain; returns a value that depends on
  /// all of them, so that none can be left out.
  float (*run)(std::int64_t rounds, float scale, float offset);
};

}  // namespace hewn::bench
