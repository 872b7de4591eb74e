#include "hewn/ops/gru/conv_gru.h"

#include "hewn/ops/activation/addends.h"
#include "hewn/ops/elementwise/blocks.h"
#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/ops/gru/kernels.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/operands.h"

#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

namespace hewn {

namespace {

/// Input channels [begin, end) of a gate's weights.
struct Channels {
  std::int64_t begin, end;
};

/// Cuts convolutions out of the weights of a unit.
class Cut {
 public:
  Cut(const std::string& name, const ConvGruWeights& weights, Conv2dPacking packing)
      : name_(name), shape_(weights.shape), packing_(packing) {}

  /// The convolution of some gates, one behind the other, over some of the inputs.
  PackedConv2d conv(const char* what, std::initializer_list<const ConvGruWeights::Gate*> gates,
                    std::initializer_list<Channels> inputs, bool bias,
                    const Activation& activation) const {
    const std::int64_t taps = shape_[2] * shape_[3];
    std::vector<float> weight;
    std::vector<float> biases;
    std::int64_t depth = 0;
    for (const Channels& part : inputs) depth += part.end - part.begin;
    for (const ConvGruWeights::Gate* gate : gates) {
      for (std::int64_t out = 0; out < shape_[0]; ++out) {
        for (const Channels& part : inputs) {
          const auto from = gate->weight.begin() + (out * shape_[1] + part.begin) * taps;
          weight.insert(weight.end(), from, from + (part.end - part.begin) * taps);
        }
      }
      if (bias) biases.insert(biases.end(), gate->bias.begin(), gate->bias.end());
    }
    const auto outputs = static_cast<std::int64_t>(gates.size()) * shape_[0];
    return {text_of(name_, ".", what),
            {.padding_h = shape_[2] / 2,
             .padding_w = shape_[3] / 2,
             .activation = activation,
             .packing = packing_},
            {.shape = {outputs, depth, shape_[2], shape_[3]}, .weight = weight, .bias = biases}};
  }

 private:
  const std::string& name_;
  const Shape& shape_;
  Conv2dPacking packing_;
};

void check_weights(const std::string& name, const ConvGruWeights& w, std::int64_t constants) {
  const Shape& s = w.shape;
  require(s.rank() == 4 && s.count() > 0 && s[1] > s[0], "conv_gru ", name,
          ": weight: expected rank 4 (hidden, hidden + inputs, h, w) and no empty side, got shape ",
          s);
  require(s[2] % 2 == 1 && s[3] % 2 == 1, "conv_gru ", name,
          ": expected a kernel of odd sides, got ", s[2], " × ", s[3]);
  require(constants >= 0 && constants < s[1] - s[0], "conv_gru ", name,
          ": constants: expected 0 to ", s[1] - s[0] - 1, ", got ", constants);
  const std::array<std::pair<const char*, const ConvGruWeights::Gate*>, 3> gates{
      {{"z", &w.z}, {"r", &w.r}, {"q", &w.q}}};
  for (const auto& [gate, values] : gates) {
    require(values->weight.size() == static_cast<std::size_t>(s.count()), "conv_gru ", name,
            ": weight of ", gate, ": expected ", s.count(), " values, got ", values->weight.size());
    require(values->bias.size() == static_cast<std::size_t>(s[0]), "conv_gru ", name, ": bias of ",
            gate, ": expected ", s[0], " values, got ", values->bias.size());
  }
}

}  // namespace

PackedConvGru::PackedConvGru(std::string name, const ConvGruWeights& weights,
                             std::int64_t constants, Conv2dPacking packing)
    : name_(std::move(name)), constants_(constants) {
  check_weights(name_, weights, constants);
  hidden_ = weights.shape[0];
  const std::int64_t all = weights.shape[1];
  inputs_ = all - hidden_ - constants;
  const Channels state{0, hidden_};
  const Channels constant{hidden_, hidden_ + constants};
  const Channels varying{hidden_ + constants, all};
  const ConvGruWeights& w = weights;
  const Cut cut(name_, weights, packing);
  const bool bias = constants == 0;  // else it is in the constant part
  if (constants > 0) {
    constant_part_ = cut.conv("constant", {&w.z, &w.r, &w.q}, {constant}, true, {});
  }
  gates_ =
      cut.conv("gates", {&w.z, &w.r}, {state, varying}, bias, {.kind = Activation::Kind::sigmoid});
  candidate_ =
      cut.conv("candidate", {&w.q}, {varying, state}, bias, {.kind = Activation::Kind::tanh});
}

void conv_gru_constants(ConstView x, const PackedConvGru& gru, View y, Context& ctx) {
  require(gru.constant_part().has_value(), "conv_gru ", gru.name(), ": has no constant inputs");
  conv2d(x, *gru.constant_part(), y, ctx);
}

void conv_gru(View state, const std::optional<ConstView>& constants, const PackedConvGru& gru,
              Context& ctx) {
  const std::int64_t hidden = gru.hidden();
  const Nhwc& s = state.shape;
  require(s.c == gru.state_channels(), "conv_gru ", gru.name(), ": expected a state of ",
          gru.state_channels(), " channels, got ", s);
  const Nhwc constants_shape{s.n, s.h, s.w, gru.constants() > 0 ? 3 * hidden : 0};
  const Nhwc given = constants ? constants->shape : Nhwc{s.n, s.h, s.w, 0};
  require(given == constants_shape, "conv_gru ", gru.name(), ": expected constants of ",
          constants_shape, ", got ", given);
  check_operands("conv_gru", gru.name(), {addend_operand("constants", constants, Overlap::none)},
                 state);
  if (s.count() == 0) return;

  const auto constant = [&](std::int64_t begin, std::int64_t end) {
    return constants ? Addends{.before = constants->channels(begin, end)} : Addends{};
  };
  const Arena::Scope scope(ctx.arena());
  const View h = state.channels(0, hidden);
  const View reset = state.channels(s.c - hidden, s.c);
  const View gates = ctx.arena().view({s.n, s.h, s.w, 2 * hidden});
  const View z = gates.channels(0, hidden);
  const View r = gates.channels(hidden, 2 * hidden);
  conv2d(state.channels(0, s.c - hidden), constant(0, 2 * hidden), gru.gates(), gates, ctx);
  binary(r, h, BinaryOp::multiply, reset, ctx);

  const View q = r;  // which is not needed any more
  conv2d(state.channels(hidden, s.c), constant(2 * hidden, 3 * hidden), gru.candidate(), q, ctx);
  const auto count = static_cast<double>(h.shape.count());
  const ProfileScope profile(ctx.profiler(), "gru update", gru.name(),
                             {.flops = 4 * count, .bytes = 16 * count});
  const auto& kernels = select_kernels<GruKernels>(ctx.isa());
  for_each_pixel_block(ctx, h.shape, pixels_of_run(z, q, h), [&](const Block& block) {
    kernels.update({.z = block.in(z),
                    .z_stride = z.pixel_stride,
                    .q = block.in(q),
                    .q_stride = q.pixel_stride,
                    .h = block.in(h),
                    .h_stride = h.pixel_stride,
                    .count = block.pixels,
                    .columns = hidden});
  });
}

}  // namespace hewn
