#include "hewn/models/tasks/optical_flow/flow_error.h"

#include "hewn/runtime/error.h"

#include <cmath>

namespace hewn {

namespace {

double distance(const float* a, const float* b) {
  const double x = static_cast<double>(a[0]) - b[0];
  const double y = static_cast<double>(a[1]) - b[1];
  return std::sqrt(x * x + y * y);
}

/// Sums over pixels.
struct Tally {
  double error = 0;
  std::int64_t over_1px = 0;
  std::int64_t over_3px = 0;
  std::int64_t over_5px = 0;
  std::int64_t outliers = 0;
  std::int64_t pixels = 0;

  void add(double end_point_error, double true_length) {
    const auto over = [=](double limit) { return end_point_error > limit ? 1 : 0; };
    error += end_point_error;
    over_1px += over(1);
    over_3px += over(3);
    over_5px += over(5);
    outliers += end_point_error > 0.05 * true_length ? over(3) : 0;
    ++pixels;
  }
};

}  // namespace

FlowError flow_error(ConstView flow, ConstView truth, std::optional<ConstView> valid) {
  require_flow("flow_error", truth, valid);
  require(flow.shape == truth.shape, "flow_error: expected a flow field as large as the truth, ",
          truth.shape, ", got ", flow.shape);
  Tally tally;
  for (std::int64_t y = 0; y < truth.shape.h; ++y) {
    for (std::int64_t x = 0; x < truth.shape.w; ++x) {
      if (!is_known(truth, valid, y, x)) continue;
      const float* vector = flow.pixel(0, y, x);
      require(std::isfinite(vector[0]) && std::isfinite(vector[1]),
              "flow_error: expected finite flow where the truth is known, got (", vector[0], ", ",
              vector[1], ") at x ", x, ", y ", y);
      tally.add(distance(vector, truth.pixel(0, y, x)), flow_length(truth.pixel(0, y, x)));
    }
  }
  require(tally.pixels > 0, "flow_error: expected a pixel where the truth is known, got none of ",
          truth.shape.pixels());
  const auto pixels = static_cast<double>(tally.pixels);
  const auto percent = [pixels](std::int64_t count) {
    return 100 * static_cast<double>(count) / pixels;
  };
  return {.epe = tally.error / pixels,
          .over_1px = percent(tally.over_1px),
          .over_3px = percent(tally.over_3px),
          .over_5px = percent(tally.over_5px),
          .f1_all = percent(tally.outliers),
          .pixels = tally.pixels};
}

}  // namespace hewn
