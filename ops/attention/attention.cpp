// For each image and head, keys and values are packed into panels of 16, the order in which the
// register tile of ops/gemm reads them. A tile of queries then has its scores, their powers and the
// sum of values in memory that stays in L1.
#include "hewn/ops/attention/attention.h"

#include "hewn/ops/attention/kernels.h"
#include "hewn/ops/gemm/gemm.h"
#include "hewn/ops/gemm/pack.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

float scale_of(std::int64_t depth) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(depth)));
}

class Attention {
 public:
  Attention(ConstView q, ConstView k, ConstView v, std::int64_t heads, View y, Context& ctx)
      : q_(q),
        k_(k),
        v_(v),
        y_(y),
        heads_(heads),
        depth_(q.shape.c / heads),
        keys_(k.shape.w),
        queries_(q.shape.w),
        gemm_(select_kernels<GemmKernels>(ctx.isa())),
        kernels_(select_kernels<AttentionKernels>(ctx.isa())),
        score_stride_(round_up(keys_, kPanel)),
        value_floats_(round_up(depth_, kPanel) * keys_) {
    worker_floats_ =
        score_stride_ * depth_ + value_floats_ + gemm_.max_pixels * (score_stride_ + kPanel);
    memory_ = ctx.arena().allocate<float>(checked_multiply(ctx.threads(), worker_floats_)).data();
  }

  void run(Context& ctx) {
    parallel_for(ctx, q_.shape.n * heads_, 1,
                 [this](std::int64_t begin, std::int64_t end, int worker) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     run_head(i / heads_, i % heads_ * depth_, worker);
                   }
                 });
  }

 private:
  /// What a worker works with.
  struct Memory {
    float* keys;    // [panel][depth][16]
    float* values;  // [panel][keys][16]
    float* scores;  // [max_pixels][score_stride]
    float* sums;    // [max_pixels]
  };

  Memory memory_of(int worker) const {
    float* keys = memory_ + worker * worker_floats_;
    float* values = keys + score_stride_ * depth_;
    float* scores = values + value_floats_;
    return {keys, values, scores, scores + gemm_.max_pixels * score_stride_};
  }

  void run_head(std::int64_t image, std::int64_t channel, int worker) const {
    const Memory memory = memory_of(worker);
    pack_keys(image, channel, memory.keys);
    pack_values(image, channel, memory.values);
    const std::int64_t tiles = divide_up(queries_, gemm_.max_pixels);
    for (std::int64_t t = 0; t < tiles; ++t) {
      const std::int64_t first = t * queries_ / tiles;
      const std::int64_t rows = (t + 1) * queries_ / tiles - first;
      const Scores scores{memory.scores, score_stride_, rows, keys_};
      multiply({q_.pixel(image, 0, first) + channel, q_.pixel_stride, depth_}, memory.keys, scores);
      kernels_.powers(scores, scale_of(depth_), memory.sums);
      const Scores y{y_.pixel(image, 0, first) + channel, y_.pixel_stride, rows, depth_};
      multiply({memory.scores, score_stride_, keys_}, memory.values, y);
      kernels_.divide(y, memory.sums);
    }
  }

  void pack_keys(std::int64_t image, std::int64_t channel, float* to) const {
    for (std::int64_t first = 0; first < keys_; first += kPanel, to += depth_ * kPanel) {
      pack_panel_of_rows(k_.pixel(image, 0, first) + channel, k_.pixel_stride,
                         std::min(keys_ - first, kPanel), depth_, to);
    }
  }

  void pack_values(std::int64_t image, std::int64_t channel, float* to) const {
    for (std::int64_t first = 0; first < depth_; first += kPanel, to += keys_ * kPanel) {
      pack_panel_of_columns(v_.pixel(image, 0, 0) + channel + first, v_.pixel_stride,
                            std::min(depth_ - first, kPanel), keys_, to);
    }
  }

  /// Rows of `depth` floats, `stride` apart.
  struct LeftFactor {
    const float* data;
    std::int64_t stride;
    std::int64_t depth;
  };

  /// y = a · panels, for as many rows as a tile has.
  void multiply(const LeftFactor& a, const float* panels, const Scores& y) const {
    static constexpr std::int64_t kOneTap[] = {0};
    const std::int64_t step = gemm_.max_panels * kPanel;
    for (std::int64_t column = 0; column < y.columns; column += step) {
      gemm_.tile({.in = a.data,
                  .tap_offsets = kOneTap,
                  .taps = 1,
                  .depth = a.depth,
                  .pixel_stride = a.stride,
                  .panels = panels + column * a.depth,
                  .panel_stride = a.depth * kPanel,
                  .out = y.data + column,
                  .out_stride = y.stride,
                  .pixels = y.rows,
                  .channels = std::min(y.columns - column, step),
                  .epilogue = {}});
    }
  }

  ConstView q_;
  ConstView k_;
  ConstView v_;
  View y_;
  std::int64_t heads_;
  std::int64_t depth_;
  std::int64_t keys_;
  std::int64_t queries_;
  const GemmKernels& gemm_;
  const AttentionKernels& kernels_;
  std::int64_t score_stride_;
  std::int64_t value_floats_;
  std::int64_t worker_floats_ = 0;
  float* memory_ = nullptr;
};

