#include "hewn/runtime/operands.h"

#include "hewn/runtime/error.h"

#include <array>

namespace hewn {

namespace {

/// Floats from the first to behind the last of a row, of an image and of all of the view.
struct Extents {
  std::int64_t row, image, all;

  explicit Extents(const ConstView& v)
      : row((v.shape.w - 1) * v.pixel_stride + v.shape.c),
        image((v.shape.h - 1) * v.row_stride + row),
        all((v.shape.n - 1) * v.image_stride + image) {}
};

bool empty(const ConstView& v) { return v.shape.count() == 0; }

bool same(const ConstView& a, const ConstView& b) {
  return a.data == b.data && a.shape == b.shape && a.pixel_stride == b.pixel_stride &&
         (a.shape.h == 1 || a.row_stride == b.row_stride) &&
         (a.shape.n == 1 || a.image_stride == b.image_stride);
}

/// Parts of so many floats of a view, which recur with a period if its outer strides are multiples.
struct Parts {
  std::int64_t floats;
  std::int64_t period;
  std::int64_t row_stride, image_stride;  // 0 where they do not matter

  bool recur() const { return row_stride % period == 0 && image_stride % period == 0; }
};

/// Pixels, rows and images of a view.
std::array<Parts, 3> parts_of(const ConstView& v) {
  const Extents e(v);
  const std::int64_t rows = v.shape.h == 1 ? 0 : v.row_stride;
  const std::int64_t images = v.shape.n == 1 ? 0 : v.image_stride;
  return {{{v.shape.c, v.pixel_stride, rows, images},
           {e.row, v.row_stride, 0, images},
           {e.image, v.image_stride, 0, 0}}};
}

/// Whether a and b, `distance` behind it, recur with one period and lie in turns.
bool in_turns(const Parts& a, const Parts& b, std::int64_t distance) {
  const std::int64_t period = a.period;
  if (period != b.period || period <= 0 || !a.recur() || !b.recur()) return false;
  const std::int64_t begin = (distance % period + period) % period;
  return begin >= a.floats && begin + b.floats <= period;
}

void check_strides(std::string_view op, std::string_view layer, std::string_view name,
                   const ConstView& v) {
  const Extents e(v);
  const auto check = [&](const char* what, std::int64_t count, std::int64_t stride,
                         std::int64_t least) {
    require(count == 1 || stride >= least, op, layer.empty() ? "" : " ", layer, ": ", name,
            ": expected ", what, "s at least ", least, " floats apart, got a ", what, " stride of ",
            stride);
  };
  check("pixel", /*count=*/2, v.pixel_stride, v.shape.c);
  check("row", v.shape.h, v.row_stride, e.row);
  check("image", v.shape.n, v.image_stride, e.image);
}

}  // namespace

bool may_overlap(ConstView a, ConstView b) {
  if (empty(a) || empty(b)) return false;
  const Extents ea(a);
  const Extents eb(b);
  const auto address = [](const ConstView& v) { return reinterpret_cast<std::intptr_t>(v.data); };
  const std::intptr_t distance =
      (address(b) - address(a)) / static_cast<std::intptr_t>(sizeof(float));
  if (distance >= ea.all || -distance >= eb.all) return false;
  const auto parts_of_a = parts_of(a);
  const auto parts_of_b = parts_of(b);
  for (std::size_t i = 0; i < parts_of_a.size(); ++i) {
    if (in_turns(parts_of_a[i], parts_of_b[i], distance)) return false;
  }
  return true;
}

void check_operands(std::string_view op, std::string_view layer,
                    std::initializer_list<Operand> inputs, ConstView y) {
  if (!empty(y)) check_strides(op, layer, "y", y);
  for (const Operand& x : inputs) {
    if (empty(x.view)) continue;
    check_strides(op, layer, x.name, x.view);
    const bool in_place = x.output == Overlap::in_place;
    require(!may_overlap(x.view, y) || (in_place && same(x.view, y)), op, layer.empty() ? "" : " ",
            layer, ": expected y apart from ", x.name, in_place ? ", or the very same view" : "",
            ", got views that overlap");
  }
}

}  // namespace hewn
