// What reading and writing PNG share: signature and chunks. Internal: not installed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hewn::detail {

inline constexpr std::array<std::byte, 8> kPngSignature{
    std::byte{0x89}, std::byte{'P'},  std::byte{'N'},  std::byte{'G'},
    std::byte{'\r'}, std::byte{'\n'}, std::byte{0x1a}, std::byte{'\n'}};

/// A chunk: a length, a type of four letters, data, and the checksum of type and data.
struct PngChunk {
  std::string_view type;
  std::span<const std::byte> data;
};

/// The number in four bytes, the highest first.
std::uint32_t read_big_endian(std::span<const std::byte> four);

/// Appends the number as four bytes, the highest first.
void append_big_endian(std::vector<std::byte>& out, std::uint32_t value);

/// Cuts the first chunk off `rest`. Throws Error when it is truncated or its checksum is wrong.
PngChunk take_chunk(std::span<const std::byte>& rest);

/// Appends a chunk to `out`. The data is shorter than 2³¹ bytes.
void append_chunk(std::vector<std::byte>& out, std::string_view type,
                  std::span<const std::byte> data);

/// The checksum of `bytes` (ISO 3309, as PNG's annex has it).
std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace hewn::detail
