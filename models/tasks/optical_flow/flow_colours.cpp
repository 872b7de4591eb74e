#include "hewn/models/tasks/optical_flow/flow_colours.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace hewn {

namespace {

using Rgb = std::array<int, 3>;

constexpr std::size_t kHues = 55;

/// The six ways around the wheel. Along each, one primary colour rises or falls between 0 and 255
/// while the other two stay.
constexpr std::array<Rgb, kHues> make_wheel() {
  struct Arc {
    int hues;
    Rgb from;
    std::size_t primary;
    int sign;
  };
  constexpr std::array<Arc, 6> kArcs{{{15, {255, 0, 0}, 1, 1},      // red → yellow
                                      {6, {255, 255, 0}, 0, -1},    // yellow → green
                                      {4, {0, 255, 0}, 2, 1},       // green → cyan
                                      {11, {0, 255, 255}, 1, -1},   // cyan → blue
                                      {13, {0, 0, 255}, 0, 1},      // blue → magenta
                                      {6, {255, 0, 255}, 2, -1}}};  // magenta → red
  std::array<Rgb, kHues> wheel{};
  std::size_t at = 0;
  for (const Arc& arc : kArcs) {
    for (int i = 0; i < arc.hues; ++i, ++at) {
      wheel[at] = arc.from;
      wheel[at][arc.primary] += arc.sign * (255 * i / arc.hues);
    }
  }
  return wheel;
}

constexpr std::array<Rgb, kHues> kWheel = make_wheel();

/// The colour of a vector that is `radius` times as long as the longest that is told apart.
Rgb colour_of(const float* vector, double radius) {
  // Adding 0 makes −0 a 0: the angle of (1, −0) would be a whole turn away from that of (1, 0).
  const double angle = std::atan2(-(vector[1] + 0.0), -(vector[0] + 0.0));
  const double at = (angle / std::numbers::pi + 1) / 2 * (kHues - 1);
  const auto hue = std::min(static_cast<std::size_t>(at), kHues - 1);
  const double part = at - static_cast<double>(hue);
  Rgb colour{};
  for (std::size_t c = 0; c < colour.size(); ++c) {
    const double full = ((1 - part) * kWheel[hue][c] + part * kWheel[(hue + 1) % kHues][c]) / 255;
    const double shade = radius <= 1 ? 1 - radius * (1 - full) : 0.75 * full;
    colour[c] = static_cast<int>(255 * shade);
  }
  return colour;
}

}  // namespace

double longest(ConstView flow, std::optional<ConstView> valid) {
  require_flow("longest", flow, valid);
  double most = 0;
  for (std::int64_t y = 0; y < flow.shape.h; ++y) {
    for (std::int64_t x = 0; x < flow.shape.w; ++x) {
      if (is_known(flow, valid, y, x)) most = std::max(most, flow_length(flow.pixel(0, y, x)));
    }
  }
  return most;
}

Image draw_flow(ConstView flow, std::optional<double> max_radius, std::optional<ConstView> valid) {
  require_flow("draw_flow", flow, valid);
  require(!max_radius || (*max_radius > 0 && std::isfinite(*max_radius)),
          "draw_flow: expected a radius above 0, got ", max_radius.value_or(0));
  const double most = max_radius ? *max_radius : longest(flow, valid);
  const double unit = most > 0 ? most : 1;
  const std::int64_t width = flow.shape.w;
  const std::int64_t height = flow.shape.h;
  Image image{.width = width, .height = height, .channels = 3, .bits = 8, .values = {}};
  image.values.resize(static_cast<std::size_t>(3 * width * height));
  std::uint16_t* rgb = image.values.data();
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x, rgb += 3) {
      if (!is_known(flow, valid, y, x)) continue;
      const float* vector = flow.pixel(0, y, x);
      const Rgb colour = colour_of(vector, flow_length(vector) / unit);
      std::ranges::transform(colour, rgb, [](int c) { return static_cast<std::uint16_t>(c); });
    }
  }
  return image;
}

}  // namespace hewn
