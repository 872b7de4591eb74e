// Random numbers that are the same on every machine and with every standard library.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <vector>

namespace hewn::test {

/// splitmix64 (Steele, Lea, Flood 2014): tiny, seeded, portable.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits();
  /// Uniform in [low, high).
  float uniform(float low, float high);
  /// Uniform in [low, high], both included.
  std::int64_t integer(std::int64_t low, std::int64_t high);
  std::vector<float> values(std::int64_t count, float low = -1, float high = 1);
  Tensor tensor(const Nhwc& shape, float low = -1, float high = 1);

 private:
  std::uint64_t state_;
};

/// The middle channels of a wider buffer whose other channels are NaN, so that whoever reads or
/// writes outside the slice is found out.
class Sliced {
 public:
  /// A slice of `shape`, filled from `values` when given (dense, the same shape), else with NaN.
  explicit Sliced(const Nhwc& shape, const Tensor* values = nullptr);
  View view() { return buffer_.view().channels(kMargin, kMargin + channels_); }
  /// Whether every channel outside the slice is still NaN.
  bool margins_untouched() const;

 private:
  static constexpr std::int64_t kMargin = 3;
  std::int64_t channels_;
  Tensor buffer_;
};

}  // namespace hewn::test
