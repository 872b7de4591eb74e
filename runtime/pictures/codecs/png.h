// PNG pictures (https://www.w3.org/TR/png-3/). Internal: not installed.
#pragma once

#include "hewn/runtime/pictures/image.h"

namespace hewn::detail {

/// Whether the file begins with PNG's signature.
bool is_png(std::span<const std::byte> file);

/// Throws Error for what is damaged (every chunk's checksum is compared), not a PNG as the standard
/// has it, or claims to be larger than `max_pixels` or than a file of its length can be.
Image decode_png(std::span<const std::byte> file, std::int64_t max_pixels);

/// A PNG file with the image's channels and bits. The image's fields agree with each other. Throws
/// Error when it has no pixel, or more than 512 MiB of them.
std::vector<std::byte> encode_png(const Image& image);

}  // namespace hewn::detail
