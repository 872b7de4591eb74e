// The last map is made in pieces, windows of it, and a piece in stripes of rows. To make rows of a
// map, those of the map before are asked for that they see, and so on, back to the input. Of each
// map between, a piece has a buffer with the rows from the first that is still needed to the last
// that is made; before new ones are made, the others move to its beginning, so that within a piece
// no row is made twice. All windows begin where tiles of the algorithms do, so the bits are those
// of whole maps.
//
// One piece is made by all threads together, link by link. Of several a thread takes one at a time,
// whose rows stay in its L2 from link to link; only the borders between pieces are made twice.
#include "hewn/ops/conv_chain/conv_chain.h"

#include "hewn/ops/conv_chain/link.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <array>

namespace hewn {

namespace {

using link::Range;
using link::Window;

std::int64_t round_down(std::int64_t a, std::int64_t b) { return a / b * b; }
constexpr auto kFloatBytes = static_cast<std::int64_t>(sizeof(float));

/// The whole map of one image, and the link that makes it.
struct Map {
  ConvLink link;
  Nhwc shape;
  Conv2dTile tile;

  /// What a window sees of the map before: whole tiles do, even where they reach beyond the map.
  Window seen(const Window& at, const Nhwc& before) const {
    const Window tiles{{at.rows.begin, round_up(at.rows.end, tile.h)},
                       {at.columns.begin, round_up(at.columns.end, tile.w)}};
    return std::visit([&](const auto& link) { return link::seen(link, tiles, before); }, link);
  }
};

/// The rows of a map that a piece has.
struct Held {
  Window at;
  std::int64_t channels = 0;
  std::int64_t most = 0;  // floats at a time
  float* buffer = nullptr;

  std::int64_t row_floats() const { return at.columns.size() * channels; }
  /// Rows that are there, or have room behind those.
  View rows(const Range& range) const {
    return {buffer + (range.begin - at.rows.begin) * row_floats(),
            {1, range.size(), at.columns.size(), channels}};
  }
};

/// A window of the last map on its way.
class Piece {
 public:
  Piece(std::span<const Map> maps, Window at) : maps_(maps), rows_(at.rows) {
    for (std::size_t i = maps.size(); i-- > 0;) {
      const auto& [link, shape, tile] = maps[i];
      const std::int64_t row = round_down(at.rows.begin, tile.h);
      at.columns = {round_down(at.columns.begin, tile.w),
                    std::min(round_up(at.columns.end, tile.w), shape.w)};
      held_[i] = {.at = {{row, row}, at.columns}, .channels = shape.c};
      if (i > 0) at = maps[i].seen({{row, at.rows.end}, at.columns}, maps[i - 1].shape);
    }
  }

  Held& held(std::size_t i) { return held_[i]; }

  /// Calls make(i, rows) for the rows of map i that come next, when those that they see are there.
  template <typename Make>
  void go_down(std::int64_t stripe, const Make& make) {
    for (std::int64_t row = rows_.begin; row < rows_.end; row += stripe) {
      make_until(maps_.size() - 1, std::min(row + stripe, rows_.end), make);
    }
  }

 private:
  template <typename Make>
  void make_until(std::size_t i, std::int64_t end, const Make& make) {
    Held& held = held_[i];
    Range& there = held.at.rows;
    const Range next{there.end, std::min(round_up(end, maps_[i].tile.h), maps_[i].shape.h)};
    if (next.size() <= 0) return;
    if (i > 0) {
      const Range seen = maps_[i].seen({next, held.at.columns}, maps_[i - 1].shape).rows;
      drop(held_[i - 1], seen.begin);
      make_until(i - 1, seen.end, make);
    }
    make(i, next);
    there.end = next.end;
    held.most = std::max(held.most, there.size() * held.row_floats());
  }

  /// Makes room for more rows.
  static void drop(Held& held, std::int64_t until) {
    const Range rest{std::min(until, held.at.rows.end), held.at.rows.end};
    if (held.buffer != nullptr) {
      std::copy_n(held.rows(rest).data, rest.size() * held.row_floats(), held.buffer);
    }
    held.at.rows = rest;
  }

