// Random tensors, and tensors that notice who strays.
#pragma once

#include "hewn/runtime/random.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <vector>

namespace hewn::test {

/// The library's generator, with floats and tensors.
class Random : public hewn::Random {
 public:
  using hewn::Random::Random;
  /// Uniform in [low, high], rounded to float.
  float uniform(float low, float high);
  std::vector<float> values(std::int64_t count, float low = -1, float high = 1);
  Tensor tensor(const Nhwc& shape, float low = -1, float high = 1);
};

/// |values|, for bounds of error.
std::vector<float> absolute(std::vector<float> values);

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
