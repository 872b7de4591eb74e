#include "hewn/ops/gru/gru.h"

#include "hewn/ops/gru/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/parallel.h"

namespace hewn {

namespace {

Shape state_shape(const std::string& name, const Shape& shape_ih) {
  require(shape_ih.rank() == 2 && shape_ih[0] % 3 == 0, "gru ", name,
          ": weight_ih: expected rank 2 (3·hidden, inputs), got shape ", shape_ih);
  return {shape_ih[0], shape_ih[0] / 3};
}

/// The step, given what the inputs contribute.
void step(ConstView input, ConstView h, const PackedGru& gru, View y, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const std::int64_t batch = h.shape.w;
  const View state = ctx.arena().view({1, 1, batch, 3 * gru.hidden()});
  linear(h, gru.state(), state, ctx);
  const auto& kernels = select_kernels<GruKernels>(ctx.isa());
  parallel_for(ctx, batch, 16, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      kernels.cell({.input = input.pixel(0, 0, row),
                    .state = state.pixel(0, 0, row),
                    .h = h.pixel(0, 0, row),
                    .y = y.pixel(0, 0, row),
                    .hidden = gru.hidden()});
    }
  });
}

/// Step t of all sequences, as rows.
template <typename Float>
BasicView<Float> at_time(const BasicView<Float>& sequences, std::int64_t t) {
  const Nhwc& s = sequences.shape;
  return {sequences.pixel(0, 0, t), {1, 1, s.n, s.c}, sequences.image_stride};
}

void check_shape(const char* what, const Nhwc& got, const Nhwc& expected) {
  require(got == expected, "gru: expected ", what, " of ", expected, ", got ", got);
}

}  // namespace

PackedGru::PackedGru(const std::string& name, const GruWeights& weights)
    : input_(name + ".input", {weights.shape_ih, weights.weight_ih, weights.bias_ih}),
      state_(name + ".state",
             {state_shape(name, weights.shape_ih), weights.weight_hh, weights.bias_hh}) {}

void gru_cell(ConstView x, ConstView h, const PackedGru& gru, View y, Context& ctx) {
  const std::int64_t batch = x.shape.w;
  check_shape("an input", x.shape, {1, 1, batch, gru.inputs()});
  check_shape("a state", h.shape, {1, 1, batch, gru.hidden()});
  check_shape("an output", y.shape, h.shape);
  check_operands("gru", "", {{"x", x}, {"h", h, Overlap::in_place}}, y);
  if (y.shape.count() == 0) return;
  const Arena::Scope scope(ctx.arena());
  const View input = ctx.arena().view({1, 1, batch, 3 * gru.hidden()});
  linear(x, gru.input(), input, ctx);
  step(input, h, gru, y, ctx);
}

void gru(ConstView x, ConstView h, const PackedGru& gru, View y, Context& ctx) {
  const std::int64_t sequences = x.shape.n;
  const std::int64_t steps = x.shape.w;
  check_shape("an input", x.shape, {sequences, 1, steps, gru.inputs()});
  check_shape("a state", h.shape, {sequences, 1, 1, gru.hidden()});
  check_shape("an output", y.shape, {sequences, 1, steps, gru.hidden()});
  check_operands("gru", "", {{"x", x}, {"h", h}}, y);
  if (y.shape.count() == 0) return;
  const Arena::Scope scope(ctx.arena());
  const View input = ctx.arena().view({sequences, 1, steps, 3 * gru.hidden()});
  linear(x, gru.input(), input, ctx);
  for (std::int64_t t = 0; t < steps; ++t) {
    step(at_time(input, t), t == 0 ? at_time(h, 0) : ConstView(at_time(y, t - 1)), gru,
         at_time(y, t), ctx);
  }
}

}  // namespace hewn
