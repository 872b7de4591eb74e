// Activations: dense float32 in NHWC order. A View looks at memory that someone else owns; a Tensor
// owns it.
#pragma once

#include "hewn/runtime/shape.h"

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace hewn {

/// Buffers start on a cache line, which is also the widest vector.
inline constexpr std::size_t kAlignment = 64;

/// A window on NHWC activations. The channels of a pixel are contiguous, and pixels are
/// `pixel_stride` floats apart in row-major order over (n, h, w), with no gap between rows or
/// images. A stride larger than c makes it a slice of the channels of a wider buffer, so that a
/// concatenation is operators writing side by side.
///
/// A View owns nothing and is passed by value. The memory must outlive it. `View` may be written
/// through; `ConstView` may not, and a View converts to it.
template <typename Float>
struct BasicView {
  static_assert(std::is_same_v<std::remove_const_t<Float>, float>);

  Float* data = nullptr;
  Nhwc shape;
  std::int64_t pixel_stride = 0;

  BasicView() = default;
  /// A dense view: pixel_stride = shape.c.
  BasicView(Float* data, const Nhwc& shape) : BasicView(data, shape, shape.c) {}
  BasicView(Float* data, const Nhwc& shape, std::int64_t pixel_stride)
      : data(data), shape(shape), pixel_stride(pixel_stride) {}
  /// View → ConstView.
  template <typename Other>
  requires(std::is_const_v<Float> && !std::is_const_v<Other>)
      // NOLINTNEXTLINE(google-explicit-constructor): as float* converts to const float*
      BasicView(const BasicView<Other>& other)
      : BasicView(other.data, other.shape, other.pixel_stride) {}

  /// The first channel of pixel (n, y, x); indices are not checked.
  Float* pixel(std::int64_t n, std::int64_t y, std::int64_t x) const {
    return data + ((n * shape.h + y) * shape.w + x) * pixel_stride;
  }
  /// The same pixels, channels [begin, end). Throws Error unless 0 ≤ begin ≤ end ≤ c.
  BasicView channels(std::int64_t begin, std::int64_t end) const;
  /// Image n of the batch, as a batch of one. Throws Error unless 0 ≤ n < shape.n.
  BasicView image(std::int64_t n) const;
  /// The same memory under another shape with as many elements. Throws Error when the counts
  /// differ, or when the view is not dense and the number of channels changes.
  BasicView reshaped(const Nhwc& to) const;
  /// Whether there is no gap between pixels.
  bool dense() const { return pixel_stride == shape.c; }
};

using View = BasicView<float>;
using ConstView = BasicView<const float>;

extern template struct BasicView<float>;
extern template struct BasicView<const float>;

/// An owned, dense, 64-byte aligned NHWC buffer. It moves but does not copy: copies are asked for
/// by name.
class Tensor {
 public:
  Tensor() = default;
  /// Allocates without initialising. Throws Error on a negative or overflowing shape,
  /// std::bad_alloc when there is no memory.
  explicit Tensor(const Nhwc& shape);

  /// A dense copy of `view`, whatever its stride.
  static Tensor copy_of(ConstView view);

  View view() { return {data_.get(), shape_}; }
  ConstView view() const { return {data_.get(), shape_}; }
  const Nhwc& shape() const { return shape_; }
  std::span<float> values() { return {data_.get(), size()}; }
  std::span<const float> values() const { return {data_.get(), size()}; }

 private:
  struct Free {
    void operator()(float* data) const noexcept;
  };
  std::size_t size() const {
    return static_cast<std::size_t>(shape_.n * shape_.h * shape_.w * shape_.c);
  }

  std::unique_ptr<float[], Free> data_;
  Nhwc shape_;
};

/// Copies `from` to `to`, channel by channel. Throws Error unless the shapes agree. The two must
/// not overlap.
void copy(ConstView from, View to);

/// Writes `value` to every element of the view.
void fill(View view, float value);

/// PyTorch's layout at the border: reads contiguous NCHW values into a view.
/// Throws Error unless values.size() is the view's number of elements.
void from_nchw(std::span<const float> values, View to);

/// PyTorch's layout at the border: writes the view as contiguous NCHW values.
/// Throws Error unless values.size() is the view's number of elements.
void to_nchw(ConstView from, std::span<float> values);

}  // namespace hewn
