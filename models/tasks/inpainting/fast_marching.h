// Inpainting by fast marching: a hole is filled from its border inwards.
#pragma once

#include "hewn/runtime/tensor.h"

namespace hewn {

/// Fills the missing pixels of a picture one by one, those nearest to the hole's border first, each
/// with a weighted mean of the known and already filled pixels within `radius`: Telea, "An image
/// inpainting technique based on the fast marching method", 2004. A neighbour counts more when it
/// is near, when its distance from the border is alike, and when it lies in the direction in which
/// the front moves. What this takes from the paper, what it leaves out and why is in README.md
/// beside this file.
///
/// picture and y: {1, h, w, c}, c ≥ 1; mask: {1, h, w, 1}, 1 where a pixel is missing and 0
/// elsewhere; they must not overlap. The picture's own values in the hole are not read. Known
/// pixels arrive in y to the bit; filled ones lie between the smallest and the largest known value
/// of their channel. A picture that is missing as a whole has nothing to be filled from: y is the
/// picture unchanged. radius: from 1 to 100 pixels; 1 means the four neighbours.
///
/// All arithmetic is in double, in one order: the bits are the same on every machine. Time grows
/// with hole × radius², memory with the picture. Throws Error for other shapes, masks and radii.
/// Thread-safe.
void inpaint_fast_marching(ConstView picture, ConstView mask, double radius, View y);

}  // namespace hewn
