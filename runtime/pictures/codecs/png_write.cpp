#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/codecs/png.h"
#include "hewn/runtime/pictures/codecs/png_chunk.h"
#include "hewn/runtime/pictures/codecs/stb_codec.h"

#include <array>
#include <cstdlib>

namespace hewn::detail {

namespace {

constexpr int kFilters = 5;

/// Paeth's predictor (the standard's section 9.4): whichever of left, above and upper left is
/// nearest to left + above − upper left.
int paeth(int left, int above, int upper_left) {
  const int to_left = std::abs(above - upper_left);
  const int to_above = std::abs(left - upper_left);
  const int to_upper_left = std::abs(left + above - 2 * upper_left);
  if (to_left <= to_above && to_left <= to_upper_left) return left;
  return to_above <= to_upper_left ? above : upper_left;
}

int predict(int filter, int left, int above, int upper_left) {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) / 2;
    case 4:
      return paeth(left, above, upper_left);
    default:
      return 0;
  }
}

using Row = std::vector<std::byte>;

/// Filters `row` into `out`, and returns the sum of the differences' magnitudes as signed bytes.
std::int64_t filter_row(int filter, const Row& row, const Row& above, std::size_t pixel_size,
                        Row& out) {
  std::int64_t cost = 0;
  out[0] = static_cast<std::byte>(filter);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool first = i < pixel_size;
    const int left = first ? 0 : std::to_integer<int>(row[i - pixel_size]);
    const int upper_left = first ? 0 : std::to_integer<int>(above[i - pixel_size]);
    const int up = std::to_integer<int>(above[i]);
    const int difference = std::to_integer<int>(row[i]) - predict(filter, left, up, upper_left);
    out[i + 1] = static_cast<std::byte>(difference & 0xff);
    cost += std::abs(static_cast<std::int8_t>(difference & 0xff));
  }
  return cost;
}

/// The samples of one row as PNG stores them: 16-bit ones with the high byte first.
void read_row(const Image& image, std::int64_t y, Row& row) {
  const std::int64_t samples = image.width * image.channels;
  const std::uint16_t* from = image.values.data() + y * samples;
  std::size_t at = 0;
  for (std::int64_t i = 0; i < samples; ++i) {
    if (image.bits == 16) row[at++] = static_cast<std::byte>(from[i] >> 8U);
    row[at++] = static_cast<std::byte>(from[i] & 0xffU);
  }
}

/// All rows, each with the filter that leaves the smallest differences: the standard's advice
/// (section 12.7) for what compresses well.
std::vector<std::byte> filter_rows(const Image& image, std::size_t pixel_size) {
  const std::size_t row_size = static_cast<std::size_t>(image.width) * pixel_size;
  Row row(row_size);
  Row above(row_size);
  Row best(row_size + 1);
  Row candidate(row_size + 1);
  std::vector<std::byte> filtered;
  filtered.reserve((row_size + 1) * static_cast<std::size_t>(image.height));
  for (std::int64_t y = 0; y < image.height; ++y) {
    read_row(image, y, row);
    std::int64_t best_cost = filter_row(0, row, above, pixel_size, best);
    for (int filter = 1; filter < kFilters; ++filter) {
      const std::int64_t cost = filter_row(filter, row, above, pixel_size, candidate);
      if (cost >= best_cost) continue;
      best_cost = cost;
      best.swap(candidate);
    }
    filtered.insert(filtered.end(), best.begin(), best.end());
    above.swap(row);
  }
  return filtered;
}

std::vector<std::byte> header_chunk(const Image& image) {
  constexpr std::array<int, 4> kColorTypes{0, 4, 2, 6};  // gray, gray + alpha, RGB, RGBA
  std::vector<std::byte> header;
  append_big_endian(header, static_cast<std::uint32_t>(image.width));
  append_big_endian(header, static_cast<std::uint32_t>(image.height));
  header.push_back(static_cast<std::byte>(image.bits));
  header.push_back(
      static_cast<std::byte>(kColorTypes.at(static_cast<std::size_t>(image.channels - 1))));
  header.resize(13);  // deflate, the five filters, not interlaced: all zero
  return header;
}

}  // namespace

std::vector<std::byte> encode_png(const Image& image) {
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 29;
  const std::int64_t pixel_size = image.channels * image.bits / 8;
  require(!image.values.empty(), "image: expected at least one pixel, got ", image.width, "×",
          image.height);
  require(image.width * pixel_size + 1 <= kMaxBytes / image.height, "image: expected at most ",
          kMaxBytes, " bytes of pixels, got ", image.width, "×", image.height);
  std::vector<std::byte> png(kPngSignature.begin(), kPngSignature.end());
  append_chunk(png, "IHDR", header_chunk(image));
  append_chunk(png, "IDAT",
               zlib_compress(filter_rows(image, static_cast<std::size_t>(pixel_size))));
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace hewn::detail
