#include "app/options/hole.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/geometry.h"

#include <algorithm>
#include <sstream>

#include "app/options/options.h"

namespace hewn::app {

namespace {

Rectangle parse_rectangle(const std::string& text) {
  Rectangle r;
  char comma[3] = {};
  char rest = 0;
  std::istringstream in(text);
  const bool parsed =
      in >> r.left >> comma[0] >> r.top >> comma[1] >> r.width >> comma[2] >> r.height &&
      !(in >> rest) && std::ranges::all_of(comma, [](char c) { return c == ','; });
  if (parsed && r.left >= 0 && r.top >= 0 && r.width >= 1 && r.height >= 1) return r;
  throw UsageError(
      text_of("--rect: expected X,Y,WIDTH,HEIGHT in pixels, as in 100,80,64,64, got '", text, "'"));
}

void cut(const std::string& text, const std::filesystem::path& path, View hole) {
  const Rectangle r = parse_rectangle(text);
  const std::int64_t h = hole.shape.h;
  const std::int64_t w = hole.shape.w;
  require(r.left < w && r.width <= w - r.left && r.top < h && r.height <= h - r.top, "--rect ",
          text, ": expected a rectangle inside of ", path.string(), ", which has ", w, " × ", h,
          " pixels");
  for (std::int64_t y = r.top; y < r.bottom(); ++y) {
    std::fill_n(hole.pixel(0, y, r.left), r.width, 1.0F);
  }
}

/// 1 where a value in [0, 1] is at least a half.
void threshold(View values) {
  for (std::int64_t i = 0; i < values.shape.pixels(); ++i) {
    values.data[i] = values.data[i] >= 0.5F ? 1.0F : 0.0F;
  }
}

void invert(View hole) {
  for (std::int64_t i = 0; i < hole.shape.pixels(); ++i) hole.data[i] = 1 - hole.data[i];
}

Tensor read_mask(const std::filesystem::path& path, const Image& picture) {
  const Image mask = read_image(path);
  require(mask.width == picture.width && mask.height == picture.height, path.string(),
          ": expected a mask of ", picture.width, " × ", picture.height,
          " pixels, the picture's size, got ", mask.width, " × ", mask.height);
  Tensor hole = to_gray(mask);
  threshold(hole.view());
  return hole;
}

/// What is more transparent than not.
Tensor transparent(const Image& picture) {
  Tensor hole({1, picture.height, picture.width, 1});
  const auto opaque = static_cast<float>((1 << picture.bits) - 1);
  const auto channels = static_cast<std::size_t>(picture.channels);
  for (std::size_t i = 0; i < hole.values().size(); ++i) {
    const auto alpha = static_cast<float>(picture.values[(i + 1) * channels - 1]);
    hole.values()[i] = alpha / opaque < 0.5F ? 1.0F : 0.0F;
  }
  return hole;
}

}  // namespace

void add_hole_options(CLI::App& command, HoleOptions& options) {
  const OptionGroup group(command, "Hole");
  auto* mask = group.add("--mask", options.mask, "M",
                         "A picture of the same size, white where pixels are missing");
  group
      .add("--rect", options.rectangles, "X,Y,W,H",
           "A rectangle of missing pixels; several --rect make several holes")
      ->take_all()
      ->excludes(mask);
  group.add_flag("--invert-mask", options.invert, "Take what would be missing for what is known");
}

Tensor read_hole(const HoleOptions& options, const std::filesystem::path& path,
                 const Image& picture) {
  const auto hole_of = [&]() -> Tensor {
    if (!options.mask.empty()) return read_mask(options.mask, picture);
    if (!options.rectangles.empty()) {
      Tensor hole({1, picture.height, picture.width, 1});
      fill(hole.view(), 0);
      for (const std::string& text : options.rectangles) cut(text, path, hole.view());
      return hole;
    }
    if (picture.channels % 2 == 0) return transparent(picture);
    throw UsageError(text_of("what is missing? Give --mask or --rect, or a picture with an alpha ",
                             "channel, which ", path.string(), " has not"));
  };
  Tensor hole = hole_of();
  if (options.invert) invert(hole.view());
  return hole;
}

}  // namespace hewn::app
