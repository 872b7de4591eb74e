#include "hewn/models/completion/paint.h"

#include "hewn/models/completion/tiles.h"
#include "hewn/runtime/error.h"

#include <algorithm>

namespace hewn {

namespace {

/// The pixel that stands for pixel i of a side that is padded by reflection; the border itself is
/// not repeated.
std::int64_t reflect(std::int64_t i, std::int64_t side) {
  if (side == 1) return 0;
  const std::int64_t period = 2 * (side - 1);
  return std::min(i % period, period - i % period);
}

/// Where the network's output is wanted, on the padded picture.
Tensor wanted_pixels(ConstView mask, bool everywhere) {
  const Nhwc& s = mask.shape;
  constexpr std::int64_t kMultiple = CompletionNetwork::kMultiple;
  Tensor wanted({1, round_up(s.h, kMultiple), round_up(s.w, kMultiple), 1});
  fill(wanted.view(), everywhere ? 1.0F : 0.0F);
  if (everywhere) return wanted;
  for (std::int64_t y = 0; y < s.h; ++y) {
    for (std::int64_t x = 0; x < s.w; ++x) {
      if (*mask.pixel(0, y, x) == 0) continue;
      const std::int64_t left = std::max<std::int64_t>(x - 1, 0);
      const std::int64_t right = std::min(x + 2, s.w);
      for (std::int64_t i = std::max<std::int64_t>(y - 1, 0); i < std::min(y + 2, s.h); ++i) {
        std::fill_n(wanted.view().pixel(0, i, left), right - left, 1.0F);
      }
    }
  }
  return wanted;
}

class Painter {
 public:
  Painter(const CompletionNetwork& network, ConstView picture, ConstView mask, View raw,
          Context& ctx)
      : network_(network), picture_(picture), mask_(mask), raw_(raw), ctx_(ctx) {}

  std::int64_t bytes(std::int64_t h, std::int64_t w) const {
    const std::int64_t channels = network_.in_channels() + raw_.shape.c;
    return checked_add(network_.bytes(h, w, ctx_),
                       checked_multiply(h * w * channels, sizeof(float)), "completion");
  }

  void paint(const CompletionTile& tile) {
    Arena& arena = ctx_.arena();
    arena.reserve(bytes(tile.window.height, tile.window.width));
    const Arena::Scope scope(arena);
    const View y = arena.view({1, tile.window.height, tile.window.width, raw_.shape.c});
    {
      const Arena::Scope inputs(arena);
      const View x = arena.view({1, y.shape.h, y.shape.w, network_.in_channels()});
      prepare(tile.window, x);
      network_.forward(x, y, ctx_);
    }
    const Rectangle& core = tile.core;
    const std::int64_t rows = std::min(core.bottom(), raw_.shape.h) - core.top;
    const std::int64_t columns = std::min(core.right(), raw_.shape.w) - core.left;
    copy(y.window(core.top - tile.window.top, core.left - tile.window.left, rows, columns),
         raw_.window(core.top, core.left, rows, columns));
  }

 private:
  /// What the network takes of a window of the padded picture.
  void prepare(const Rectangle& window, View x) {
    const Arena::Scope scope(ctx_.arena());
    const View picture = ctx_.arena().view({1, 1, x.shape.w, picture_.shape.c});
    const View mask = ctx_.arena().view({1, 1, x.shape.w, 1});
    for (std::int64_t i = 0; i < x.shape.h; ++i) {
      const std::int64_t row = reflect(window.top + i, mask_.shape.h);
      for (std::int64_t j = 0; j < x.shape.w; ++j) {
        const std::int64_t column = reflect(window.left + j, mask_.shape.w);
        std::copy_n(picture_.pixel(0, row, column), picture_.shape.c, picture.pixel(0, 0, j));
        *mask.pixel(0, 0, j) = *mask_.pixel(0, row, column);
      }
      network_.prepare(picture, mask, x.rows(i, i + 1));
    }
  }

  const CompletionNetwork& network_;
  ConstView picture_;
  ConstView mask_;
  View raw_;
  Context& ctx_;
};

}  // namespace

Painting paint_holes(const CompletionNetwork& network, ConstView picture, ConstView mask,
                     const PaintOptions& options, Context& ctx) {
  const Nhwc& s = picture.shape;
  require(s.n == 1 && s.c == 3 && s.h >= 1 && s.w >= 1 && mask.shape == Nhwc{1, s.h, s.w, 1},
          "completion: expected an RGB picture and a mask of its size, got ", s, " and ",
          mask.shape);
  for (std::int64_t i = 0; i < mask.shape.pixels(); ++i) {
    const float value = *mask.pixel(i);
    require(value == 0 || value == 1, "completion: expected a mask of 0 and 1, got ", value);
  }
  Painting painting{.raw = Tensor::copy_of(picture)};
  Painter painter(network, picture, mask, painting.raw.view(), ctx);
  const std::vector<CompletionTile> tiles =
      plan_tiles(wanted_pixels(mask, options.everywhere).view(),
                 {.multiple = CompletionNetwork::kMultiple,
                  .context = CompletionNetwork::kContext,
                  .max_bytes = options.max_bytes,
                  .bytes = [&](std::int64_t h, std::int64_t w) { return painter.bytes(h, w); }});
  painting.tiles = static_cast<std::int64_t>(tiles.size());
  const auto report = [&](std::int64_t done) {
    if (options.progress) options.progress(done, painting.tiles);
  };
  for (std::int64_t i = 0; i < painting.tiles; ++i) {
    report(i);
    painter.paint(tiles[static_cast<std::size_t>(i)]);
  }
  report(painting.tiles);
  return painting;
}

}  // namespace hewn