  std::span<const Map> maps_;
  Range rows_;
  std::array<Held, kMaxConvLinks> held_{};
};

class Chain {
 public:
  Chain(const Nhwc& x, std::span<const ConvLink> links, const Context& ctx)
      : x_{1, x.h, x.w, x.c}, count_(links.size()) {
    Nhwc shape = x_;
    for (std::size_t i = 0; i < count_; ++i) {
      std::visit(
          [&](const auto& link) {
            shape = link::output_shape(link, shape);
            maps_[i] = {links[i], shape, link::tile(link, shape, ctx)};
          },
          links[i]);
    }
    piece_h_ = shape.h;
    piece_w_ = shape.w;
  }

  /// One piece, whose stripes are as high as its buffers may be large. Returns their bytes.
  std::int64_t plan_stripes(std::int64_t buffer_bytes) {
    std::int64_t stripe = last().tile.h;
    while (stripe < last().shape.h && plan_buffers(2 * stripe) <= buffer_bytes) stripe *= 2;
    return plan_buffers(stripe);
  }

  /// Strips of columns, and bands of rows where there are too few strips for the threads. Strips
  /// are as wide as their buffers are a quarter of L2, for the convolutions need the rest; or as
  /// twice the weights, which are read once a stripe and should be worth it.
  void plan_pieces(const Context& ctx) {
    constexpr std::int64_t kStripeRows = 4;
    constexpr std::int64_t kShareOfL2 = 4;
    constexpr std::int64_t kLeastStripes = 8;
    const Nhwc& y = last().shape;
    const Conv2dTile& tile = last().tile;
    const std::int64_t most = std::max(ctx.l2_bytes() / kShareOfL2, 2 * weight_bytes());
    const std::int64_t stripe = round_up(kStripeRows, tile.h);
    const std::int64_t strips = divide_up(plan_buffers(stripe), most);
    piece_w_ = cut(y.w, strips, tile.w);
    const std::int64_t wanted = ctx.threads() == 1 ? 1 : 4 * ctx.threads();
    const std::int64_t bands = divide_up(wanted, divide_up(y.w, piece_w_));
    piece_h_ = cut(y.h, std::min(bands, divide_up(y.h, kLeastStripes * stripe)), tile.h);
    plan_buffers(stripe);
  }

  void allocate(Context& ctx) {
    const int sets = pieces() == 1 ? 1 : ctx.threads();
    for (std::size_t i = 0; i + 1 < count_; ++i) {
      buffers_[i] = ctx.arena().allocate<float>(checked_multiply(sets, floats_[i])).data();
    }
  }

  void run(ConstView x, View y, Context& ctx) const {
    if (pieces() == 1) return run_piece(0, 0, x, y, ctx);
    const std::span<Context> serial = ctx.serial_contexts();
    parallel_for(ctx, pieces(), 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t i = begin; i < end; ++i) {
        run_piece(i, worker, x, y, serial[static_cast<std::size_t>(worker)]);
      }
    });
  }

 private:
  std::span<const Map> maps() const { return {maps_.data(), count_}; }
  const Map& last() const { return maps_[count_ - 1]; }

  /// Of all links but the first, whose input is no buffer.
  std::int64_t weight_bytes() const {
    std::int64_t count = 0;
    for (const Map& map : maps().subspan(1)) {
      count += std::visit([](const auto& link) { return link::weights(link); }, map.link);
    }
    return count * kFloatBytes;
  }

  /// The size of `parts` parts of a side, in whole tiles.
  static std::int64_t cut(std::int64_t side, std::int64_t parts, std::int64_t tile) {
    return round_up(divide_up(side, std::max<std::int64_t>(parts, 1)), tile);
  }

  std::int64_t strips() const { return divide_up(last().shape.w, piece_w_); }
  std::int64_t pieces() const { return strips() * divide_up(last().shape.h, piece_h_); }

  Piece piece(std::int64_t index) const {
    const auto part = [](std::int64_t i, std::int64_t size, std::int64_t whole) {
      return Range{i * size, std::min((i + 1) * size, whole)};
    };
    return {maps(),
            {part(index / strips(), piece_h_, last().shape.h),
             part(index % strips(), piece_w_, last().shape.w)}};
  }

