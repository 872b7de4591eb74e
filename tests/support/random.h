// Random tensors, and tensors that notice who strays.
#pragma once

#include "hewn/runtime/random.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <iosfwd>
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

/// How much wider a buffer is than the view of it, on each side.
struct Margins {
  std::int64_t rows = 0, columns = 0, channels = 0;
};

std::ostream& operator<<(std::ostream& out, const Margins& margins);

/// A slice of channels; gaps between pixels only.
inline constexpr Margins kSlice{.channels = 3};
/// A window of a larger map; gaps between rows and images only.
inline constexpr Margins kWindow{.rows = 1, .columns = 2};
/// A slice of a window.
inline constexpr Margins kSliceOfWindow{.rows = 1, .columns = 2, .channels = 3};

/// The middle of a larger buffer that is NaN elsewhere, so that whoever reads or writes outside is
/// found out.
class Sliced {
 public:
  /// A view of `shape`, filled from `values` when given (dense, the same shape), else with NaN.
  explicit Sliced(const Nhwc& shape, const Tensor* values = nullptr,
                  const Margins& margins = kSlice);
  View view() { return middle_; }
  /// Whether everything outside the view is still NaN.
  bool margins_untouched() const;

 private:
  Tensor buffer_;
  View middle_;
};

}  // namespace hewn::test
