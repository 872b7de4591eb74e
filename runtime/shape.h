// Shapes: a list of dimensions as files know them, and the four dimensions of an activation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <vector>

namespace hewn {

/// a × b. Throws Error naming `what` when a factor is negative or the product does not fit into 63
/// bits.
std::int64_t checked_multiply(std::int64_t a, std::int64_t b, const char* what = "size");

/// a + b. Throws Error naming `what` when a term is negative or the sum does not fit into 63 bits.
std::int64_t checked_add(std::int64_t a, std::int64_t b, const char* what = "size");

/// a / b, rounded up, for b > 0 and a > −b.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The first multiple of b that is not below a, for b > 0 and a > −b.
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

/// Dimensions of any rank, outermost first, as stored in a file. Every dimension is at least 0 and
/// the number of elements fits into 63 bits: the constructors check, so no later arithmetic on them
/// can overflow.
class Shape {
 public:
  /// The shape of a scalar: no dimension, one element.
  Shape() = default;
  /// Throws Error when a dimension is negative or the number of elements overflows.
  explicit Shape(std::vector<std::int64_t> dims);
  /// The same, as in {64, 1, 3, 3}.
  Shape(std::initializer_list<std::int64_t> dims);

  /// How many dimensions.
  std::int64_t rank() const { return static_cast<std::int64_t>(dims_.size()); }
  /// The size along `axis`, 0 ≤ axis < rank(); unchecked.
  std::int64_t operator[](std::int64_t axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  /// The number of elements: the product of all dimensions.
  std::int64_t count() const { return count_; }
  const std::vector<std::int64_t>& dims() const { return dims_; }  ///< outermost first

  /// Whether all dimensions agree.
  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }

 private:
  std::vector<std::int64_t> dims_;
  std::int64_t count_ = 1;
};

/// As in "64×1×3×3"; "scalar" for rank 0.
std::string to_string(const Shape& shape);
/// As to_string().
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// The shape of an activation: batch, height, width, channels. A matrix is {1, 1, rows, columns}.
struct Nhwc {
  std::int64_t n = 0;
  std::int64_t h = 0;
  std::int64_t w = 0;
  std::int64_t c = 0;

  /// n × h × w. Throws Error on a negative dimension or overflow.
  std::int64_t pixels() const;
  /// n × h × w × c. Throws Error on a negative dimension or overflow.
  std::int64_t count() const;

  /// Whether all four agree.
  friend bool operator==(const Nhwc&, const Nhwc&) = default;
};

/// As in "[n 1, h 60, w 80, c 128]".
std::string to_string(const Nhwc& shape);
/// As to_string().
std::ostream& operator<<(std::ostream& out, const Nhwc& shape);

}  // namespace hewn
