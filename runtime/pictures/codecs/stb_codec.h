// The one door to stb: PNG and JPEG decoding, and zlib compression. Internal: not installed.
#pragma once

#include "hewn/runtime/pictures/geometry.h"
#include "hewn/runtime/pictures/image.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hewn::detail {

/// Reads a JPEG up to the size of its frame. Throws Error with stb's reason.
PictureSize stb_jpeg_size(std::span<const std::byte> file);

/// Decodes a PNG or a JPEG, its values 8 or 16 bits wide as `bits` says. All that stb allocates on
/// the way is counted, and decoding fails once it adds up to more than `memory_limit` bytes. Throws
/// Error with stb's reason. Thread-safe.
Image stb_decode(std::span<const std::byte> file, int bits, std::size_t memory_limit);

/// A zlib stream of `data`, at most 1 GiB. Throws std::bad_alloc.
std::vector<std::byte> zlib_compress(std::span<const std::byte> data);

}  // namespace hewn::detail
