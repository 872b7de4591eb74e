// From a picture with holes to what the completion network would paint there.
#pragma once

#include "hewn/models/completion/completion.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <functional>

namespace hewn {

/// How paint_holes() goes about it.
struct PaintOptions {
  /// The most memory for the network's maps, in bytes. What does not fit runs in tiles.
  std::int64_t max_bytes = 256'000'000;
  /// The network's output for the whole picture, and not for the holes alone.
  bool everywhere = false;
  /// Called before each tile, and at the end.
  std::function<void(std::int64_t done, std::int64_t tiles)> progress = {};
};

/// What paint_holes() made.
struct Painting {
  Tensor raw;              ///< {1, h, w, 3}, values in [0, 1]
  std::int64_t tiles = 0;  ///< how many windows the network saw
};

/// The network's output in every pixel of the holes and its eight neighbours; elsewhere that or the
/// picture.
///
/// picture: {1, h, w, 3}, values in [0, 1]; mask: {1, h, w, 1}, 1 where the picture is missing and
/// 0 elsewhere; what the picture holds there does not matter. Sides that are not multiples of 4 are
/// padded below and to the right by reflection, as torch.nn.functional.pad does; nothing is scaled.
///
/// The network sees a window around the holes that reaches CompletionNetwork::kContext pixels
/// beyond them, or several where that is less work or max_bytes asks for it. Each pixel of a hole
/// has in its window all that it depends on, so that windows change the result by rounding alone:
/// Winograd's tiles fall elsewhere. Throws Error for other shapes and masks, and when max_bytes is
/// too little for the smallest window. Thread-safe with one Context a thread. The bits depend on
/// neither threads nor instruction set.
Painting paint_holes(const CompletionNetwork& network, ConstView picture, ConstView mask,
                     const PaintOptions& options, Context& ctx);

}  // namespace hewn
