#include "hewn/runtime/shape.h"

#include "hewn/runtime/error.h"

#include <ostream>
#include <utility>

namespace hewn {

std::int64_t checked_multiply(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) {
    fail(what, ": ", a, " × ", b, " is not a valid size");
  }
  return product;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) {
    fail(what, ": ", a, " + ", b, " is not a valid size");
  }
  return sum;
}

Shape::Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {
  // Zeros are left out of the product first, so that {0, 2^62, 2^62} is refused as its suffixes
  // would be.
  std::int64_t nonzero = 1;
  bool empty = false;
  for (std::int64_t dim : dims_) {
    if (dim == 0) {
      empty = true;
    } else {
      nonzero = checked_multiply(nonzero, dim, "shape");
    }
  }
  count_ = empty ? 0 : nonzero;
}

Shape::Shape(std::initializer_list<std::int64_t> dims) : Shape(std::vector<std::int64_t>(dims)) {}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  if (shape.rank() == 0) return out << "scalar";
  for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) out << "×";
    out << shape[axis];
  }
  return out;
}

std::string to_string(const Shape& shape) { return text_of(shape); }

std::int64_t Nhwc::pixels() const {
  return checked_multiply(checked_multiply(n, h, "pixels"), w, "pixels");
}

std::int64_t Nhwc::count() const { return checked_multiply(pixels(), c, "elements"); }

std::ostream& operator<<(std::ostream& out, const Nhwc& shape) {
  return out << "[n " << shape.n << ", h " << shape.h << ", w " << shape.w << ", c " << shape.c
             << "]";
}

std::string to_string(const Nhwc& shape) { return text_of(shape); }

}  // namespace hewn
