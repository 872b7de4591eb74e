#include "hewn/models/tasks/inpainting/fast_marching.h"

#include "hewn/models/tasks/inpainting/border_distance.h"
#include "hewn/models/tasks/inpainting/hole.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hewn {

namespace {

/// What a neighbour that lies along the front counts, of one that lies across it.
constexpr double kLeastDirection = 0.01;

/// Where a neighbour is, from the pixel that is filled.
struct Offset {
  std::int64_t y;
  std::int64_t x;
  double unit_y;  // y and x over the distance
  double unit_x;
  double squared;  // the distance, squared
};

std::vector<Offset> offsets_within(double radius) {
  const auto reach = static_cast<std::int64_t>(radius);
  std::vector<Offset> offsets;
  for (std::int64_t y = -reach; y <= reach; ++y) {
    for (std::int64_t x = -reach; x <= reach; ++x) {
      const auto squared = static_cast<double>(y * y + x * x);
      if (squared == 0 || squared > radius * radius) continue;
      const double length = std::sqrt(squared);
      offsets.push_back(
          {y, x, static_cast<double>(y) / length, static_cast<double>(x) / length, squared});
    }
  }
  return offsets;
}

class Filling {
 public:
  /// y holds the picture; `missing` is used up.
  Filling(View y, Hole& missing, const std::vector<double>& distance, double radius)
      : y_(y),
        missing_(missing),
        distance_(distance),
        offsets_(offsets_within(radius)),
        sums_(static_cast<std::size_t>(y.shape.c)) {}

  void fill(std::int64_t pixel) {
    const std::int64_t row = pixel / missing_.w;
    const std::int64_t column = pixel % missing_.w;
    const Direction ahead = gradient(row, column);
    double weights = 0;
    std::ranges::fill(sums_, 0);
    for (const Offset& offset : offsets_) {
      if (!in_picture(row + offset.y, column + offset.x)) continue;
      const std::int64_t neighbour = pixel + offset.y * missing_.w + offset.x;
      if (missing_.contains(neighbour)) continue;
      const double weight = weight_of(offset, ahead, at(neighbour) - at(pixel));
      weights += weight;
      const float* values = y_.pixel(0, 0, neighbour);
      for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c] += weight * values[c];
    }
    float* filled = y_.pixel(0, 0, pixel);
    for (std::size_t c = 0; c < sums_.size(); ++c) {
      filled[c] = static_cast<float>(sums_[c] / weights);
    }
    missing_.inside[static_cast<std::size_t>(pixel)] = 0;
  }

 private:
  struct Direction {
    double y;
    double x;
  };

  bool in_picture(std::int64_t row, std::int64_t column) const {
    return row >= 0 && row < missing_.h && column >= 0 && column < missing_.w;
  }
  double at(std::int64_t pixel) const { return distance_[static_cast<std::size_t>(pixel)]; }

  /// The paper's dir × dst × lev, all in pixels.
  static double weight_of(const Offset& offset, const Direction& ahead, double level) {
    const double along = offset.unit_y * ahead.y + offset.unit_x * ahead.x;
    const double direction = std::max(std::abs(along), kLeastDirection);
    return direction / (offset.squared * (1 + std::abs(level)));
  }

  /// ∇T: central differences, one-sided at the picture's border.
  Direction gradient(std::int64_t row, std::int64_t column) const {
    const auto difference = [&](std::int64_t y, std::int64_t x) {
      const bool before = in_picture(row - y, column - x);
      const bool after = in_picture(row + y, column + x);
      const std::int64_t pixel = row * missing_.w + column;
      const std::int64_t step = y * missing_.w + x;
      const double low = at(before ? pixel - step : pixel);
      const double high = at(after ? pixel + step : pixel);
      return before && after ? (high - low) / 2 : high - low;
    };
    return {difference(1, 0), difference(0, 1)};
  }

  View y_;
  Hole& missing_;
  const std::vector<double>& distance_;
  std::vector<Offset> offsets_;
  std::vector<double> sums_;  // one for each channel
};

}  // namespace

void inpaint_fast_marching(ConstView picture, ConstView mask, double radius, View y) {
  Hole hole = hole_of("inpaint_fast_marching", picture, mask);
  require(radius >= 1 && radius <= 100,
          "inpaint_fast_marching: expected a radius from 1 to 100, got ", radius);
  require(y.shape == picture.shape, "inpaint_fast_marching: expected a result of ", picture.shape,
          ", got ", y.shape);
  copy(picture, y);
  const BorderDistance border = border_distance(hole, radius);
  Filling filling(y, hole, border.distance, radius);
  for (const std::int64_t pixel : border.order) filling.fill(pixel);
}

}  // namespace hewn
