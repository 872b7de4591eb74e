// A picture whose sides stay needs no case of its own: the cubic is 1 at 0 and 0 at all other whole
// numbers, so every weight comes out as exactly 0 or 1.
#include "hewn/runtime/pictures/pillow_resize.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hewn {

namespace {

constexpr std::int64_t kColours = 3;

/// What 32 bits have left beside the 8 of a value and 2 for sums beyond its range.
constexpr int kFractionBits = 22;
constexpr std::int32_t kOne = 1 << kFractionBits;
constexpr std::int32_t kHalf = kOne / 2;

/// How far the cubic reaches where it is not stretched.
constexpr double kReach = 2;

/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with his own a.
double keys_cubic(double d) {
  constexpr double a = -0.5;
  d = std::abs(d);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < kReach) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/// Halves away from zero.
std::int32_t to_fixed_point(double weight) {
  return static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * kOne);
}

/// Halves up.
std::int64_t nearest_pixel(double position) {
  return static_cast<std::int64_t>(std::floor(position + 0.5));
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

/// The input pixels that an output pixel takes, and how much of each.
struct Window {
  std::int64_t begin;
  std::span<const std::int32_t> weights;
};

/// Output pixels [first, first + count) of an axis that is resized from `in` to `out` pixels.
class Axis {
 public:
  Axis(std::int64_t in, std::int64_t out, std::int64_t first, std::int64_t count, Arena& arena)
      : in_(in),
        step_(static_cast<double>(in) / static_cast<double>(out)),
        stretch_(std::max(step_, 1.0)),
        windows_(arena.allocate<Window>(count)) {
    const auto widest = static_cast<std::int64_t>(std::ceil(kReach * stretch_)) * 2 + 1;
    const std::int64_t room = std::min(widest, in);
    auto weights = arena.allocate<std::int32_t>(checked_multiply(count, room, "pillow_resize"));
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      windows_[at] = window_at(static_cast<double>(first + i), weights);
      weights = weights.subspan(windows_[at].weights.size());
    }
  }

  std::span<const Window> windows() const { return windows_; }
  std::int64_t count() const { return static_cast<std::int64_t>(windows_.size()); }
  /// The input pixels that are taken at all.
  std::int64_t begin() const { return windows_.front().begin; }
  std::int64_t end() const {
    return windows_.back().begin + static_cast<std::int64_t>(windows_.back().weights.size());
  }

 private:
  /// Puts the weights at the beginning of `room`.
  Window window_at(double pixel, std::span<std::int32_t> room) const {
    const double centre = (pixel + 0.5) * step_;
    const double reach = kReach * stretch_;
    const auto begin = std::max<std::int64_t>(nearest_pixel(centre - reach), 0);
    const std::int64_t end = std::min(nearest_pixel(centre + reach), in_);
    const auto weight = [&](std::int64_t i) {
      // Step by step as Pillow rounds it.
      return keys_cubic((static_cast<double>(i) - centre + 0.5) * (1 / stretch_));
    };
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += weight(i);
    const auto weights = room.first(static_cast<std::size_t>(end - begin));
    for (std::int64_t i = begin; i < end; ++i) {
      weights[static_cast<std::size_t>(i - begin)] = to_fixed_point(weight(i) / sum);
    }
    return {begin, weights};
  }

  std::int64_t in_;
  double step_;     // input pixels an output pixel
  double stretch_;  // of the cubic
  std::span<Window> windows_;
};

/// What a pass resizes: rows of the picture itself, or of what the first pass left.
template <typename Value>
struct PassInput {
  const Value* values;  ///< the first pixel that the part sees
  std::int64_t stride;  ///< values from row to row
  std::int64_t channels;
};

/// RGB of one row along x.
template <typename Value>
void resize_row(const PassInput<Value>& rows, std::int64_t y, const Axis& columns,
                std::uint8_t* rgb) {
  const bool gray = rows.channels < kColours;
  const std::int64_t green = gray ? 0 : 1;
  const std::int64_t blue = gray ? 0 : 2;
  for (const Window& window : columns.windows()) {
    const Value* from =
        rows.values + y * rows.stride + rows.channels * (window.begin - columns.begin());
    std::int32_t sums[kColours] = {kHalf, kHalf, kHalf};
    for (const std::int32_t weight : window.weights) {
      sums[0] += weight * from[0];
      sums[1] += weight * from[green];
      sums[2] += weight * from[blue];
      from += rows.channels;
    }
    for (const std::int32_t sum : sums) *rgb++ = to_byte(sum);
  }
}

/// One row along y, all channels; `sums` has room for its values.
template <typename Value>
void combine_rows(const PassInput<Value>& rows, const Axis& axis, std::int64_t y,
                  std::span<std::int32_t> sums, std::uint8_t* out) {
  const Window& window = axis.windows()[static_cast<std::size_t>(y)];
  const Value* row = rows.values + rows.stride * (window.begin - axis.begin());
  std::ranges::fill(sums, kHalf);
  for (const std::int32_t weight : window.weights) {
    const Value* value = row;
    for (std::int32_t& sum : sums) sum += weight * *value++;
    row += rows.stride;
  }
  std::ranges::transform(sums, out, to_byte);
}

