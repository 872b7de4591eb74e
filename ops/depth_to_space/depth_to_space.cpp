// Every float is read and written once, which plain code does at the speed of memory: there are no
// kernels here. The one thing to take care of is that a copy of `block` floats is no call, so the
// usual sizes of a block are constants.
#include "hewn/ops/depth_to_space/depth_to_space.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

/// One row of output with one channel: pieces of kBlock floats (0: of `block`), one from each
/// pixel.
template <int kBlock>
void gather_row(const float* in, std::int64_t pixels, std::int64_t pixel_stride, std::int64_t block,
                float* out) {
  const std::int64_t piece = kBlock == 0 ? block : kBlock;
  for (std::int64_t i = 0; i < pixels; ++i) {
    std::copy_n(in + i * pixel_stride, piece, out + i * piece);
  }
}

void gather_row(const float* in, std::int64_t pixels, std::int64_t pixel_stride, std::int64_t block,
                float* out) {
  switch (block) {
    case 2:
      return gather_row<2>(in, pixels, pixel_stride, block, out);
    case 4:
      return gather_row<4>(in, pixels, pixel_stride, block, out);
    case 8:
      return gather_row<8>(in, pixels, pixel_stride, block, out);
    default:
      return gather_row<0>(in, pixels, pixel_stride, block, out);
  }
}

/// One row of output with any number of channels.
void interleave_row(ConstView x, std::int64_t image, std::int64_t oy, std::int64_t block, View y) {
  const std::int64_t dy = oy % block;
  for (std::int64_t ix = 0; ix < x.shape.w; ++ix) {
    const float* in = x.pixel(image, oy / block, ix) + dy * block;
    for (std::int64_t dx = 0; dx < block; ++dx) {
      float* out = y.pixel(image, oy, ix * block + dx);
      for (std::int64_t k = 0; k < y.shape.c; ++k) out[k] = in[k * block * block + dx];
    }
  }
}

}  // namespace

Nhwc depth_to_space_output_shape(const Nhwc& x, std::int64_t block) {
  require(block >= 1, "depth_to_space: expected a block of at least 1, got ", block);
  const std::int64_t area = checked_multiply(block, block, "depth_to_space: block");
  require(x.c % area == 0, "depth_to_space: expected a multiple of ", area, " channels, got ", x.c);
  return {x.n, checked_multiply(x.h, block, "depth_to_space: height"),
          checked_multiply(x.w, block, "depth_to_space: width"), x.c / area};
}

void depth_to_space(ConstView x, std::int64_t block, View y, Context& ctx) {
  const Nhwc expected = depth_to_space_output_shape(x.shape, block);
  require(y.shape == expected, "depth_to_space: expected an output of ", expected, ", got ",
          y.shape);
  check_operands("depth_to_space", "", {{"x", x}}, y);
  if (y.shape.count() == 0) return;
  const ProfileScope profile(
      ctx.profiler(), "depth_to_space", "",
      {.flops = 0, .bytes = 2 * sizeof(float) * static_cast<double>(y.shape.count())});
  const bool one_channel = y.shape.c == 1 && y.pixel_stride == 1;
  parallel_for(ctx, y.shape.n * y.shape.h, block, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t image = row / y.shape.h;
      const std::int64_t oy = row % y.shape.h;
      if (one_channel) {
        const float* in = x.pixel(image, oy / block, 0) + oy % block * block;
        gather_row(in, x.shape.w, x.pixel_stride, block, y.pixel(image, oy, 0));
      } else {
        interleave_row(x, image, oy, block, y);
      }
    }
  });
}

}  // namespace hewn
