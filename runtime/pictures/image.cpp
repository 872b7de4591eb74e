#include "hewn/runtime/pictures/image.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/atomic_file.h"
#include "hewn/runtime/files/input_file.h"
#include "hewn/runtime/naming.h"
#include "hewn/runtime/pictures/codecs/jpeg.h"
#include "hewn/runtime/pictures/codecs/png.h"
#include "hewn/runtime/pictures/codecs/pnm.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hewn {

namespace {

// Larger than any picture of kMaxPixels pixels needs, and within what stb can address.
constexpr std::size_t kMaxFile = std::size_t{1} << 30;

constexpr std::uint32_t full_range(const Image& image) { return image.bits == 8 ? 255 : 65535; }

Image decode(std::span<const std::byte> file, std::int64_t max_pixels) {
  require(file.size() <= kMaxFile, "expected at most ", kMaxFile, " bytes, got ", file.size());
  if (detail::is_png(file)) return detail::decode_png(file, max_pixels);
  if (detail::is_jpeg(file)) return detail::decode_jpeg(file, max_pixels);
  if (detail::is_pnm(file)) return detail::decode_pnm(file, max_pixels);
  fail("expected a PNG, JPEG, PGM or PPM picture, got a file that begins like none of them");
}

/// Applies `convert` to the channels of every pixel.
template <typename Convert>
void for_each_pixel(const Image& image, Convert convert) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t at = 0; at < image.values.size(); at += channels) convert(&image.values[at]);
}

}  // namespace

void check_image(const Image& image) {
  require(image.channels >= 1 && image.channels <= 4, "image: expected 1 to 4 channels, got ",
          image.channels);
  require(image.bits == 8 || image.bits == 16, "image: expected 8 or 16 bits, got ", image.bits);
  const std::int64_t count = Nhwc{1, image.height, image.width, image.channels}.count();
  require(std::cmp_equal(image.values.size(), count), "image: expected ", count, " values for ",
          image.width, "×", image.height, " pixels of ", image.channels, " channels, got ",
          image.values.size());
  const auto range = full_range(image);
  // A plain loop, which the compiler vectorises: std::max_element looks for a place.
  std::uint16_t largest = 0;
  for (const std::uint16_t value : image.values) largest = std::max(largest, value);
  require(largest <= range, "image: expected values up to ", range, ", got ", largest);
}

Image read_image(const std::filesystem::path& path, std::int64_t max_pixels) {
  return decode_image(detail::read_file(path, kMaxFile), path.string(), max_pixels);
}

Image decode_image(std::span<const std::byte> file, std::string_view name,
                   std::int64_t max_pixels) {
  return detail::naming(name, [&] { return decode(file, max_pixels); });
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::byte> png = detail::naming(path.string(), [&] {
    check_image(image);
    return detail::encode_png(image);
  });
  detail::AtomicFile file(path);
  file.write(png);
  file.commit();
}

Tensor to_gray(const Image& image) {
  check_image(image);
  Tensor gray({1, image.height, image.width, 1});
  const auto range = static_cast<float>(full_range(image));
  const bool color = image.channels >= 3;
  float* out = gray.view().data;
  for_each_pixel(image, [&](const std::uint16_t* p) {
    // Sums to 65536 × 65535 at most, which 32 bits hold.
    const std::uint32_t luma =
        color ? (19595U * p[0] + 38470U * p[1] + 7471U * p[2] + 32768U) >> 16U : p[0];
    *out++ = static_cast<float>(luma) / range;
  });
  return gray;
}

Tensor to_rgb(const Image& image) {
  check_image(image);
  Tensor rgb({1, image.height, image.width, 3});
  const auto range = static_cast<float>(full_range(image));
  const bool color = image.channels >= 3;
  float* out = rgb.view().data;
  for_each_pixel(image, [&](const std::uint16_t* p) {
    for (int c = 0; c < 3; ++c) *out++ = static_cast<float>(p[color ? c : 0]) / range;
  });
  return rgb;
}

Image from_unit_range(ConstView view) {
  const Nhwc& s = view.shape;
  require(s.n == 1 && s.c >= 1 && s.c <= 4, "image: expected [n 1, h, w, c 1 to 4], got ", s);
  Image image{.width = s.w, .height = s.h, .channels = s.c, .bits = 8, .values = {}};
  image.values.reserve(static_cast<std::size_t>(s.count()));
  for (std::int64_t pixel = 0; pixel < s.pixels(); ++pixel) {
    for (std::int64_t c = 0; c < s.c; ++c) {
      const float value = view.pixel(pixel)[c];
      const float clamped = value > 0 ? std::min(value, 1.0F) : 0.0F;  // NaN is not above 0
      image.values.push_back(static_cast<std::uint16_t>(std::lround(clamped * 255.0F)));
    }
  }
  return image;
}

}  // namespace hewn
