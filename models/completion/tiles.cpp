#include "hewn/models/completion/tiles.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace hewn {

namespace {

/// Rectangles whose sides are at most this are not halved: their windows are nearly all context.
constexpr std::int64_t kLeastSide = 64;

/// How many cells of a rectangle hold wanted pixels, by a table of sums over all rectangles from
/// the corner (Crow, "Summed-area tables for texture mapping", 1984). Rectangles here count cells.
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

  Rectangle all() const { return {0, 0, height_, width_}; }

  /// The smallest rectangle inside this one that holds all that is wanted; empty where nothing is.
  Rectangle shrink(const Rectangle& cells) const {
    const std::int64_t total = count(cells);
    if (total == 0) return {};
    std::int64_t top = cells.top;
    std::int64_t left = cells.left;
    std::int64_t bottom = cells.bottom();
    std::int64_t right = cells.right();
    while (count(Rectangle::of_sides(top + 1, left, bottom, right)) == total) ++top;
    while (count(Rectangle::of_sides(top, left, bottom - 1, right)) == total) --bottom;
    while (count(Rectangle::of_sides(top, left + 1, bottom, right)) == total) ++left;
    while (count(Rectangle::of_sides(top, left, bottom, right - 1)) == total) --right;
    return Rectangle::of_sides(top, left, bottom, right);
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
  std::int64_t count(const Rectangle& r) const {
    return at(r.bottom(), r.right()) - at(r.top, r.right()) - at(r.bottom(), r.left) +
           at(r.top, r.left);
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

  Plan best(Rectangle cells) const {
    cells = cells_.shrink(cells);
    if (cells.height == 0) return {};
    const CompletionTile tile = tile_of(cells);
    const std::int64_t h = tile.window.height;
    const std::int64_t w = tile.window.width;
    const bool fits = limits_.bytes(h, w) <= limits_.max_bytes;
    Plan whole{.pixels = fits ? h * w : kTooLarge, .tiles = {tile}};
    if (std::max(tile.core.height, tile.core.width) <= kLeastSide) {
      require(fits, "completion: expected at least ", limits_.bytes(h, w),
              " bytes of memory for its maps, got ", limits_.max_bytes);
      return whole;
    }
    Rectangle first = cells;
    Rectangle second;
    if (cells.height >= cells.width) {
      first.height = cells.height / 2;
      second = Rectangle::of_sides(first.bottom(), cells.left, cells.bottom(), cells.right());
    } else {
      first.width = cells.width / 2;
      second = Rectangle::of_sides(cells.top, first.right(), cells.bottom(), cells.right());
    }
    Plan halves = best(first);
    Plan rest = best(second);
    if (whole.pixels <= halves.pixels + rest.pixels) return whole;
    halves.pixels += rest.pixels;
    halves.tiles.insert(halves.tiles.end(), rest.tiles.begin(), rest.tiles.end());
    return halves;
  }

  CompletionTile tile_of(const Rectangle& cells) const {
    const std::int64_t cell = limits_.multiple;
    const Rectangle core{cells.top * cell, cells.left * cell, cells.height * cell,
                         cells.width * cell};
    return {.core = core,
            .window = Rectangle::of_sides(std::max<std::int64_t>(core.top - limits_.context, 0),
                                          std::max<std::int64_t>(core.left - limits_.context, 0),
                                          std::min(core.bottom() + limits_.context, shape_.h),
                                          std::min(core.right() + limits_.context, shape_.w))};
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