  /// What the buffers of a piece take for this stripe, found by going down all of them: bytes.
  std::int64_t plan_buffers(std::int64_t stripe) {
    stripe_ = stripe;
    floats_ = {};
    for (std::int64_t p = 0; p < pieces(); ++p) {
      Piece piece = this->piece(p);
      piece.go_down(stripe, [](std::size_t, const Range&) {});
      for (std::size_t i = 0; i + 1 < count_; ++i) {
        floats_[i] = std::max(floats_[i], piece.held(i).most);
      }
    }
    return kFloatBytes * std::accumulate(floats_.begin(), floats_.end(), std::int64_t{0});
  }

  void run_piece(std::int64_t index, int worker, ConstView x, View y, Context& ctx) const {
    Piece piece = this->piece(index);
    for (std::size_t i = 0; i + 1 < count_; ++i) {
      piece.held(i).buffer = buffers_[i] + worker * floats_[i];
    }
    piece.go_down(stripe_, [&](std::size_t i, const Range& rows) {
      const Window at{rows, piece.held(i).at.columns};
      const Window seen = i == 0 ? maps_[0].seen(at, x_) : piece.held(i - 1).at;
      const ConstView from = i == 0 ? seen.of(x) : piece.held(i - 1).rows(seen.rows);
      const View to = i + 1 == count_ ? at.of(y) : piece.held(i).rows(rows);
      std::visit(
          [&](const auto& link) { link::make(link, from, seen, to, at, maps_[i].shape, ctx); },
          maps_[i].link);
    });
  }

  Nhwc x_;
  std::size_t count_;
  std::array<Map, kMaxConvLinks> maps_{};
  std::int64_t piece_h_ = 0, piece_w_ = 0;            // of the last map
  std::int64_t stripe_ = 0;                           // rows of it
  std::array<std::int64_t, kMaxConvLinks> floats_{};  // of a piece's buffers
  std::array<float*, kMaxConvLinks> buffers_{};       // each for all threads
};

/// Runs the chain as `plan` has it.
template <typename Plan>
void run(ConstView x, std::span<const ConvLink> links, View y, Context& ctx, const Plan& plan) {
  const Nhwc expected = conv_chain_output_shape(x.shape, links);
  require(y.shape == expected, "conv_chain: expected an output of ", expected, ", got ", y.shape);
  check_operands("conv_chain", "", {{"x", x}}, y);
  if (expected.count() == 0) return;
  const Arena::Scope scope(ctx.arena());
  Chain chain(x.shape, links, ctx);
  plan(chain);
  chain.allocate(ctx);
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const auto part = TracedPart::images(ctx.tracer(), n, x.shape.n);
    chain.run(x.image(n), y.image(n), ctx);
  }
}

}  // namespace

Nhwc conv_chain_output_shape(const Nhwc& x, std::span<const ConvLink> links) {
  require(!links.empty() && links.size() <= kMaxConvLinks, "conv_chain: expected 1 to ",
          kMaxConvLinks, " convolutions, got ", links.size());
  Nhwc shape = x;
  for (const ConvLink& link : links) {
    shape = std::visit([&](const auto& any) { return link::output_shape(any, shape); }, link);
  }
  return shape;
}

void conv_chain(ConstView x, std::span<const ConvLink> links, std::int64_t buffer_bytes, View y,
                Context& ctx) {
  run(x, links, y, ctx, [&](Chain& chain) { chain.plan_stripes(buffer_bytes); });
}

void conv_chain_depth_first(ConstView x, std::span<const ConvLink> links, View y, Context& ctx) {
  run(x, links, y, ctx, [&](Chain& chain) { chain.plan_pieces(ctx); });
}

std::int64_t conv_chain_row_bytes(const Nhwc& x, std::span<const ConvLink> links,
                                  std::int64_t buffer_bytes, const Context& ctx) {
  if (conv_chain_output_shape(x, links).count() == 0) return 0;
  return Chain(x, links, ctx).plan_stripes(buffer_bytes);
}

}  // namespace hewn
