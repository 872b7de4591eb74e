// Rows are made on demand: to make rows of a map, those of the map before are asked for that the
// kernel sees. Each map between two convolutions is a buffer that holds the rows from the first
// that is still needed to the last that is made; before new ones are made, the others are moved to
// its beginning. Rows are made in whole tiles of the convolution's algorithm, so that the bits are
// those of the whole map.
#include "hewn/ops/conv_chain/conv_chain.h"

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/conv2d/work.h"
#include "hewn/ops/conv_transpose2d/call.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"

#include <algorithm>
#include <array>

namespace hewn {

namespace {

struct Rows {
  std::int64_t begin = 0, end = 0;
};

/// What is inside, and at least one row, so that nobody is handed an empty map.
Rows clamp_rows(const Rows& rows, std::int64_t height) {
  const std::int64_t begin = std::clamp<std::int64_t>(rows.begin, 0, height - 1);
  return {begin, std::clamp(rows.end, begin + 1, height)};
}

/// The rows of the input, of `height` rows, that the rows `y` of the result see.
Rows rows_seen(const PackedConv2d& conv, const Rows& y, std::int64_t height) {
  const Conv2dParams& p = conv.params();
  const std::int64_t begin = y.begin * p.stride_h - p.padding_h;
  const std::int64_t end =
      (y.end - 1) * p.stride_h - p.padding_h + (conv.kernel_h() - 1) * p.dilation_h + 1;
  return clamp_rows({begin, end}, height);
}

Rows rows_seen(const PackedConvTranspose2d& conv, const Rows& y, std::int64_t height) {
  // Input i contributes to i · stride − padding + tap · dilation.
  const ConvTranspose2dParams& p = conv.params();
  const std::int64_t reach = (conv.kernel_h() - 1) * p.dilation_h;
  const std::int64_t begin =
      divide_up(std::max<std::int64_t>(y.begin + p.padding_h - reach, 0), p.stride_h);
  const std::int64_t end = (y.end - 1 + p.padding_h) / p.stride_h + 1;
  return clamp_rows({begin, end}, height);
}

std::int64_t rows_of_tile(const PackedConv2d& conv, const Context& ctx) {
  return conv2d_tile(conv, ctx).h;
}

std::int64_t rows_of_tile(const PackedConvTranspose2d& conv, const Context& ctx) {
  return conv_transpose2d_rows_of_tile(conv, ctx);
}

void check(const PackedConv2d& conv, const Nhwc& y, const Context& ctx) {
  check_conv2d(conv, y, y, ctx);
}

void check(const PackedConvTranspose2d& conv, const Nhwc& y, const Context& ctx) {
  check_conv_transpose2d(conv, y, y, ctx);
}

/// Makes the rows of y, from y_row on of the whole map, of x, which has the rows from x_row on.
void make_rows(const PackedConv2d& conv, ConstView x, std::int64_t x_row, View y,
               std::int64_t y_row, Context& ctx) {
  const ProfileScope profile(ctx.profiler(), "conv2d", conv.name(),
                             conv2d_work(x.shape, conv, y.shape));
  const Conv2dParams& p = conv.params();
  conv2d_run(
      {.x = x, .conv = conv, .y = y, .padding_top = p.padding_h - y_row * p.stride_h + x_row}, ctx);
}

void make_rows(const PackedConvTranspose2d& conv, ConstView x, std::int64_t x_row, View y,
               std::int64_t y_row, Context& ctx) {
  const ProfileScope profile(ctx.profiler(), "conv_transpose2d", conv.name(),
                             conv_transpose2d_work(x.shape, conv, y.shape));
  conv_transpose2d_run({.x = x, .conv = conv, .y = y, .x_row = x_row, .y_row = y_row}, ctx);
}

class Chain {
 public:
  Chain(const Nhwc& x, std::span<const ConvLink> links, const Context& ctx) : count_(links.size()) {
    Nhwc shape{1, x.h, x.w, x.c};
    for (std::size_t i = 0; i < count_; ++i) {
      std::visit(
          [&](const auto* conv) {
            shape = conv->output_shape(shape);
            check(*conv, shape, ctx);
            stages_[i] = {.link = links[i], .shape = shape, .tile = rows_of_tile(*conv, ctx)};
          },
          links[i]);
    }
  }

  /// Chooses how many rows of the last map are made at a time, and returns the size of the buffers
  /// in floats.
  std::int64_t plan(std::int64_t buffer_bytes) {
    const std::int64_t budget = buffer_bytes / static_cast<std::int64_t>(sizeof(float));
    stripe_ = last().tile;
    while (stripe_ < last().shape.h && buffer_floats(2 * stripe_) <= budget) stripe_ *= 2;
    return buffer_floats(stripe_);
  }

  void allocate(Arena& arena) {
    for (Stage& stage : between()) {
      stage.buffer = arena.view({1, stage.capacity, stage.shape.w, stage.shape.c}).data;
    }
  }

