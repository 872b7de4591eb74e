// Binary PGM and PPM pictures (https://netpbm.sourceforge.net/doc/pgm.html and ppm.html). Internal:
// not installed. Our own reader, for stb's neither scales by the file's maximum nor swaps the bytes
// of 16-bit values, and takes a truncated file for a whole one.
#pragma once

#include "hewn/runtime/pictures/image.h"

namespace hewn::detail {

/// Whether the file begins as a binary PGM or PPM does.
bool is_pnm(std::span<const std::byte> file);

/// The first picture of the file, scaled to the whole range of 8 or 16 bits. Throws Error for what
/// is damaged, truncated or larger than `max_pixels`.
Image decode_pnm(std::span<const std::byte> file, std::int64_t max_pixels);

}  // namespace hewn::detail
