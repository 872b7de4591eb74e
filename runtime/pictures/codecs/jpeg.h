// JPEG pictures. Internal: not installed.
#pragma once

#include "hewn/runtime/pictures/image.h"

namespace hewn::detail {

/// Whether the file begins as every JPEG does.
bool is_jpeg(std::span<const std::byte> file);

/// Throws Error for what is no JPEG, damaged, or claims to be larger than `max_pixels` or than a
/// file of its length can be.
Image decode_jpeg(std::span<const std::byte> file, std::int64_t max_pixels);

}  // namespace hewn::detail
