#include "hewn/models/tasks/optical_flow/flow_file.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/atomic_file.h"
#include "hewn/runtime/files/input_file.h"
#include "hewn/runtime/naming.h"
#include "hewn/runtime/pictures/codecs/png.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace hewn {

namespace {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian numbers, and are read as they lie");

constexpr std::string_view kFloTag = "PIEH";
constexpr float kFloUnknown = 1e10F;
constexpr std::size_t kMaxFile = std::size_t{12} + std::size_t{8} * kMaxPixels;

/// What a .flo begins with, as it lies in the file.
struct FloHeader {
  std::array<char, kFloTag.size()> tag{};
  std::int32_t width = 0;
  std::int32_t height = 0;
};
static_assert(sizeof(FloHeader) == 12);

bool is_flo(std::span<const std::byte> file) {
  return file.size() >= kFloTag.size() &&
         std::memcmp(file.data(), kFloTag.data(), kFloTag.size()) == 0;
}

FloHeader parse_flo_header(std::span<const std::byte> file) {
  FloHeader header;
  require(file.size() >= sizeof header, "expected a .flo of at least ", sizeof header,
          " bytes, got ", file.size());
  std::memcpy(&header, file.data(), sizeof header);
  require(is_flo(file), "expected a .flo, which begins with ", kFloTag,
          ", got a file that begins with ", printable({header.tag.data(), header.tag.size()}));
  const std::int64_t width = header.width;
  const std::int64_t height = header.height;
  require(width >= 1 && height >= 1 && width <= kMaxPixels / height, "expected 1 to ", kMaxPixels,
          " pixels, got ", width, "×", height);
  const std::int64_t size = 12 + 8 * width * height;
  require(std::cmp_equal(file.size(), size), "expected 12 + 8 × ", width, " × ", height, " = ",
          size, " bytes, got ", file.size());
  return header;
}

/// The mask of what is_known() accepts; all else becomes 0.
Tensor take_unknown_out(View flow) {
  Tensor valid({1, flow.shape.h, flow.shape.w, 1});
  float* mask = valid.view().data;
  for (std::int64_t i = 0; i < flow.shape.pixels(); ++i) {
    float* vector = flow.data + 2 * i;
    mask[i] = is_known(vector) ? 1.0F : 0.0F;
    if (!is_known(vector)) std::fill_n(vector, 2, 0.0F);
  }
  return valid;
}

FlowField parse_flo(std::span<const std::byte> file) {
  const FloHeader header = parse_flo_header(file);
  FlowField field{.flow = Tensor({1, header.height, header.width, 2}), .valid = {}};
  const auto vectors = file.subspan(sizeof header);
  std::memcpy(field.flow.values().data(), vectors.data(), vectors.size());
  field.valid = take_unknown_out(field.flow.view());
  return field;
}

// KITTI's numbers: 64 steps to a pixel, 0 in the middle of 16 bits.
constexpr double kKittiSteps = 64;
constexpr double kKittiZero = 32768;
constexpr double kKittiLargest = 65535;

FlowField parse_kitti_flow(std::span<const std::byte> file, std::string_view name) {
  require(detail::is_png(file), name, ": expected a PNG, got a file that does not begin like one");
  const Image image = decode_image(file, name);
  require(image.channels == 3 && image.bits == 16, name,
          ": expected flow as 16-bit RGB, got a picture of ", image.channels, " channels of ",
          image.bits, " bits");
  FlowField field{.flow = Tensor({1, image.height, image.width, 2}),
                  .valid = Tensor({1, image.height, image.width, 1})};
  float* vector = field.flow.view().data;
  for (std::size_t i = 0; i < field.valid.values().size(); ++i, vector += 2) {
    const std::uint16_t* rgb = &image.values[3 * i];
    const bool valid = rgb[2] != 0;
    field.valid.values()[i] = valid ? 1.0F : 0.0F;
    for (int c = 0; c < 2; ++c) {
      vector[c] = valid ? static_cast<float>((rgb[c] - kKittiZero) / kKittiSteps) : 0.0F;
    }
  }
  return field;
}

/// Throws, naming the file, unless there is something to write.
void check_written(const std::filesystem::path& path, ConstView flow,
                   const std::optional<ConstView>& valid) {
  require_flow(path.string(), flow, valid);
  const Nhwc& s = flow.shape;
  require(s.w >= 1 && s.h >= 1 && s.w <= kMaxPixels / s.h, path.string(), ": expected 1 to ",
          kMaxPixels, " pixels, got ", s.w, "×", s.h);
}

}  // namespace

FlowField decode_flo(std::span<const std::byte> file, std::string_view name) {
  return detail::naming(name, [&] { return parse_flo(file); });
}

FlowField decode_kitti_flow(std::span<const std::byte> file, std::string_view name) {
  return parse_kitti_flow(file, name);
}

FlowField decode_flow(std::span<const std::byte> file, std::string_view name) {
  if (detail::is_png(file)) return decode_kitti_flow(file, name);
  require(is_flo(file), name,
          ": expected flow as Middlebury's .flo or KITTI's PNG, got a file that begins like "
          "neither");
  return decode_flo(file, name);
}

FlowField read_flo(const std::filesystem::path& path) {
  return decode_flo(detail::read_file(path, kMaxFile), path.string());
}

FlowField read_kitti_flow(const std::filesystem::path& path) {
  return decode_kitti_flow(detail::read_file(path, kMaxFile), path.string());
}

FlowField read_flow(const std::filesystem::path& path) {
  return decode_flow(detail::read_file(path, kMaxFile), path.string());
}

void write_flo(const std::filesystem::path& path, ConstView flow, std::optional<ConstView> valid) {
  check_written(path, flow, valid);
  FloHeader header{.width = static_cast<std::int32_t>(flow.shape.w),
                   .height = static_cast<std::int32_t>(flow.shape.h)};
  std::ranges::copy(kFloTag, header.tag.begin());
  detail::AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  std::vector<float> row(static_cast<std::size_t>(2 * flow.shape.w));
  for (std::int64_t y = 0; y < flow.shape.h; ++y) {
    float* to = row.data();
    for (std::int64_t x = 0; x < flow.shape.w; ++x, to += 2) {
      if (is_known(flow, valid, y, x)) {
        std::copy_n(flow.pixel(0, y, x), 2, to);
      } else {
        std::fill_n(to, 2, kFloUnknown);
      }
    }
    file.write(std::as_bytes(std::span(row)));
  }
  file.commit();
}

std::int64_t write_kitti_flow(const std::filesystem::path& path, ConstView flow,
                              std::optional<ConstView> valid) {
  check_written(path, flow, valid);
  const std::int64_t width = flow.shape.w;
  const std::int64_t height = flow.shape.h;
  Image image{.width = width, .height = height, .channels = 3, .bits = 16, .values = {}};
  image.values.resize(static_cast<std::size_t>(3 * width * height));
  std::uint16_t* rgb = image.values.data();
  std::int64_t clamped = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x, rgb += 3) {
      if (!is_known(flow, valid, y, x)) continue;
      bool fits = true;
      for (int c = 0; c < 2; ++c) {
        const double wanted = std::round(flow.pixel(0, y, x)[c] * kKittiSteps) + kKittiZero;
        const double written = std::clamp(wanted, 0.0, kKittiLargest);
        rgb[c] = static_cast<std::uint16_t>(written);
        fits = fits && written == wanted;
      }
      rgb[2] = 1;
      clamped += fits ? 0 : 1;
    }
  }
  write_png(path, image);
  return clamped;
}

}  // namespace hewn
