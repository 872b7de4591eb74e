#include "tests/support/png_file.h"

#include "hewn/runtime/pictures/codecs/png_chunk.h"
#include "hewn/runtime/pictures/codecs/stb_codec.h"

#include <algorithm>
#include <span>

namespace hewn::test {

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

Bytes bytes_of(std::initializer_list<int> numbers) {
  Bytes bytes;
  for (int number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

Bytes ihdr(const PngHeader& header) {
  Bytes bytes;
  detail::append_big_endian(bytes, header.width);
  detail::append_big_endian(bytes, header.height);
  for (int field : {header.depth, header.color, 0, 0, header.interlace}) {
    bytes.push_back(static_cast<std::byte>(field));
  }
  return bytes;
}

Bytes png_of_chunks(const std::vector<PngChunkToWrite>& chunks) {
  Bytes file(detail::kPngSignature.begin(), detail::kPngSignature.end());
  for (const PngChunkToWrite& chunk : chunks) detail::append_chunk(file, chunk.type, chunk.data);
  return file;
}

Bytes png_file(const PngHeader& header, const Bytes& rows,
               const std::vector<PngChunkToWrite>& before) {
  std::vector<PngChunkToWrite> chunks{{"IHDR", ihdr(header)}};
  chunks.insert(chunks.end(), before.begin(), before.end());
  chunks.push_back({"IDAT", detail::zlib_compress(rows)});
  chunks.push_back({"IEND", {}});
  return png_of_chunks(chunks);
}

void repair_checksums(Bytes& file) {
  std::size_t at = detail::kPngSignature.size();
  while (at + 12 <= file.size()) {
    const std::size_t length = detail::read_big_endian(std::span(file).subspan(at));
    if (length > file.size() - at - 12) return;
    Bytes checksum;
    detail::append_big_endian(checksum, detail::crc32(std::span(file).subspan(at + 4, length + 4)));
    std::copy(checksum.begin(), checksum.end(),
              file.begin() + static_cast<std::ptrdiff_t>(at + 8 + length));
    at += length + 12;
  }
}

}  // namespace hewn::test
