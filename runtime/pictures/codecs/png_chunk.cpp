#include "hewn/runtime/pictures/codecs/png_chunk.h"

#include "hewn/runtime/error.h"

namespace hewn::detail {

namespace {

constexpr std::size_t kFrame = 12;  // length, type and checksum

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? 0xedb88320U ^ (crc >> 1U) : crc >> 1U;
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (std::byte byte : bytes) {
    crc = kCrcTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU] ^ (crc >> 8U);
  }
  return ~crc;
}

std::uint32_t read_big_endian(std::span<const std::byte> four) {
  std::uint32_t value = 0;
  for (std::byte byte : four.first(4)) value = value << 8U | std::to_integer<std::uint32_t>(byte);
  return value;
}

void append_big_endian(std::vector<std::byte>& out, std::uint32_t value) {
  for (unsigned shift : {24U, 16U, 8U, 0U}) {
    out.push_back(static_cast<std::byte>((value >> shift) & 0xffU));
  }
}

PngChunk take_chunk(std::span<const std::byte>& rest) {
  require(rest.size() >= kFrame, "the file ends before its chunk IEND");
  const std::size_t length = read_big_endian(rest);
  const PngChunk chunk{{reinterpret_cast<const char*>(rest.data()) + 4, 4}, {}};
  require(length <= rest.size() - kFrame, "chunk ", printable(chunk.type), ": expected ", length,
          " bytes, but the file ends after ", rest.size() - kFrame);
  const auto type_and_data = rest.subspan(4, 4 + length);
  require(read_big_endian(rest.subspan(8 + length)) == crc32(type_and_data), "chunk ",
          printable(chunk.type), ": the checksum is wrong; the file is damaged");
  rest = rest.subspan(kFrame + length);
  return {chunk.type, type_and_data.subspan(4)};
}

void append_chunk(std::vector<std::byte>& out, std::string_view type,
                  std::span<const std::byte> data) {
  append_big_endian(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  const auto* letters = reinterpret_cast<const std::byte*>(type.data());
  out.insert(out.end(), letters, letters + type.size());
  out.insert(out.end(), data.begin(), data.end());
  append_big_endian(out, crc32(std::span(out).subspan(begin)));
}

}  // namespace hewn::detail
