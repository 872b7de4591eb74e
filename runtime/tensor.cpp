#include "hewn/runtime/tensor.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <new>

namespace hewn {

namespace {

/// [begin, end) of an axis along which a view has `stride` floats between neighbours.
template <typename Float>
BasicView<Float> part_of(BasicView<Float> view, const char* what, std::int64_t Nhwc::*axis,
                         std::int64_t stride, std::int64_t begin, std::int64_t end) {
  const std::int64_t size = view.shape.*axis;
  require(0 <= begin && begin <= end && end <= size, what, " [", begin, ", ", end,
          ") of a view with ", size, " ", what);
  view.data += begin * stride;
  view.shape.*axis = end - begin;
  return view;
}

}  // namespace

template <typename Float>
BasicView<Float> BasicView<Float>::channels(std::int64_t begin, std::int64_t end) const {
  return part_of(*this, "channels", &Nhwc::c, 1, begin, end);
}

template <typename Float>
BasicView<Float> BasicView<Float>::image(std::int64_t n) const {
  require(0 <= n && n < shape.n, "image ", n, " of a batch of ", shape.n);
  return images(n, n + 1);
}

template <typename Float>
BasicView<Float> BasicView<Float>::images(std::int64_t begin, std::int64_t end) const {
  return part_of(*this, "images", &Nhwc::n, image_stride, begin, end);
}

template <typename Float>
BasicView<Float> BasicView<Float>::rows(std::int64_t begin, std::int64_t end) const {
  return part_of(*this, "rows", &Nhwc::h, row_stride, begin, end);
}

template <typename Float>
BasicView<Float> BasicView<Float>::columns(std::int64_t begin, std::int64_t end) const {
  return part_of(*this, "columns", &Nhwc::w, pixel_stride, begin, end);
}

template <typename Float>
BasicView<Float> BasicView<Float>::reshaped(const Nhwc& to) const {
  require(to.count() == shape.count(), "cannot reshape ", shape, " to ", to);
  require(gapless(), "cannot reshape a view with gaps between rows or images, of shape ", shape,
          ", to ", to);
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
  const Nhwc& s = from.shape;
  const bool whole = from.pixel_stride == s.c && to.pixel_stride == s.c;
  for_each_run(0, s.pixels(), pixels_of_run(from, to), [&](std::int64_t first, std::int64_t count) {
    const float* source = from.pixel(first);
    float* target = to.pixel(first);
    if (whole) {
      std::copy_n(source, count * s.c, target);
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(source + i * from.pixel_stride, s.c, target + i * to.pixel_stride);
    }
  });
}

void fill(View view, float value) {
  for (std::int64_t n = 0; n < view.shape.n; ++n) {
    for (std::int64_t y = 0; y < view.shape.h; ++y) {
      for (std::int64_t x = 0; x < view.shape.w; ++x) {
        std::fill_n(view.pixel(n, y, x), view.shape.c, value);
      }
    }
  }
}

namespace {

/// Calls visit(index in NCHW, element) for every element.
template <typename Float, typename Visit>
void for_each_nchw(const BasicView<Float>& view, std::size_t values, Visit visit) {
  const Nhwc& s = view.shape;
  require(values == static_cast<std::size_t>(s.count()), "expected ", s.count(), " values for ", s,
          ", got ", values);
  std::size_t index = 0;
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      for (std::int64_t y = 0; y < s.h; ++y) {
        Float* row = view.pixel(n, y, 0) + c;
        for (std::int64_t x = 0; x < s.w; ++x) visit(index++, row[x * view.pixel_stride]);
      }
    }
  }
}

}  // namespace

void from_nchw(std::span<const float> values, View to) {
  for_each_nchw(to, values.size(), [&](std::size_t i, float& element) { element = values[i]; });
}

void to_nchw(ConstView from, std::span<float> values) {
  for_each_nchw(from, values.size(), [&](std::size_t i, float element) { values[i] = element; });
}

}  // namespace hewn
