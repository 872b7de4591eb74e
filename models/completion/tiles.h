// Which parts of a picture the completion network looks at, and in which order of magnitude of
// memory.
#pragma once

#include "hewn/runtime/pictures/geometry.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace hewn {

/// A part of a picture that is computed at a time.
struct CompletionTile {
  Rectangle core;    ///< the pixels that are wanted
  Rectangle window;  ///< the pixels that they depend on, inside the picture
};

/// What a window has to hold, and may take.
struct TileLimits {
  std::int64_t multiple = 4;  ///< cores and windows begin and end at multiples of this
  std::int64_t context = 0;  ///< how far a window reaches beyond its core; a multiple of `multiple`
  std::int64_t max_bytes = 0;  ///< of one window
  /// What a window of h × w pixels takes.
  std::function<std::int64_t(std::int64_t h, std::int64_t w)> bytes;
};

/// Tiles whose cores hold all pixels where `wanted`, {1, h, w, 1}, is not 0. Both sides are
/// multiples of limits.multiple. Cores do not overlap. Of the ways to halve rectangles again and
/// again, the one whose windows have the fewest pixels, and none of which takes more than
/// limits.max_bytes. Throws Error when the smallest windows would.
std::vector<CompletionTile> plan_tiles(ConstView wanted, const TileLimits& limits);

}  // namespace hewn
