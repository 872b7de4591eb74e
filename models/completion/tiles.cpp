#include "hewn/models/completion/tiles.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hewn {

namespace {

/// Boxes whose sides are at most this are not halved: their windows are nearly all context.
constexpr std::int64_t kLeastSide = 64;

/// How many cells of a box hold wanted pixels, by a table of sums over all boxes from the corner
/// (Crow, "Summed-area tables for texture mapping", 1984). Boxes here count cells.
class WantedCells {
 public:
  WantedCells(ConstView wanted, std::int64_t cell)
      : height_(wanted.shape.h / cell),
        width_(wanted.shape.w / cell),
        sums_(static_cast<std::size_t>((height_ + 1) * (width_ + 1))) {
    for (std::int64_t y = 0; y < height_; ++y) {
      for (std::int64_t x = 0; x < width_; ++x) {
        const bool any = any_wanted(wanted, y * cell, x * cell, cell);
        at(y + 1, x + 1) = at(y, x + 1) + at(y + 1, x) - at(y, x) + (any ? 1 : 0);
      }
    }
  }

  Box all() const { return {0, 0, height_, width_}; }

  /// The smallest box inside this one that holds all that is wanted; empty where nothing is.
  Box shrink(Box box) const {
    const std::int64_t total = count(box);
    if (total == 0) return {};
    while (count({box.top + 1, box.left, box.bottom, box.right}) == total) ++box.top;
    while (count({box.top, box.left, box.bottom - 1, box.right}) == total) --box.bottom;
    while (count({box.top, box.left + 1, box.bottom, box.right}) == total) ++box.left;
    while (count({box.top, box.left, box.bottom, box.right - 1}) == total) --box.right;
    return box;
  }

 private:
  static bool any_wanted(ConstView wanted, std::int64_t top, std::int64_t left, std::int64_t cell) {
    for (std::int64_t y = top; y < top + cell; ++y) {
      for (std::int64_t x = left; x < left + cell; ++x) {
        if (*wanted.pixel(0, y, x) != 0) return true;
      }
    }
    return false;
  }

  std::int64_t& at(std::int64_t y, std::int64_t x) {
    return sums_[static_cast<std::size_t>(y * (width_ + 1) + x)];
  }
  std::int64_t at(std::int64_t y, std::int64_t x) const {
    return sums_[static_cast<std::size_t>(y * (width_ + 1) + x)];
  }
  std::int64_t count(const Box& box) const {
    return at(box.bottom, box.right) - at(box.top, box.right) - at(box.bottom, box.left) +
           at(box.top, box.left);
  }

  std::int64_t height_;
  std::int64_t width_;
  std::vector<std::int64_t> sums_;
};

class Planner {
 public:
  Planner(ConstView wanted, const TileLimits& limits)
      : limits_(limits), shape_(wanted.shape), cells_(wanted, limits.multiple) {}

  std::vector<CompletionTile> plan() const { return best(cells_.all()).tiles; }

 private:
  static constexpr std::int64_t kTooLarge = std::numeric_limits<std::int64_t>::max();

  struct Plan {
    std::int64_t pixels = 0;  // of all windows
    std::vector<CompletionTile> tiles;
  };

  Plan best(Box cells) const {
    cells = cells_.shrink(cells);
    if (cells.height() == 0) return {};
    const CompletionTile tile = tile_of(cells);
    const std::int64_t h = tile.window.height();
    const std::int64_t w = tile.window.width();
    const bool fits = limits_.bytes(h, w) <= limits_.max_bytes;
    Plan whole{.pixels = fits ? h * w : kTooLarge, .tiles = {tile}};
    if (std::max(tile.core.height(), tile.core.width()) <= kLeastSide) {
      require(fits, "completion: expected at least ", limits_.bytes(h, w),
              " bytes of memory for its maps, got ", limits_.max_bytes);
      return whole;
    }
    Box first = cells;
    Box second = cells;
    if (cells.height() >= cells.width()) {
      first.bottom = second.top = cells.top + cells.height() / 2;
    } else {
      first.right = second.left = cells.left + cells.width() / 2;
    }
    Plan halves = best(first);
    Plan rest = best(second);
    if (whole.pixels <= halves.pixels + rest.pixels) return whole;
    halves.pixels += rest.pixels;
    halves.tiles.insert(halves.tiles.end(), rest.tiles.begin(), rest.tiles.end());
    return halves;
  }

  CompletionTile tile_of(const Box& cells) const {
    const std::int64_t cell = limits_.multiple;
    const Box core{cells.top * cell, cells.left * cell, cells.bottom * cell, cells.right * cell};
    return {.core = core,
            .window = {std::max<std::int64_t>(core.top - limits_.context, 0),
                       std::max<std::int64_t>(core.left - limits_.context, 0),
                       std::min(core.bottom + limits_.context, shape_.h),
                       std::min(core.right + limits_.context, shape_.w)}};
  }

  const TileLimits& limits_;
  Nhwc shape_;
  WantedCells cells_;
};

}  // namespace

std::vector<CompletionTile> plan_tiles(ConstView wanted, const TileLimits& limits) {
  const Nhwc& s = wanted.shape;
  require(s.n == 1 && s.c == 1 && s.h % limits.multiple == 0 && s.w % limits.multiple == 0,
          "completion: expected a map of one picture whose sides are multiples of ",
          limits.multiple, ", got ", s);
  return Planner(wanted, limits).plan();
}

}  // namespace hewn
