// Flow fields in files: Middlebury's .flo and KITTI's PNG.
//
// A file is not trusted: its length is compared with what it claims before anything of that size is
// allocated. Every function throws Error of one line that begins with the file's name. All are
// thread-safe.
#pragma once

#include "hewn/models/tasks/optical_flow/flow_field.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

namespace hewn {

/// Reads Middlebury's format (Baker et al., "A database and evaluation methodology for optical
/// flow", 2011): the four letters PIEH, which are the float 202021.25; width and height as int32;
/// and for each pixel, row by row, the floats x and y; all little-endian. A vector that is_known()
/// refuses is not valid. Throws Error when the file cannot be read, begins otherwise, has no pixel
/// or more than kMaxPixels, or is not of exactly 12 + 8 × width × height bytes.
FlowField read_flo(const std::filesystem::path& path);

/// Reads KITTI's format (Menze and Geiger, "Object scene flow for autonomous vehicles", 2015): a
/// PNG of 16-bit RGB with x = (R − 2¹⁵) / 64, y = (G − 2¹⁵) / 64, valid where B is not 0. Throws
/// Error when the file cannot be read, is damaged, is not a PNG or one of other channels or bits.
FlowField read_kitti_flow(const std::filesystem::path& path);

/// Reads either format, told by the file's first bytes and not by its name. Throws Error as the
/// format's own function does, and for a file that begins like neither.
FlowField read_flow(const std::filesystem::path& path);

/// As read_flo(), from the bytes of a file; `name` stands for it in messages.
FlowField decode_flo(std::span<const std::byte> file, std::string_view name);
/// As read_kitti_flow(), likewise.
FlowField decode_kitti_flow(std::span<const std::byte> file, std::string_view name);
/// As read_flow(), likewise.
FlowField decode_flow(std::span<const std::byte> file, std::string_view name);

/// Writes Middlebury's format, under a temporary name that is then renamed, so that `path` is
/// either the old file or the whole new one. flow: {1, h, w, 2}, 1 to kMaxPixels pixels; valid:
/// {1, h, w, 1}, above 0 where the vector is valid. Vectors are kept to the bit; what is not valid
/// or is_known() refuses becomes the format's mark for that, (1e10, 1e10). Throws Error for other
/// shapes, or when writing fails.
void write_flo(const std::filesystem::path& path, ConstView flow,
               std::optional<ConstView> valid = std::nullopt);

/// Writes KITTI's format, as write_flo() writes the other. Components are rounded to the nearest
/// 1/64 and clamped to what the format holds, −512 to 511.984375; B is 1 where the vector is valid,
/// and all three are 0 where it is not. Returns how many valid vectors had to be clamped. Throws
/// Error as write_flo() does, and for more than 512 MiB of pixels (6 bytes each).
std::int64_t write_kitti_flow(const std::filesystem::path& path, ConstView flow,
                              std::optional<ConstView> valid = std::nullopt);

}  // namespace hewn
