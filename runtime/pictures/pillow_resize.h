// Resizing pictures as Pillow does, to the bit.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/pictures/image.h"

#include <cstdint>
#include <span>

namespace hewn {

/// The sides that a picture is resized to, and the part of the result that is wanted.
struct ResizedPart {
  std::int64_t height = 0;  ///< of the whole resized picture, ≥ 1
  std::int64_t width = 0;
  std::int64_t top = 0;  ///< where in it the part begins, ≥ 0
  std::int64_t left = 0;
  std::int64_t rows = 0;  ///< the part's sides, ≥ 1; it ends within the resized picture
  std::int64_t columns = 0;
};

/// rgb = a part of the picture resized by Pillow's antialiased bicubic filter: [rows, columns, 3],
/// dense, 8 bits a value. Gray is repeated, alpha ignored, and of 16 bits the upper 8 are taken
/// before anything else, as Pillow reads RGB of 16 bits.
///
/// As Pillow 13's Image.convert("RGB").resize((width, height), BICUBIC).crop(...): Keys' cubic with
/// a = −0.5, stretched by the ratio of the sides where that is above 1; weights rounded to 22 bits
/// after the point; sums of integers along one axis, rounded to 8 bits, then along the other,
/// rounded again. Width comes first unless the height loses more than twice as many pixels.
/// (Versions before 13 begin with the width of all but the most extreme pictures; what they make of
/// one more than twice as high as wide differs by what is rounded and clamped between the passes.)
/// All of it is exact: neither threads nor the instruction set nor the machine change a bit.
///
/// Only what the part sees is read and computed, so the memory that it takes grows with the part
/// and with what it sees of the picture, whatever the sides; a picture of 16 bits is copied.
///
/// Throws Error when the image's fields do not agree with each other, when it has no pixel, when
/// the part is empty or not within the resized picture, or when rgb has another size.
void pillow_resize(const Image& picture, const ResizedPart& part, std::span<std::uint8_t> rgb,
                   Context& ctx);

}  // namespace hewn
