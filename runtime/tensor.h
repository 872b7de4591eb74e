// Activations: dense float32 in NHWC order. A View looks at memory that someone else owns; a Tensor
// owns it.
#pragma once

#include "hewn/runtime/shape.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>

namespace hewn {

/// Buffers start on a cache line, which is also the widest vector.
inline constexpr std::size_t kAlignment = 64;

/// A window on NHWC activations. The channels of a pixel are contiguous; pixels, rows and images
/// are any number of floats apart that keeps them from overlapping. So a view may be a slice of the
/// channels of a wider buffer, and a concatenation is operators writing side by side; or a part of
/// a larger map, and a crop or a padding needs no copy.
///
/// A View owns nothing and is passed by value. The memory must outlive it. `View` may be written
/// through; `ConstView` may not, and a View converts to it.
template <typename Float>
struct BasicView {
  static_assert(std::is_same_v<std::remove_const_t<Float>, float>);

  Float* data = nullptr;
  Nhwc shape;
  std::int64_t pixel_stride = 0;  ///< floats from one pixel of a row to the next
  std::int64_t row_stride = 0;
  std::int64_t image_stride = 0;

  BasicView() = default;
  /// Without gaps, and dense: pixel_stride = shape.c.
  BasicView(Float* data, const Nhwc& shape) : BasicView(data, shape, shape.c) {}
  /// Without gaps between rows and images.
  BasicView(Float* data, const Nhwc& shape, std::int64_t pixel_stride)
      : BasicView(data, shape, pixel_stride, shape.w * pixel_stride,
                  shape.h * shape.w * pixel_stride) {}
  /// With any strides; that pixels do not overlap is the caller's to see to.
  BasicView(Float* data, const Nhwc& shape, std::int64_t pixel_stride, std::int64_t row_stride,
            std::int64_t image_stride)
      : data(data),
        shape(shape),
        pixel_stride(pixel_stride),
        row_stride(row_stride),
        image_stride(image_stride) {}
  /// View → ConstView.
  template <typename Other>
  requires(std::is_const_v<Float> && !std::is_const_v<Other>)
      // NOLINTNEXTLINE(google-explicit-constructor): as float* converts to const float*
      BasicView(const BasicView<Other>& other)
      : BasicView(other.data, other.shape, other.pixel_stride, other.row_stride,
                  other.image_stride) {}

  /// The first channel of pixel (n, y, x); indices are not checked.
  Float* pixel(std::int64_t n, std::int64_t y, std::int64_t x) const {
    return data + n * image_stride + y * row_stride + x * pixel_stride;
  }
  /// The first channel of pixel i in row-major order over (n, h, w); unchecked.
  Float* pixel(std::int64_t i) const {
    if (gapless()) return data + i * pixel_stride;
    const std::int64_t row = i / shape.w;
    return pixel(row / shape.h, row % shape.h, i % shape.w);
  }
  /// The same pixels, channels [begin, end). Throws Error unless 0 ≤ begin ≤ end ≤ c.
  BasicView channels(std::int64_t begin, std::int64_t end) const;
  /// Image n of the batch, as a batch of one. Throws Error unless 0 ≤ n < shape.n.
  BasicView image(std::int64_t n) const;
  /// Images [begin, end) of the batch. Throws Error unless 0 ≤ begin ≤ end ≤ n.
  BasicView images(std::int64_t begin, std::int64_t end) const;
  /// Rows [begin, end) of every image. Throws Error unless 0 ≤ begin ≤ end ≤ h.
  BasicView rows(std::int64_t begin, std::int64_t end) const;
  /// Columns [begin, end) of every image. Throws Error unless 0 ≤ begin ≤ end ≤ w.
  BasicView columns(std::int64_t begin, std::int64_t end) const;
  /// The h × w pixels of every image from (y, x) on. Throws Error unless they lie inside.
  BasicView window(std::int64_t y, std::int64_t x, std::int64_t h, std::int64_t w) const {
    return rows(y, checked_add(y, h, "rows")).columns(x, checked_add(x, w, "columns"));
  }
  /// Pixels [first, first + count) in row-major order as one row; they are evenly spaced, which is
  /// not checked: see pixels_of_run().
  BasicView run(std::int64_t first, std::int64_t count) const {
    return {pixel(first), {1, 1, count, shape.c}, pixel_stride};
  }
  /// The same memory under another shape with as many elements. Throws Error when the counts
  /// differ, when there are gaps between rows or images, or when the number of channels changes and
  /// the view is not dense.
  BasicView reshaped(const Nhwc& to) const;
  /// Whether rows and images follow one another: all pixels are pixel_stride apart.
  bool gapless() const {
    return (shape.h <= 1 || row_stride == shape.w * pixel_stride) &&
           (shape.n <= 1 || image_stride == shape.h * shape.w * pixel_stride);
  }
  /// Whether the elements follow one another.
  bool dense() const { return pixel_stride == shape.c && gapless(); }
};

/// To be written through.
using View = BasicView<float>;
/// To be read.
using ConstView = BasicView<const float>;

extern template struct BasicView<float>;
extern template struct BasicView<const float>;

/// How many pixels in row-major order are evenly spaced in each of the views, which have n, h and w
/// in common: all where none has gaps, else those of a row.
template <typename... Float>
std::int64_t pixels_of_run(const BasicView<Float>&... views) {
  const Nhwc& shape = std::get<0>(std::tie(views...)).shape;
  return (views.gapless() && ...) ? shape.n * shape.h * shape.w : shape.w;
}

/// Calls visit(first, count) for the pixels [begin, end) in pieces that cross no multiple of `run`,
/// which is pixels_of_run() of the views that visit() looks at.
template <typename Visit>
void for_each_run(std::int64_t begin, std::int64_t end, std::int64_t run, const Visit& visit) {
  while (begin < end) {
    const std::int64_t count = std::min(end - begin, run - begin % run);
    visit(begin, count);
    begin += count;
  }
}

/// An owned, dense, 64-byte aligned NHWC buffer. It moves but does not copy: copies are asked for
/// by name.
class Tensor {
 public:
  Tensor() = default;
  /// Allocates without initialising. Throws Error on a negative or overflowing shape,
  /// std::bad_alloc when there is no memory.
  explicit Tensor(const Nhwc& shape);

  /// A dense copy of `view`, whatever its strides.
  static Tensor copy_of(ConstView view);

  /// All of it, dense.
  View view() { return {data_.get(), shape_}; }
  /// All of it, to be read.
  ConstView view() const { return {data_.get(), shape_}; }
  const Nhwc& shape() const { return shape_; }  ///< as given
  /// The elements, in NHWC order.
  std::span<float> values() { return {data_.get(), size()}; }
  /// The same, to be read.
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