/// Checks what both kinds have in common.
void check_shapes(const char* op, ConstView q, ConstView k, ConstView v, std::int64_t heads,
                  View y) {
  const std::int64_t channels = q.shape.c;
  require(heads >= 1 && channels % heads == 0, op, ": ", channels, " channels do not divide into ",
          heads, " heads");
  require(q.shape.h == 1, op, ": expected queries of height 1, got ", q.shape);
  const Nhwc keys{q.shape.n, 1, k.shape.w, channels};
  require(k.shape == keys && v.shape == keys, op, ": expected keys and values of ", keys, ", got ",
          k.shape, " and ", v.shape);
  require(y.shape == q.shape, op, ": expected an output of ", q.shape, ", got ", y.shape);
  check_operands(op, "", {{"q", q}, {"k", k}, {"v", v}}, y);
}

/// Tokens from the root to the token, and how many there are.
std::int64_t chain_to(std::int32_t token, std::span<const std::int32_t> parents,
                      std::span<std::int32_t> chain) {
  std::size_t count = 0;
  for (std::int32_t at = token; at >= 0; at = parents[static_cast<std::size_t>(at)]) {
    chain[count++] = at;
  }
  std::reverse(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(count));
  return static_cast<std::int64_t>(count);
}

/// The length of the longest chain.
std::int64_t tree_depth(std::span<const std::int32_t> parents, Arena& arena) {
  const Arena::Scope scope(arena);
  const auto depths = arena.allocate<std::int32_t>(std::ssize(parents));
  std::int32_t most = 0;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    depths[i] = parents[i] < 0 ? 1 : depths[static_cast<std::size_t>(parents[i])] + 1;
    most = std::max(most, depths[i]);
  }
  return most;
}

void check_tree(std::span<const std::int32_t> tokens, std::int64_t queries,
                std::span<const std::int32_t> parents, std::int64_t keys) {
  require(std::ssize(tokens) == queries, "tree_attention: expected ", queries, " tokens, got ",
          tokens.size());
  require(std::ssize(parents) == keys, "tree_attention: expected ", keys, " parents, got ",
          parents.size());
  for (std::size_t i = 0; i < parents.size(); ++i) {
    require(parents[i] >= -1 && parents[i] < static_cast<std::int64_t>(i),
            "tree_attention: expected a parent of token ", i, " before it, got ", parents[i]);
  }
  for (const std::int32_t token : tokens) {
    require(token >= 0 && token < keys, "tree_attention: expected tokens from 0 to ", keys - 1,
            ", got ", token);
  }
}

Work work_of(double pairs, ConstView q, ConstView k) {
  return {.flops = 4 * pairs * static_cast<double>(q.shape.c),
          .bytes = 8 * static_cast<double>(q.shape.count() + k.shape.count())};
}

}  // namespace

void attention(ConstView q, ConstView k, ConstView v, std::int64_t heads, View y, Context& ctx) {
  check_shapes("attention", q, k, v, heads, y);
  require(k.shape.w >= 1, "attention: expected at least one key, got ", k.shape);
  if (y.shape.count() == 0) return;
  const auto pairs = static_cast<double>(q.shape.n * q.shape.w) * static_cast<double>(k.shape.w);
  const ProfileScope profile(ctx.profiler(), "attention", "", work_of(pairs, q, k));
  const Arena::Scope scope(ctx.arena());
  Attention(q, k, v, heads, y, ctx).run(ctx);
}

void tree_attention(ConstView q, std::span<const std::int32_t> tokens, ConstView k, ConstView v,
                    std::span<const std::int32_t> parents, std::int64_t heads, View y,
                    Context& ctx) {
  check_shapes("tree_attention", q, k, v, heads, y);
  require(q.shape.n == 1, "tree_attention: expected one image, got ", q.shape);
  check_tree(tokens, q.shape.w, parents, k.shape.w);
  if (y.shape.count() == 0) return;
  const std::int64_t longest = tree_depth(parents, ctx.arena());
  const auto pairs = static_cast<double>(q.shape.w) * static_cast<double>(longest);
  const ProfileScope profile(ctx.profiler(), "tree_attention", "", work_of(pairs, q, k));
  const Arena::Scope scope(ctx.arena());
  // What a worker works with begins at a cache line of its own.
  const std::int64_t room = round_up(longest, kPanel);
  const auto chains = ctx.arena().allocate<std::int32_t>(checked_multiply(room, ctx.threads()));
  const auto scores = ctx.arena().allocate<float>(checked_multiply(room, ctx.threads()));
  const std::int64_t depth = q.shape.c / heads;
  const auto& kernels = select_kernels<AttentionKernels>(ctx.isa());
  parallel_for(ctx, q.shape.w, 4, [&](std::int64_t begin, std::int64_t end, int worker) {
    const auto chain =
        chains.subspan(static_cast<std::size_t>(worker * room), static_cast<std::size_t>(longest));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t count = chain_to(tokens[static_cast<std::size_t>(i)], parents, chain);
      for (std::int64_t head = 0; head < heads; ++head) {
        kernels.chain({.q = q.pixel(0, 0, i) + head * depth,
                       .k = k.data + head * depth,
                       .v = v.data + head * depth,
                       .k_stride = k.pixel_stride,
                       .v_stride = v.pixel_stride,
                       .rows = chain.data(),
                       .count = count,
                       .depth = depth,
                       .scale = scale_of(depth),
                       .scores = scores.data() + worker * room,
                       .y = y.pixel(0, 0, i) + head * depth});
      }
    }
  });
}

}  // namespace hewn
