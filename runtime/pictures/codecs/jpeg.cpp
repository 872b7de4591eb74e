#include "hewn/runtime/pictures/codecs/jpeg.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/codecs/stb_codec.h"

#include <algorithm>

namespace hewn::detail {

namespace {

constexpr std::byte kMarker{0xff};
constexpr std::byte kStartOfImage{0xd8};
constexpr std::byte kStartOfScan{0xda};
constexpr std::byte kHuffmanTables{0xc4};

// Every 8×8 block of the finest component has at least a one-bit code for its mean, in any process
// that stb decodes. So a byte stands for at most 8 blocks.
constexpr std::int64_t kMaxPixelsPerByte = 8 * 64;

// Each scan of a progressive file may visit every block, at the price of a few bytes. Encoders
// write about ten.
constexpr std::int64_t kMaxScans = 256;

/// The length that a segment begins with, of itself and what follows; at least its own 2 bytes.
std::size_t segment_size(std::span<const std::byte> segment) {
  const auto high = std::to_integer<std::size_t>(segment[0]);
  return std::max<std::size_t>(2, high << 8U | std::to_integer<std::size_t>(segment[1]));
}

std::int64_t count_scans(std::span<const std::byte> file) {
  // Inside entropy-coded data 0xff is followed by 0x00 or a restart marker, so no scan is missed; a
  // thumbnail's scans are counted along.
  std::int64_t scans = 0;
  for (std::size_t i = 1; i < file.size(); ++i) {
    if (file[i - 1] == kMarker && file[i] == kStartOfScan) ++scans;
  }
  return scans;
}

/// Throws when a table of the segment that `rest` begins with has more than 256 codes: stb 2.27
/// does not check, and writes past the end of its own table. As stb does, believes the segment's
/// length only after each table.
void check_huffman_tables(std::span<const std::byte> rest) {
  constexpr std::size_t kHeader = 17;  // a table's class and number, and the codes of 16 lengths
  constexpr std::size_t kMaxCodes = 256;
  if (rest.size() < 2) return;
  auto left = static_cast<std::ptrdiff_t>(segment_size(rest)) - 2;
  rest = rest.subspan(2);
  while (left > 0) {
    std::size_t codes = 0;
    for (std::size_t i = 1; i < std::min(rest.size(), kHeader); ++i) {
      codes += std::to_integer<std::size_t>(rest[i]);
    }
    require(codes <= kMaxCodes, "cannot be decoded: a Huffman table of ", codes, " codes");
    left -= static_cast<std::ptrdiff_t>(kHeader + codes);
    rest = rest.subspan(std::min(rest.size(), kHeader + codes));
  }
}

/// Checks the Huffman tables of the whole file. Up to the first scan, segments are walked as their
/// lengths say, which is what stb does; from there on, where stb loses and finds its way by rules
/// of its own, whatever looks like a table has to be a good one.
void check_huffman_tables_of_file(std::span<const std::byte> file) {
  std::size_t at = 2;
  bool in_scans = false;
  while (at + 1 < file.size()) {
    const bool marker = file[at] == kMarker && file[at + 1] != kMarker;
    const std::byte kind = file[at + 1];
    if (!marker) {
      ++at;
      continue;
    }
    at += 2;
    const auto segment = file.subspan(at);
    if (kind == kHuffmanTables) check_huffman_tables(segment);
    in_scans = in_scans || kind == kStartOfScan;
    if (!in_scans && segment.size() >= 2) at += segment_size(segment);
  }
}

/// What stb needs at most: for each of 4 components its samples, and two bytes of coefficients a
/// sample, in whole blocks of up to 32 × 32 pixels; the result; and its state.
std::size_t memory_limit(const PictureSize& size) {
  constexpr std::int64_t kState = std::int64_t{1} << 20;
  return static_cast<std::size_t>(16 * (size.width + 31) * (size.height + 31) + kState);
}

}  // namespace

bool is_jpeg(std::span<const std::byte> file) {
  return file.size() >= 3 && file[0] == kMarker && file[1] == kStartOfImage && file[2] == kMarker;
}

Image decode_jpeg(std::span<const std::byte> file, std::int64_t max_pixels) {
  check_huffman_tables_of_file(file);
  const PictureSize size = stb_jpeg_size(file);
  const std::int64_t pixels = size.width * size.height;
  require(pixels <= max_pixels, "expected at most ", max_pixels, " pixels, got ", size.width, "×",
          size.height);
  const auto length = static_cast<std::int64_t>(file.size());
  require(pixels <= length * kMaxPixelsPerByte, "cannot be decoded: ", size.width, "×", size.height,
          " pixels do not fit into ", length, " bytes of JPEG");
  const std::int64_t scans = count_scans(file);
  require(scans <= kMaxScans, "expected at most ", kMaxScans, " scans, got ", scans);
  return stb_decode(file, 8, memory_limit(size));
}

}  // namespace hewn::detail