  void run(ConstView x, View y, Context& ctx) {
    const std::int64_t height = last().shape.h;
    restart();
    for (std::int64_t row = 0; row < height; row += stripe_) {
      make(count_ - 1, row + stripe_, [&](std::size_t i, std::int64_t until) {
        const Stage& stage = stages_[i];
        const ConstView from = i == 0 ? x : ConstView(rows_of(stages_[i - 1]));
        const std::int64_t from_row = i == 0 ? 0 : stages_[i - 1].kept;
        const View to = i + 1 == count_
                            ? y.rows(stage.done, until)
                            : View(stage.buffer + (stage.done - stage.kept) * stage.row_floats(),
                                   {1, until - stage.done, stage.shape.w, stage.shape.c});
        std::visit(
            [&](const auto* conv) {
              make_rows(*conv, from, from_row, to, stage.done, ctx);
              ctx.tracer().show(conv->name(), to, stage.shape, stage.done, 0);
            },
            stage.link);
      });
    }
  }

 private:
  struct Stage {
    ConvLink link;
    Nhwc shape;                       // of the whole map, of one image
    std::int64_t tile = 1;            // rows that are made together
    std::int64_t kept = 0, done = 0;  // the rows that the buffer holds
    std::int64_t capacity = 0;        // rows that it has room for
    float* buffer = nullptr;

    std::int64_t row_floats() const { return shape.w * shape.c; }
  };

  Stage& last() { return stages_[count_ - 1]; }
  std::span<Stage> between() { return {stages_.data(), count_ - 1}; }

  static View rows_of(const Stage& stage) {
    return {stage.buffer, {1, stage.done - stage.kept, stage.shape.w, stage.shape.c}};
  }

  void restart() {
    for (Stage& stage : std::span(stages_.data(), count_)) stage.kept = stage.done = 0;
  }

  /// Makes the rows of map i that are not there yet, up to `until`, by make_rows(i, until) once the
  /// map before has the rows for it.
  template <typename MakeRows>
  void make(std::size_t i, std::int64_t until, const MakeRows& make_rows) {
    Stage& stage = stages_[i];
    const std::int64_t whole_tiles = round_up(until, stage.tile);
    until = std::min(whole_tiles, stage.shape.h);
    if (until <= stage.done) return;
    if (i > 0) {
      Stage& before = stages_[i - 1];
      // The last tile sees what is inside the picture even where its own rows are not.
      const Rows seen = std::visit(
          [&](const auto* conv) {
            return rows_seen(*conv, {stage.done, whole_tiles}, before.shape.h);
          },
          stage.link);
      drop(before, seen.begin);
      make(i - 1, seen.end, make_rows);
    }
    make_rows(i, until);
    stage.done = until;
    stage.capacity = std::max(stage.capacity, stage.done - stage.kept);
  }

  /// Makes room for more rows.
  static void drop(Stage& stage, std::int64_t until) {
    until = std::min(until, stage.done);
    if (stage.buffer != nullptr) {
      const float* rest = stage.buffer + (until - stage.kept) * stage.row_floats();
      std::copy_n(rest, (stage.done - until) * stage.row_floats(), stage.buffer);
    }
    stage.kept = until;
  }

  /// What the buffers must hold for stripes of so many rows, found by going through them.
  std::int64_t buffer_floats(std::int64_t stripe) {
    restart();
    for (Stage& stage : between()) stage.capacity = 0;
    for (std::int64_t row = 0; row < last().shape.h; row += stripe) {
      make(count_ - 1, row + stripe, [](std::size_t, std::int64_t) {});
    }
    std::int64_t floats = 0;
    for (const Stage& stage : between()) floats += stage.capacity * stage.row_floats();
    return floats;
  }

  std::size_t count_;
  std::array<Stage, kMaxConvLinks> stages_{};
  std::int64_t stripe_ = 0;
};

void check_count(std::span<const ConvLink> links) {
  require(!links.empty() && links.size() <= kMaxConvLinks, "conv_chain: expected 1 to ",
          kMaxConvLinks, " convolutions, got ", links.size());
}

}  // namespace

Nhwc conv_chain_output_shape(const Nhwc& x, std::span<const ConvLink> links) {
  check_count(links);
  Nhwc shape = x;
  for (const ConvLink& link : links) {
    shape = std::visit([&](const auto* conv) { return conv->output_shape(shape); }, link);
  }
  return shape;
}

void conv_chain(ConstView x, std::span<const ConvLink> links, std::int64_t buffer_bytes, View y,
                Context& ctx) {
  const Nhwc expected = conv_chain_output_shape(x.shape, links);
  require(y.shape == expected, "conv_chain: expected an output of ", expected, ", got ", y.shape);
  check_operands("conv_chain", "", {{"x", x}}, y);
  if (expected.count() == 0) return;
  const Arena::Scope scope(ctx.arena());
  Chain chain(x.shape, links, ctx);
  chain.plan(buffer_bytes);
  chain.allocate(ctx.arena());
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    const auto part = TracedPart::images(ctx.tracer(), n, x.shape.n);
    chain.run(x.image(n), y.image(n), ctx);
  }
}

std::int64_t conv_chain_row_bytes(const Nhwc& x, std::span<const ConvLink> links,
                                  std::int64_t buffer_bytes, const Context& ctx) {
  if (conv_chain_output_shape(x, links).count() == 0) return 0;
  return Chain(x, links, ctx).plan(buffer_bytes) * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace hewn
