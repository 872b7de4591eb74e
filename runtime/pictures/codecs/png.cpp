#include "hewn/runtime/pictures/codecs/png.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/codecs/png_chunk.h"
#include "hewn/runtime/pictures/codecs/stb_codec.h"

#include <algorithm>
#include <string>

namespace hewn::detail {

namespace {

/// The IHDR chunk.
struct Header {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int depth = 0;  // bits a sample
  int color = 0;  // color type
};

Header parse_header(const PngChunk& chunk) {
  require(chunk.type == "IHDR" && chunk.data.size() == 13,
          "expected a chunk IHDR of 13 bytes first, got ", printable(chunk.type), " of ",
          chunk.data.size());
  return {.width = read_big_endian(chunk.data.first(4)),
          .height = read_big_endian(chunk.data.subspan(4, 4)),
          .depth = std::to_integer<int>(chunk.data[8]),
          .color = std::to_integer<int>(chunk.data[9])};
}

/// Walks over all chunks, so that a damaged or truncated file is told from a good one before stb,
/// which looks at no checksum, sees it.
Header check_chunks(std::span<const std::byte> file) {
  std::span<const std::byte> rest = file.subspan(kPngSignature.size());
  const Header header = parse_header(take_chunk(rest));
  for (;;) {
    const PngChunk chunk = take_chunk(rest);
    if (chunk.type == "IEND") return header;
    const bool critical = (chunk.type[0] & 0x20) == 0;  // begins with a capital letter
    require(!critical || chunk.type == "PLTE" || chunk.type == "IDAT", "chunk ",
            printable(chunk.type), " is not known, and the picture cannot do without it");
  }
}

/// The file with its palette filled up with black to 256 entries: a pixel may name an entry that is
/// missing, and stb then shows what happens to lie on its stack. The chunks are known to be good.
std::vector<std::byte> with_full_palette(std::span<const std::byte> file) {
  constexpr std::size_t kFull = std::size_t{256} * 3;
  std::vector<std::byte> out(kPngSignature.begin(), kPngSignature.end());
  std::span<const std::byte> rest = file.subspan(kPngSignature.size());
  for (PngChunk chunk; chunk.type != "IEND";) {
    chunk = take_chunk(rest);
    std::vector<std::byte> data(chunk.data.begin(), chunk.data.end());
    if (chunk.type == "PLTE") {
      require(data.size() % 3 == 0 && data.size() <= kFull, "chunk PLTE: expected up to ", kFull,
              " bytes, three to an entry, got ", data.size());
      data.resize(kFull);
    }
    append_chunk(out, chunk.type, data);
  }
  return out;
}

std::int64_t samples_per_pixel(int color) {
  switch (color) {
    case 2:  // RGB
      return 3;
    case 4:  // gray and alpha
      return 2;
    case 6:  // RGBA
      return 4;
    default:  // gray, palette
      return 1;
  }
}

}  // namespace

bool is_png(std::span<const std::byte> file) {
  return file.size() >= kPngSignature.size() &&
         std::equal(kPngSignature.begin(), kPngSignature.end(), file.begin());
}

Image decode_png(std::span<const std::byte> file, std::int64_t max_pixels) {
  const Header header = check_chunks(file);
  const auto [width, height, depth, color] = header;
  require(width >= 1 && height >= 1 && width <= max_pixels / height, "expected 1 to ", max_pixels,
          " pixels, got ", width, "×", height);
  require(depth >= 1 && depth <= 16, "expected a depth of 1, 2, 4, 8 or 16 bits, got ", depth);

  // A row is a byte that names its filter, and the samples, packed. Deflate makes at most 1032
  // bytes of one: 258 of the quarter of a byte that the shortest codes of a match take.
  constexpr std::int64_t kMaxRatio = 1032;
  const std::int64_t row = 1 + (width * samples_per_pixel(color) * depth + 7) / 8;
  const std::int64_t raw = row * height;
  const auto length = static_cast<std::int64_t>(file.size());
  require(raw <= length * kMaxRatio, "cannot be decoded: ", width, "×", height,
          " pixels do not fit into ", length, " bytes of PNG");

  // stb's buffers: the compressed data, doubled as it comes; the rows, doubled once when
  // interlacing has more of them than stb expects; and the picture for each of up to three steps
  // (interlacing's passes, transparency, palette).
  const int bits = depth == 16 ? 16 : 8;
  const std::int64_t picture = width * height * 4 * (bits / 8);
  constexpr std::int64_t kState = std::int64_t{1} << 16;
  const auto limit = static_cast<std::size_t>(4 * length + 3 * raw + 4 * picture + kState);
  constexpr int kPalette = 3;
  return color == kPalette ? stb_decode(with_full_palette(file), bits, limit)
                           : stb_decode(file, bits, limit);
}

}  // namespace hewn::detail
