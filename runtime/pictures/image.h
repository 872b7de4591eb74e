// Pictures: PNG, JPEG and PNM in, PNG out.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace hewn {

/// A picture as stored: rows from the top, channels interleaved (gray, gray + alpha, RGB or RGBA),
/// 8 or 16 bits a channel. 16-bit values use the whole range 0..65535; 8-bit ones 0..255.
struct Image {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 0;          ///< 1 to 4
  int bits = 8;                       ///< 8 or 16
  std::vector<std::uint16_t> values;  ///< height × width × channels
};

/// Throws Error unless the fields of an image that somebody else filled in agree with each other:
/// channels and bits as above, as many values as there should be, none beyond the bits' range.
void check_image(const Image& image);

/// The most pixels that a picture may have where the caller does not say.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

/// Reads a PNG, JPEG or binary PNM (PGM, PPM) file. A palette is expanded; of a CMYK JPEG the RGB
/// values are given, of an animated PNG the still picture; an EXIF orientation is not applied. The
/// file is not trusted: at most `max_pixels` pixels, and never more memory than a file of its
/// length could honestly need. Throws Error, naming the file, what was expected and what came.
Image read_image(const std::filesystem::path& path, std::int64_t max_pixels = kMaxPixels);

/// The picture in the bytes of a file; `name` stands for the file in messages. Otherwise as
/// read_image().
Image decode_image(std::span<const std::byte> file, std::string_view name,
                   std::int64_t max_pixels = kMaxPixels);

/// Writes a PNG with the image's channels and bits, under a temporary name that is then renamed, so
/// that `path` is either the old file or the whole new one. Throws Error, naming the file, on
/// failure, when the image's fields do not agree with each other, or when it has no pixel or more
/// than 512 MiB of them.
void write_png(const std::filesystem::path& path, const Image& image);

/// Gray values in [0, 1] as a {1, h, w, 1} tensor: RGB → gray by ITU-R 601, rounded to the
/// picture's own 8 or 16 bits as Pillow's convert("L") does for 8 (L = (19595 R + 38470 G + 7471 B
/// + 32768) >> 16), then divided by 255 or 65535. Alpha is ignored. Throws Error when the image's
/// fields do not agree with each other.
Tensor to_gray(const Image& image);

/// RGB values in [0, 1] as a {1, h, w, 3} tensor; gray is repeated, alpha ignored. Throws Error as
/// to_gray() does.
Tensor to_rgb(const Image& image);

/// A {1, h, w, c} view of values in [0, 1], c from 1 to 4, as 8-bit pixels: clamped, scaled by 255
/// and rounded to nearest; NaN becomes 0. Throws Error for another shape.
Image from_unit_range(ConstView view);

}  // namespace hewn
