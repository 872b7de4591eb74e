// What a flow field is: where each pixel of one picture went in the next, as far as that is known.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace hewn {

/// A field and which of its pixels mean something.
struct FlowField {
  Tensor flow;   ///< {1, h, w, 2}: x to the right, then y down, in pixels; 0 where not valid
  Tensor valid;  ///< {1, h, w, 1}: 1 where the vector is known, else 0
};

/// Components beyond this mean that a vector is not known (Baker et al., "A database and evaluation
/// methodology for optical flow", 2011: their files have 1e10 there).
inline constexpr float kLargestFlow = 1e9F;

/// Whether a vector, its two components in a row, is one: numbers from −kLargestFlow to
/// kLargestFlow. NaN and the infinities are not.
bool is_known(const float* vector);

/// Whether pixel (y, x) counts: its vector is known and, with a mask, the mask is above 0 there.
/// flow: {1, h, w, 2}, valid: {1, h, w, 1}; neither they nor the indices are checked.
bool is_known(ConstView flow, const std::optional<ConstView>& valid, std::int64_t y,
              std::int64_t x);

/// The length of a vector, from its two components in a row: rounded once for the sum of the
/// squares and once for the root, on every machine alike.
double flow_length(const float* vector);

/// Throws Error, with `what` at its beginning, unless flow is {1, h, w, 2} and the mask, when
/// there is one, {1, h, w, 1}.
void require_flow(std::string_view what, ConstView flow,
                  const std::optional<ConstView>& valid = std::nullopt);

}  // namespace hewn
