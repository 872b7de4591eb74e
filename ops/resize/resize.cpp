// Each axis has a plan, made once: which input pixels an output pixel takes, and with what weights.
// For a row of output, whole input rows are combined first, then pixels of the combined row: 2 + 2
// or 4 + 4 taps in place of 2 × 2 or 4 × 4.
#include "hewn/ops/resize/resize.h"

#include "hewn/ops/sampling/cubic.h"
#include "hewn/ops/sampling/sampling.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hewn {

namespace {

using Mode = ResizeParams::Mode;

/// The taps of every output position along one axis, [tap][position], and their places: indices
/// times a stride.
struct AxisPlan {
  std::int64_t count = 0;
  int taps = 0;
  std::int64_t stride = 1;
  std::span<std::int64_t> places;
  std::span<float> weights;

  void set(int tap, std::int64_t position, std::int64_t index, float weight) const {
    const auto at = static_cast<std::size_t>(tap * count + position);
    places[at] = index * stride;
    weights[at] = weight;
  }
};

int axis_taps(Mode mode) {
  switch (mode) {
    case Mode::nearest:
      return 1;
    case Mode::bilinear:
      return 2;
    case Mode::bicubic:
      return kMaxAxisTaps;
  }
  fail("resize: expected nearest, bilinear or bicubic, got mode ", static_cast<int>(mode));
}

/// One axis of a resize, and PyTorch's arithmetic of positions on it, all in float32.
class Axis {
 public:
  Axis(std::int64_t in, std::int64_t out, const ResizeParams& params, std::optional<double> scale)
      : in_(in), out_(out), mode_(params.mode) {
    aligned_ = params.align_corners && mode_ != Mode::nearest;
    if (aligned_) {
      step_ = out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0;
    } else {
      step_ =
          scale ? static_cast<float>(1 / *scale) : static_cast<float>(in) / static_cast<float>(out);
    }
  }

  AxisPlan plan(std::int64_t stride, Arena& arena) const {
    const int taps = axis_taps(mode_);
    const std::int64_t size = checked_multiply(taps, out_, "resize: plan");
    AxisPlan plan{out_, taps, stride, arena.allocate<std::int64_t>(size),
                  arena.allocate<float>(size)};
    for (std::int64_t i = 0; i < out_; ++i) {
      switch (mode_) {
        case Mode::nearest:
          plan.set(0, i, nearest(i), 1);
          break;
        case Mode::bilinear:
          plan_bilinear(plan, i);
          break;
        case Mode::bicubic:
          plan_bicubic(plan, i);
          break;
      }
    }
    return plan;
  }

 private:
  std::int64_t nearest(std::int64_t i) const {
    if (out_ == in_) return i;
    if (out_ == 2 * in_) return i / 2;
    return clamp_to_index(static_cast<float>(i) * step_);
  }

  void plan_bilinear(AxisPlan& plan, std::int64_t i) const {
    const bool same = out_ == in_;
    const float position = std::max(source(i), 0.0F);
    const std::int64_t index = same ? i : clamp_to_index(position);
    const float offset = same ? 0 : std::clamp(position - static_cast<float>(index), 0.0F, 1.0F);
    plan.set(0, i, index, 1 - offset);
    plan.set(1, i, same ? index : std::min(index + 1, in_ - 1), offset);
  }

  void plan_bicubic(AxisPlan& plan, std::int64_t i) const {
    const float position = source(i);
    // Half a pixel before the first at the most: there ⌊position⌋ is −1.
    const std::int64_t index = position < 0 ? -1 : clamp_to_index(position);
    float weights[kMaxAxisTaps];
    cubic_weights(std::clamp(position - static_cast<float>(index), 0.0F, 1.0F), weights);
    for (int tap = 0; tap < kMaxAxisTaps; ++tap) {
      plan.set(tap, i, std::clamp<std::int64_t>(index + tap - 1, 0, in_ - 1), weights[tap]);
    }
  }

  float source(std::int64_t i) const {
    const auto position = static_cast<float>(i);
    return aligned_ ? step_ * position : step_ * (position + 0.5F) - 0.5F;
  }

  /// ⌊position⌋ within the picture; never beyond, be the position NaN or infinite.
  std::int64_t clamp_to_index(float position) const {
    if (!(position > 0)) return 0;
    if (position >= static_cast<float>(in_)) return in_ - 1;
    return std::min(static_cast<std::int64_t>(position), in_ - 1);
  }

  std::int64_t in_;
  std::int64_t out_;
  Mode mode_;
  bool aligned_ = false;
  float step_ = 0;  // input pixels an output pixel
};

class Resize {
 public:
  Resize(ConstView x, const ResizeParams& params, View y, Context& ctx)
      : x_(x),
        y_(y),
        kernels_(select_kernels<SamplingKernels>(ctx.isa())),
        rows_(Axis(x.shape.h, y.shape.h, params, params.scale_h).plan(1, ctx.arena())),
        // One row of a picture is taken as it is; several are blended side by side first.
        columns_(Axis(x.shape.w, y.shape.w, params, params.scale_w)
                     .plan(rows_.taps == 1 ? x.pixel_stride : x.shape.c, ctx.arena())) {
    if (rows_.taps > 1) {
      const std::int64_t floats = checked_multiply(ctx.threads(), row_floats());
      blended_ = ctx.arena().allocate<float>(floats).data();
    }
  }

