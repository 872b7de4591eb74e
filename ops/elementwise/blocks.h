// How operators without neighbours cut their views into blocks for the threads. Internal: not
// installed.
#pragma once

#include "hewn/ops/elementwise/pixel_run.h"
#include "hewn/runtime/parallel.h"
#include "hewn/runtime/tensor.h"

#include <algorithm>

namespace hewn {

/// Pixels and, within each, neighbouring channels.
struct Block {
  std::int64_t first_pixel;
  std::int64_t pixels;
  std::int64_t first_channel;
  std::int64_t channels;

  /// The first float of the block in a view of the blocks' shape.
  template <typename Float>
  Float* in(const BasicView<Float>& view) const {
    return view.pixel(first_pixel) + first_channel;
  }
  PixelRun of(const ConstView& x, const View& y) const {
    return {in(x), x.pixel_stride, in(y), y.pixel_stride, pixels, channels};
  }
};

/// Floats that are worth handing to another thread: some ten microseconds of copying.
inline constexpr std::int64_t kBlockGrain = 16384;

/// Calls body(block) for blocks of whole pixels that together cover `shape`, on all threads. `run`
/// is pixels_of_run() of the views involved: in each of them the pixels of a block are evenly
/// spaced.
template <typename Body>
void for_each_pixel_block(Context& ctx, const Nhwc& shape, std::int64_t run, Body body) {
  const std::int64_t grain = kBlockGrain / std::max<std::int64_t>(shape.c, 1);
  parallel_for(ctx, shape.pixels(), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for_each_run(begin, end, run, [&](std::int64_t first, std::int64_t count) {
      body(Block{first, count, 0, shape.c});
    });
  });
}

/// The same for elementwise work, where `dense` says that no view involved has gaps: then all
/// floats are one long pixel, so that few channels do not leave lanes empty.
template <typename Body>
void for_each_block(Context& ctx, const Nhwc& shape, bool dense, std::int64_t run, Body body) {
  if (!dense) return for_each_pixel_block(ctx, shape, run, body);
  parallel_for(ctx, shape.count(), kBlockGrain, [&](std::int64_t begin, std::int64_t end, int) {
    body(Block{0, 1, begin, end - begin});
  });
}

/// Calls body(PixelRun) for whole pixels of x and y, which have one shape.
template <typename Body>
void for_each_pixel_run(Context& ctx, ConstView x, View y, Body body) {
  for_each_pixel_block(ctx, x.shape, pixels_of_run(x, y),
                       [&](const Block& block) { body(block.of(x, y)); });
}

/// The same for elementwise work.
template <typename Body>
void for_each_element_run(Context& ctx, ConstView x, View y, Body body) {
  for_each_block(ctx, x.shape, x.dense() && y.dense(), pixels_of_run(x, y),
                 [&](const Block& block) { body(block.of(x, y)); });
}

}  // namespace hewn
