#include "hewn/runtime/tensor.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <new>

namespace hewn {

template <typename Float>
BasicView<Float> BasicView<Float>::channels(std::int64_t begin, std::int64_t end) const {
  require(0 <= begin && begin <= end && end <= shape.c, "channels [", begin, ", ", end,
          ") of a view with ", shape.c, " channels");
  return {data + begin, {shape.n, shape.h, shape.w, end - begin}, pixel_stride};
}

template <typename Float>
BasicView<Float> BasicView<Float>::image(std::int64_t n) const {
  require(0 <= n && n < shape.n, "image ", n, " of a batch of ", shape.n);
  return {pixel(n, 0, 0), {1, shape.h, shape.w, shape.c}, pixel_stride};
}

template <typename Float>
BasicView<Float> BasicView<Float>::reshaped(const Nhwc& to) const {
  require(to.count() == shape.count(), "cannot reshape ", shape, " to ", to);
  if (to.c == shape.c) return {data, to, pixel_stride};
  require(dense(), "cannot reshape a channel slice of shape ", shape, " to ", to);
  return {data, to};
}

template struct BasicView<float>;
template struct BasicView<const float>;

void Tensor::Free::operator()(float* data) const noexcept {
  ::operator delete[](data, std::align_val_t{kAlignment});
}

Tensor::Tensor(const Nhwc& shape) : shape_(shape) {
  const std::int64_t bytes = checked_multiply(shape.count(), sizeof(float), "bytes");
  data_.reset(static_cast<float*>(
      ::operator new[](static_cast<std::size_t>(bytes), std::align_val_t{kAlignment})));
}

Tensor Tensor::copy_of(ConstView view) {
  Tensor tensor(view.shape);
  copy(view, tensor.view());
  return tensor;
}

void copy(ConstView from, View to) {
  require(from.shape == to.shape, "copy: expected ", to.shape, ", got ", from.shape);
  if (from.dense() && to.dense()) {
    std::copy_n(from.data, from.shape.count(), to.data);
    return;
  }
  const std::int64_t pixels = from.shape.pixels();
  for (std::int64_t i = 0; i < pixels; ++i) {
    std::copy_n(from.data + i * from.pixel_stride, from.shape.c, to.data + i * to.pixel_stride);
  }
}

void fill(View view, float value) {
  const std::int64_t pixels = view.shape.pixels();
  for (std::int64_t i = 0; i < pixels; ++i) {
    std::fill_n(view.data + i * view.pixel_stride, view.shape.c, value);
  }
}

namespace {

/// Calls visit(index of the element in NCHW, offset of the element in the view) for every element.
template <typename Float, typename Visit>
void for_each_nchw(const BasicView<Float>& view, std::size_t values, Visit visit) {
  const Nhwc& s = view.shape;
  require(values == static_cast<std::size_t>(s.count()), "expected ", s.count(), " values for ", s,
          ", got ", values);
  std::size_t index = 0;
  const std::int64_t plane = s.h * s.w;
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      const std::int64_t base = n * plane * view.pixel_stride + c;
      for (std::int64_t i = 0; i < plane; ++i) visit(index++, base + i * view.pixel_stride);
    }
  }
}

}  // namespace

void from_nchw(std::span<const float> values, View to) {
  for_each_nchw(to, values.size(),
                [&](std::size_t i, std::int64_t at) { to.data[at] = values[i]; });
}

void to_nchw(ConstView from, std::span<float> values) {
  for_each_nchw(from, values.size(),
                [&](std::size_t i, std::int64_t at) { values[i] = from.data[at]; });
}

}  // namespace hewn
