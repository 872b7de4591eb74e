// How far a flow field is from the truth.
#pragma once

#include "hewn/models/tasks/optical_flow/flow_field.h"

#include <cstdint>
#include <optional>

namespace hewn {

/// The end-point error of a pixel is the distance between its two vectors, in pixels. These are its
/// mean, and the shares of pixels, in percent, that it is too large for: the larger, the worse.
struct FlowError {
  double epe = 0;           ///< mean end-point error
  double over_1px = 0;      ///< percentage of pixels with an error > 1
  double over_3px = 0;      ///< > 3
  double over_5px = 0;      ///< > 5
  double f1_all = 0;        ///< > 3 and > 5 % of the true vector's length
  std::int64_t pixels = 0;  ///< how many were compared
};

/// Compares a field with the truth, over the pixels where the truth is known and, with a mask,
/// valid. The end-point error is that of Baker et al., "A database and evaluation methodology for
/// optical flow", 2011; f1_all is "Fl-all" of Menze and Geiger, "Object scene flow for autonomous
/// vehicles", 2015. Sums are in double, row by row: the same fields give the same bits.
///
/// flow and truth: {1, h, w, 2}, in pixels; valid: {1, h, w, 1}, above 0 where the truth is valid.
/// Throws Error for other shapes, when there is no pixel to compare, or when the flow is not finite
/// at one of them. Thread-safe.
FlowError flow_error(ConstView flow, ConstView truth,
                     std::optional<ConstView> valid = std::nullopt);

}  // namespace hewn
