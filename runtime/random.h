// Random numbers that are the same on every machine and with every standard library.
#pragma once

#include <cstdint>

namespace hewn {

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
/// tiny, seeded, good enough for trial weights and random homographies, not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}  ///< any seed is good

  /// Uniform: 64 bits.
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// Uniform in [low, high): 53 bits, from operations that every machine rounds alike.
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11U) * 0x1p-53);
  }
  /// Uniform in [low, high], both included; low ≤ high.
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    const auto range = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(bits() % range);
  }

 private:
  std::uint64_t state_;
};

}  // namespace hewn
