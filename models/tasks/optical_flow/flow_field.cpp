#include "hewn/models/tasks/optical_flow/flow_field.h"

#include "hewn/runtime/error.h"

#include <cmath>

namespace hewn {

bool is_known(const float* vector) {
  return std::abs(vector[0]) <= kLargestFlow && std::abs(vector[1]) <= kLargestFlow;
}

bool is_known(ConstView flow, const std::optional<ConstView>& valid, std::int64_t y,
              std::int64_t x) {
  return is_known(flow.pixel(0, y, x)) && (!valid || *valid->pixel(0, y, x) > 0);
}

double flow_length(const float* vector) {
  // The square of a float is exact in double.
  const double x = vector[0];
  const double y = vector[1];
  return std::sqrt(x * x + y * y);
}

void require_flow(std::string_view what, ConstView flow, const std::optional<ConstView>& valid) {
  const Nhwc& s = flow.shape;
  require(s.n == 1 && s.c == 2, what, ": expected a flow field [n 1, h, w, c 2], got ", s);
  require(!valid || valid->shape == Nhwc{1, s.h, s.w, 1}, what, ": expected a mask of ",
          Nhwc{1, s.h, s.w, 1}, ", got ", valid ? valid->shape : Nhwc{});
}

}  // namespace hewn
