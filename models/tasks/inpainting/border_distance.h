// The distance of pixels from the border of a hole, by fast marching.
#pragma once

#include "hewn/models/tasks/inpainting/hole.h"

#include <cstdint>
#include <vector>

namespace hewn {

/// T of Telea, "An image inpainting technique based on the fast marching method", 2004: |∇T| = 1,
/// and T = 0 on the known pixels that touch the hole with one of their four sides.
struct BorderDistance {
  /// One for each pixel: above 0 in the hole, at most 0 elsewhere; −infinity where it was not
  /// needed.
  std::vector<double> distance;
  /// The pixels of the hole by distance; of those equally far, the one first seen.
  std::vector<std::int64_t> order;
};

/// Solves the eikonal equation with the first-order upwind scheme, inside the hole and, as far as
/// pixels are within `radius` of one of its pixels, outside (Sethian, "A fast marching level set
/// method for monotonically advancing fronts", 1996). Exact along rows and columns; the error grows
/// with the logarithm of the distance elsewhere. Time is n log n for the n pixels that the front
/// passes, and a pass over the picture. A hole that is the whole picture has no border: all
/// distances are −infinity and the order is empty.
BorderDistance border_distance(const Hole& hole, double radius);

}  // namespace hewn