/// Both passes, in either order, over what the part sees of the picture.
class Resize {
 public:
  Resize(const Image& picture, const ResizedPart& part, Context& ctx)
      : ctx_(ctx),
        columns_(picture.width, part.width, part.left, part.columns, ctx.arena()),
        rows_(picture.height, part.height, part.top, part.rows, ctx.arena()),
        picture_{.values = picture.values.data() +
                           (rows_.begin() * picture.width + columns_.begin()) * picture.channels,
                 .stride = picture.width * picture.channels,
                 .channels = picture.channels} {}

  void width_first(std::uint8_t* rgb) const {
    const std::int64_t count = rows_.end() - rows_.begin();
    const std::int64_t stride = kColours * columns_.count();
    std::uint8_t* narrow = allocate(count, stride);
    resize_width(picture_, count, narrow);
    resize_height(PassInput<std::uint8_t>{narrow, stride, kColours}, stride, rgb);
  }

  void height_first(std::uint8_t* rgb) const {
    const std::int64_t channels = picture_.channels;
    const std::int64_t stride = channels * (columns_.end() - columns_.begin());
    std::uint8_t* low = allocate(rows_.count(), stride);
    resize_height(picture_, stride, low);
    resize_width(PassInput<std::uint8_t>{low, stride, channels}, rows_.count(), rgb);
  }

 private:
  /// Rows that are worth waking a thread for.
  static constexpr std::int64_t kGrain = 8;

  std::uint8_t* allocate(std::int64_t count, std::int64_t stride) const {
    return ctx_.arena().allocate<std::uint8_t>(checked_multiply(count, stride)).data();
  }

  template <typename Value>
  void resize_width(const PassInput<Value>& rows, std::int64_t count, std::uint8_t* rgb) const {
    parallel_for(ctx_, count, kGrain, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t y = begin; y < end; ++y) {
        resize_row(rows, y, columns_, rgb + y * kColours * columns_.count());
      }
    });
  }

  template <typename Value>
  void resize_height(const PassInput<Value>& rows, std::int64_t values, std::uint8_t* out) const {
    const auto sums = ctx_.arena().allocate<std::int32_t>(checked_multiply(ctx_.threads(), values));
    parallel_for(ctx_, rows_.count(), kGrain,
                 [&](std::int64_t begin, std::int64_t end, int worker) {
                   const auto own = sums.subspan(static_cast<std::size_t>(worker * values),
                                                 static_cast<std::size_t>(values));
                   for (std::int64_t y = begin; y < end; ++y) {
                     combine_rows(rows, rows_, y, own, out + y * values);
                   }
                 });
  }

  Context& ctx_;
  Axis columns_;
  Axis rows_;
  PassInput<std::uint16_t> picture_;
};

/// The upper half of 16 bits.
Image eight_bits(const Image& picture) {
  Image result = picture;
  result.bits = 8;
  for (std::uint16_t& value : result.values) value = static_cast<std::uint16_t>(value >> 8U);
  return result;
}

void check_side(const char* side, std::int64_t whole, std::int64_t first, std::int64_t count) {
  require(first >= 0 && count >= 1 && first <= whole - count, "pillow_resize: ", side,
          ": expected a part within ", whole, " pixels, got ", count, " from ", first);
}

}  // namespace

void pillow_resize(const Image& picture, const ResizedPart& part, std::span<std::uint8_t> rgb,
                   Context& ctx) {
  check_image(picture);
  require(!picture.values.empty(), "pillow_resize: expected a picture, got one of ", picture.width,
          "×", picture.height, " pixels");
  check_side("height", part.height, part.top, part.rows);
  check_side("width", part.width, part.left, part.columns);
  const std::int64_t values = checked_multiply(checked_multiply(part.rows, part.columns), kColours);
  require(std::cmp_equal(rgb.size(), values), "pillow_resize: expected room for ", values,
          " values, got ", rgb.size());
  if (picture.bits == 16) {
    pillow_resize(eight_bits(picture), part, rgb, ctx);
    return;
  }
  const auto bytes = sizeof(std::uint16_t) * picture.values.size() + rgb.size();
  const ProfileScope profile(ctx.profiler(), "pillow_resize", "",
                             {.flops = 0, .bytes = static_cast<double>(bytes)});
  const Arena::Scope scope(ctx.arena());
  const Resize resize(picture, part, ctx);
  const std::int64_t narrower = picture.width - part.width;
  const std::int64_t lower = picture.height - part.height;
  if (lower > std::max<std::int64_t>(2 * narrower, 0)) {
    resize.height_first(rgb.data());
  } else {
    resize.width_first(rgb.data());
  }
}

}  // namespace hewn