  void run(Context& ctx) const {
    const std::int64_t rows = y_.shape.n * y_.shape.h;
    parallel_for(ctx, rows, 1, [this](std::int64_t begin, std::int64_t end, int worker) {
      for (std::int64_t row = begin; row < end; ++row) {
        run_row(row / y_.shape.h, row % y_.shape.h, worker);
      }
    });
  }

 private:
  std::int64_t row_floats() const { return x_.shape.w * x_.shape.c; }

  void run_row(std::int64_t image, std::int64_t oy, int worker) const {
    SampleRow row{
        .in = nullptr,
        .offsets = columns_.places.data(),
        .weights = columns_.weights.data(),
        .taps = columns_.taps,
        .count = y_.shape.w,
        .out = y_.pixel(image, oy, 0),
        .out_stride = y_.pixel_stride,
        .channels = y_.shape.c,
    };
    if (rows_.taps == 1) {
      row.in = x_.pixel(image, rows_.places[static_cast<std::size_t>(oy)], 0);
    } else {
      float* blended = blended_ + worker * row_floats();
      blend_rows(image, oy, blended);
      row.in = blended;
    }
    kernels_.sample(row);
  }

  void blend_rows(std::int64_t image, std::int64_t oy, float* out) const {
    const float* rows[kMaxAxisTaps];
    float weights[kMaxAxisTaps];
    for (int tap = 0; tap < rows_.taps; ++tap) {
      const auto at = static_cast<std::size_t>(tap * rows_.count + oy);
      rows[tap] = x_.pixel(image, rows_.places[at], 0);
      weights[tap] = rows_.weights[at];
    }
    if (x_.pixel_stride == x_.shape.c) {
      kernels_.blend(rows, weights, rows_.taps, out, row_floats());
      return;
    }
    for (std::int64_t ix = 0; ix < x_.shape.w; ++ix) {
      kernels_.blend(rows, weights, rows_.taps, out + ix * x_.shape.c, x_.shape.c);
      for (int tap = 0; tap < rows_.taps; ++tap) rows[tap] += x_.pixel_stride;
    }
  }

  ConstView x_;
  View y_;
  const SamplingKernels& kernels_;
  AxisPlan rows_;
  AxisPlan columns_;
  float* blended_ = nullptr;
};

std::int64_t scaled_side(const char* axis, std::int64_t side, std::optional<double> scale) {
  if (!scale) return side;
  require(std::isfinite(*scale) && *scale > 0, "resize: scale_", axis,
          ": expected a positive number, got ", *scale);
  const double scaled = std::floor(static_cast<double>(side) * *scale);
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  require(scaled >= 1 && scaled <= kMost, "resize: scale_", axis, " of ", *scale,
          " makes a side of ", scaled, " of ", side, ", expected 1 to ",
          static_cast<std::int64_t>(kMost));
  return static_cast<std::int64_t>(scaled);
}

void check_side(const char* axis, std::int64_t in, std::int64_t out, std::optional<double> scale) {
  require(in >= 1 && out >= 1, "resize: ", axis, ": expected sides of at least 1, got ", in, " to ",
          out);
  if (!scale) return;
  const std::int64_t expected = scaled_side(axis, in, scale);
  require(out == expected, "resize: ", axis, ": expected an output of ", expected, " (", in,
          " × scale ", *scale, "), got ", out);
}

}  // namespace

Nhwc resize_output_shape(const Nhwc& x, const ResizeParams& params) {
  return {x.n, scaled_side("h", x.h, params.scale_h), scaled_side("w", x.w, params.scale_w), x.c};
}

void resize(ConstView x, const ResizeParams& params, View y, Context& ctx) {
  require(y.shape.n == x.shape.n && y.shape.c == x.shape.c, "resize: expected an output of n ",
          x.shape.n, ", c ", x.shape.c, ", got ", y.shape);
  check_side("h", x.shape.h, y.shape.h, params.scale_h);
  check_side("w", x.shape.w, y.shape.w, params.scale_w);
  check_operands("resize", "", {{"x", x}}, y);
  const int taps = axis_taps(params.mode);
  if (y.shape.count() == 0) return;
  const auto outputs = static_cast<double>(y.shape.count());
  const auto inputs = static_cast<double>(x.shape.count());
  const ProfileScope profile(ctx.profiler(), "resize", "",
                             {.flops = 2 * taps * 2 * outputs, .bytes = 4 * (inputs + outputs)});
  const Arena::Scope scope(ctx.arena());
  Resize(x, params, y, ctx).run(ctx);
}

}  // namespace hewn
