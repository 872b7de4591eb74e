#include "hewn/runtime/jpeg.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/stb_codec.h"

#include <algorithm>

namespace hewn::detail {

namespace {

constexpr std::byte kMarker{0xff};
constexpr std::byte kStartOfImage{0xd8};
constexpr std::byte kStartOfScan{0xda};

// Every 8×8 block of the finest component has at least a one-bit code for its mean, in any process
// that stb decodes. So a byte stands for at most 8 blocks.
constexpr std::int64_t kMaxPixelsPerByte = 8 * 64;

// Each scan of a progressive file may visit every block, at the price of a few bytes. Encoders
// write about ten.
constexpr std::int64_t kMaxScans = 256;

std::int64_t count_scans(std::span<const std::byte> file) {
  // Inside entropy-coded data 0xff is followed by 0x00 or a restart marker, so no scan is missed; a
  // thumbnail's scans are counted along.
  std::int64_t scans = 0;
  for (std::size_t i = 1; i < file.size(); ++i) {
    if (file[i - 1] == kMarker && file[i] == kStartOfScan) ++scans;
  }
  return scans;
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
