// How operators without neighbours cut their views into blocks for the threads. Internal: not
// installed.
#pragma once

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
    return view.data + first_pixel * view.pixel_stride + first_channel;
  }
};

/// Floats that are worth handing to another thread: some ten microseconds of copying.
inline constexpr std::int64_t kBlockGrain = 16384;

/// Calls body(block) for blocks of whole pixels that together cover `shape`, on all threads.
template <typename Body>
void for_each_pixel_block(Context& ctx, const Nhwc& shape, Body body) {
  const std::int64_t grain = kBlockGrain / std::max<std::int64_t>(shape.c, 1);
  parallel_for(ctx, shape.pixels(), grain, [&](std::int64_t begin, std::int64_t end, int) {
    body(Block{begin, end - begin, 0, shape.c});
  });
}

/// The same for elementwise work, where `dense` says that no view involved has gaps: then all
/// floats are one long pixel, so that few channels do not leave lanes empty.
template <typename Body>
void for_each_block(Context& ctx, const Nhwc& shape, bool dense, Body body) {
  if (!dense) return for_each_pixel_block(ctx, shape, body);
  parallel_for(ctx, shape.count(), kBlockGrain, [&](std::int64_t begin, std::int64_t end, int) {
    body(Block{0, 1, begin, end - begin});
  });
}

}  // namespace hewn
