// Where RAFT begins on the next pair of pictures of a video.
#pragma once

#include "hewn/runtime/tensor.h"

namespace hewn {

/// Moves a flow field along itself, so that it fits the pair of pictures that follows: "warm-start"
/// of Teed and Deng, "RAFT: recurrent all-pairs field transforms for optical flow", 2020, section
/// 3.3. The vector of pixel p lands at p + flow(p), and each pixel of the result takes the vector
/// that landed nearest to it; of those equally near, the one that came from the earliest pixel in
/// row-major order. As in the paper's code, what does not land within 0 < x < w and 0 < y < h is
/// dropped, and so is what is not finite; where nothing is left, the result is 0.
///
/// flow and projected: {1, h, w, 2}, x right, y down, in pixels of this same (low) resolution; they
/// must not overlap. Positions and distances are in double, and exact search makes the result
/// independent of how it is found. Time is n log n for n pixels but for fields made to be slow,
/// memory n. Throws Error for other shapes. Thread-safe.
void forward_project(ConstView flow, View projected);

}  // namespace hewn
