// Flow fields as pictures.
#pragma once

#include "hewn/models/tasks/optical_flow/flow_field.h"
#include "hewn/runtime/pictures/image.h"

#include <optional>

namespace hewn {

/// The length in pixels of the longest vector that is known and, with a mask, valid; 0 when there
/// is none. flow: {1, h, w, 2}; valid: {1, h, w, 1}, above 0 where the vector counts. Throws Error
/// for other shapes. Thread-safe.
double longest(ConstView flow, std::optional<ConstView> valid = std::nullopt);

/// The field in the colours of Baker et al., "A database and evaluation methodology for optical
/// flow", 2011, as an 8-bit RGB picture: a wheel of 55 hues tells the direction (right is red, down
/// yellow, left cyan, up blue), and saturation the length, from white for no motion to the full hue
/// for `max_radius` pixels. What is longer has the full hue, darkened to 3/4; what is not known or
/// not valid is black.
///
/// max_radius: above 0 and finite; when empty, longest(flow, valid), or 1 where that is 0. flow:
/// {1, h, w, 2}, x right, y down; valid: {1, h, w, 1}, above 0 where the vector counts. Throws
/// Error for other shapes or another radius. Thread-safe.
Image draw_flow(ConstView flow, std::optional<double> max_radius = std::nullopt,
                std::optional<ConstView> valid = std::nullopt);

}  // namespace hewn
