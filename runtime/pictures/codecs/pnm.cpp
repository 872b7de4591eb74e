#include "hewn/runtime/pictures/codecs/pnm.h"

#include "hewn/runtime/error.h"

namespace hewn::detail {

namespace {

/// Reads the header's numbers, one after the other.
class HeaderScanner {
 public:
  explicit HeaderScanner(std::span<const std::byte> file) : file_(file) {}

  /// The next number, from 1 to `limit`.
  std::int64_t number(const char* what, std::int64_t limit) {
    skip_space_and_comments();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    for (; is_digit(peek()) && value <= limit; ++at_) value = 10 * value + (peek() - '0');
    require(at_ > begin && value >= 1 && value <= limit, "header: expected a ", what, " from 1 to ",
            limit);
    return value;
  }

  /// What follows the one white-space character after the last number.
  std::span<const std::byte> raster() {
    require(is_space(peek()), "header: expected white space after the maximum");
    return file_.subspan(at_ + 1);
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  /// The character at the cursor, or NUL at the end.
  char peek() const { return at_ < file_.size() ? static_cast<char>(file_[at_]) : '\0'; }

  void skip_space_and_comments() {
    while (is_space(peek()) || peek() == '#') {
      if (peek() == '#') {
        while (at_ < file_.size() && peek() != '\n' && peek() != '\r') ++at_;
      } else {
        ++at_;
      }
    }
  }

  std::span<const std::byte> file_;
  std::size_t at_ = 2;  // past "P5" or "P6"
};

}  // namespace

bool is_pnm(std::span<const std::byte> file) {
  return file.size() >= 2 && file[0] == std::byte{'P'} &&
         (file[1] == std::byte{'5'} || file[1] == std::byte{'6'});
}

Image decode_pnm(std::span<const std::byte> file, std::int64_t max_pixels) {
  constexpr std::int64_t kMaxSide = std::int64_t{1} << 30;
  HeaderScanner header(file);
  Image image;
  image.channels = file[1] == std::byte{'6'} ? 3 : 1;
  image.width = header.number("width", kMaxSide);
  image.height = header.number("height", kMaxSide);
  const auto maximum = static_cast<std::uint32_t>(header.number("maximum", 65535));
  const std::span<const std::byte> raster = header.raster();
  require(image.width <= max_pixels / image.height, "expected at most ", max_pixels,
          " pixels, got ", image.width, "×", image.height);

  image.bits = maximum < 256 ? 8 : 16;
  const std::uint32_t range = maximum < 256 ? 255 : 65535;
  const std::size_t value_size = maximum < 256 ? 1 : 2;
  const auto count = static_cast<std::size_t>(image.width * image.height * image.channels);
  require(raster.size() / value_size >= count, "expected ", count * value_size,
          " bytes of pixels, got ", raster.size());
  image.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at = raster.data() + i * value_size;
    auto value = std::to_integer<std::uint32_t>(at[0]);
    if (value_size == 2) value = value << 8U | std::to_integer<std::uint32_t>(at[1]);
    require(value <= maximum, "expected pixels up to ", maximum, ", got ", value);
    image.values[i] = static_cast<std::uint16_t>((value * range + maximum / 2) / maximum);
  }
  return image;
}

}  // namespace hewn::detail
