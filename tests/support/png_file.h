// PNG files as other programs write them, or should not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace hewn::test {

using Bytes = std::vector<std::byte>;

/// The bytes of a text, or of a list of numbers from 0 to 255.
Bytes bytes_of(std::string_view text);
Bytes bytes_of(std::initializer_list<int> numbers);

struct PngChunkToWrite {
  std::string_view type;
  Bytes data;
};

/// The fields of an IHDR chunk.
struct PngHeader {
  std::uint32_t width = 1;
  std::uint32_t height = 1;
  int depth = 8;
  int color = 0;
  int interlace = 0;
};

/// The 13 bytes of an IHDR chunk.
Bytes ihdr(const PngHeader& header);

/// A PNG signature and these chunks, with right checksums.
Bytes png_of_chunks(const std::vector<PngChunkToWrite>& chunks);

/// A whole file: IHDR, the chunks of `before`, IDAT with the compressed rows (each begins with the
/// number of its filter), IEND.
Bytes png_file(const PngHeader& header, const Bytes& rows,
               const std::vector<PngChunkToWrite>& before = {});

/// Makes every checksum of a damaged file right again, as far as its chunks can be followed.
void repair_checksums(Bytes& file);

}  // namespace hewn::test
