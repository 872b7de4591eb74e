#include "hewn/runtime/pictures/drawing/canvas.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

/// How far beyond its edge a shape still tints a pixel.
constexpr double kSoftEdge = 0.5;

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

/// Pixels whose centre is within `reach` of `centre`, cut to [0, size). Clamped while still
/// floating, since places may be anywhere.
Range pixels_near(double centre, double reach, std::int64_t size) {
  const auto limit = static_cast<double>(size);
  const double begin = std::clamp(std::ceil(centre - reach), 0.0, limit);
  const double end = std::clamp(std::floor(centre + reach) + 1, begin, limit);
  return {static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)};
}

double distance_to_segment(const Point& from, const Point& to, double x, double y) {
  const double dx = to.x - from.x;
  const double dy = to.y - from.y;
  const double squared_length = dx * dx + dy * dy;
  const double along =
      squared_length > 0 ? ((x - from.x) * dx + (y - from.y) * dy) / squared_length : 0;
  const double t = std::clamp(along, 0.0, 1.0);
  return std::hypot(x - from.x - t * dx, y - from.y - t * dy);
}

}  // namespace

Canvas::Canvas(std::int64_t width, std::int64_t height, const Colour& background)
    : width_(width), height_(height), pixels_({1, height, width, 3}) {
  for (std::int64_t i = 0; i < width * height; ++i) {
    std::ranges::copy(background, pixels_.view().data + 3 * i);
  }
}

void Canvas::draw_picture(ConstView picture, std::int64_t left, std::int64_t top,
                          float brightness) {
  const std::int64_t rows = std::min(picture.shape.h, height_ - top);
  const std::int64_t columns = std::min(picture.shape.w, width_ - left);
  const bool gray = picture.shape.c == 1;
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; ++x) {
      const float* from = picture.pixel(0, y, x);
      float* to = pixels_.view().pixel(0, top + y, left + x);
      for (int c = 0; c < 3; ++c) to[c] = from[gray ? 0 : c] * brightness;
    }
  }
}

void Canvas::fill(const Rectangle& rectangle, const Colour& colour) {
  const std::int64_t bottom = std::min(rectangle.bottom(), height_);
  const std::int64_t right = std::min(rectangle.right(), width_);
  for (std::int64_t y = std::max<std::int64_t>(rectangle.top, 0); y < bottom; ++y) {
    for (std::int64_t x = std::max<std::int64_t>(rectangle.left, 0); x < right; ++x) {
      std::ranges::copy(colour, pixels_.view().pixel(0, y, x));
    }
  }
}

/// `distance` is that from the shape's edge, negative inside: half a pixel either way blends.
void Canvas::blend(std::int64_t x, std::int64_t y, const Pen& pen, double distance) {
  const double coverage = std::clamp(kSoftEdge - distance, 0.0, 1.0);
  const float alpha = pen.opacity * static_cast<float>(coverage);
  float* pixel = pixels_.view().pixel(0, y, x);
  for (std::size_t c = 0; c < pen.colour.size(); ++c) {
    pixel[c] += alpha * (pen.colour[c] - pixel[c]);
  }
}

template <typename Distance>
void Canvas::paint_around(const Point& centre, double reach, const Pen& pen,
                          const Distance& distance) {
  const Range rows = pixels_near(centre.y, reach + kSoftEdge, height_);
  const Range columns = pixels_near(centre.x, reach + kSoftEdge, width_);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    for (std::int64_t x = columns.begin; x < columns.end; ++x) {
      const double from_centre =
          std::hypot(static_cast<double>(x) - centre.x, static_cast<double>(y) - centre.y);
      blend(x, y, pen, distance(from_centre));
    }
  }
}

void Canvas::draw_circle(const Point& centre, double radius, const Pen& pen) {
  paint_around(centre, radius + pen.width / 2, pen,
               [&](double from_centre) { return std::abs(from_centre - radius) - pen.width / 2; });
}

void Canvas::draw_disc(const Point& centre, double radius, const Pen& pen) {
  paint_around(centre, radius, pen, [&](double from_centre) { return from_centre - radius; });
}

void Canvas::draw_line(const Point& from, const Point& to, const Pen& pen) {
  const double dx = to.x - from.x;
  const double dy = to.y - from.y;
  if (!std::isfinite(dx) || !std::isfinite(dy)) return;
  // Walks along the longer axis and, at each step, across the line along the other.
  const bool steep = std::abs(dy) > std::abs(dx);
  const double slope = dx == 0 && dy == 0 ? 0 : (steep ? dx / dy : dy / dx);
  const double reach = pen.width / 2 + kSoftEdge;
  const double across = reach * std::hypot(1, slope);
  const Point middle{(from.x + to.x) / 2, (from.y + to.y) / 2};
  const double half_length = std::max(std::abs(dx), std::abs(dy)) / 2 + reach;
  const Range steps = steep ? pixels_near(middle.y, half_length, height_)
                            : pixels_near(middle.x, half_length, width_);
  for (std::int64_t step = steps.begin; step < steps.end; ++step) {
    const auto at = static_cast<double>(step);
    const double centre =
        steep ? middle.x + (at - middle.y) * slope : middle.y + (at - middle.x) * slope;
    const Range side = pixels_near(centre, across, steep ? width_ : height_);
    for (std::int64_t other = side.begin; other < side.end; ++other) {
      const std::int64_t x = steep ? other : step;
      const std::int64_t y = steep ? step : other;
      const double distance =
          distance_to_segment(from, to, static_cast<double>(x), static_cast<double>(y));
      blend(x, y, pen, distance - pen.width / 2);
    }
  }
}

Image Canvas::image() const { return from_unit_range(pixels_.view()); }

Colour warm_colour(double value) {
  static constexpr std::array<Colour, 4> kStops{
      {{0.45F, 0.25F, 0.85F}, {0.90F, 0.30F, 0.55F}, {1.00F, 0.62F, 0.25F}, {1.00F, 0.95F, 0.40F}}};
  const double at = std::clamp(value, 0.0, 1.0) * static_cast<double>(kStops.size() - 1);
  const std::size_t stop = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
  const auto part = static_cast<float>(at - static_cast<double>(stop));
  Colour colour{};
  for (std::size_t c = 0; c < colour.size(); ++c) {
    colour[c] = kStops[stop][c] + part * (kStops[stop + 1][c] - kStops[stop][c]);
  }
  return colour;
}

}  // namespace hewn
