#include "hewn/models/completion/completion.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

namespace hewn {

namespace {

constexpr Activation kSigmoid{.kind = Activation::Kind::sigmoid};

/// A transposed convolution that doubles its input's size.
ConvTransposeLayer conv_up(LayerSource& layers, const char* name, std::int64_t in,
                           std::int64_t out) {
  return layers.conv_transpose(name, {in, out, 4, 4},
                               {.stride_h = 2,
                                .stride_w = 2,
                                .padding_h = 1,
                                .padding_w = 1,
                                .activation = Activation::relu()});
}

CompletionInput read_input(const ModelConfig& config) {
  CompletionInput input{
      .holes = config.choice<CompletionInput::Holes>(
          "input", {{"mean-filled", CompletionInput::Holes::mean_filled},
                    {"mean-subtracted", CompletionInput::Holes::mean_subtracted}}),
      .mask = config.integer("channels", 3, 4) == 4};
  const std::vector<double> mean = config.numbers("mean", input.mean.size(), 0, 1);
  for (std::size_t i = 0; i < mean.size(); ++i) input.mean[i] = static_cast<float>(mean[i]);
  return input;
}

}  // namespace

// Table 1 of the paper. What an output pixel sees, backwards: conv17 and conv16 reach 2 pixels;
// half the size: deconv15 half of that and one, conv14 one more: 3; a quarter of it: deconv13 3,
// conv12 and conv11 5, the dilated ones 16 + 8 + 4 + 2, conv6 and conv5 37; half the size again:
// conv4 twice that and one, conv3 one more: 76; all of it: conv2 153, conv1 155. That is rounded up
// at both transposed convolutions: no pixel sees more than 153 above and to the left of itself, or
// 150 below and to the right. kContext is the next multiple of 4.
CompletionNetwork::CompletionNetwork(LayerSource& layers, const CompletionInput& input)
    : input_(input),
      encoder_{layers.conv("conv1", input.mask ? 4 : 3, 64, {.kernel = 5}),
               layers.conv("conv2", 64, 128, {.stride = 2}),  //
               layers.conv("conv3", 128, 128),                //
               layers.conv("conv4", 128, 256, {.stride = 2})},
      dilated_{layers.conv("conv5", 256, 256),                     //
               layers.conv("conv6", 256, 256),                     //
               layers.conv("conv7", 256, 256, {.dilation = 2}),    //
               layers.conv("conv8", 256, 256, {.dilation = 4}),    //
               layers.conv("conv9", 256, 256, {.dilation = 8}),    //
               layers.conv("conv10", 256, 256, {.dilation = 16}),  //
               layers.conv("conv11", 256, 256),                    //
               layers.conv("conv12", 256, 256)},
      decoder_{conv_up(layers, "deconv13", 256, 128),  //
               layers.conv("conv14", 128, 128),        //
               conv_up(layers, "deconv15", 128, 64),   //
               layers.conv("conv16", 64, 32),          //
               layers.conv("conv17", 32, 3, {.activation = kSigmoid})} {}

CompletionNetwork::CompletionNetwork(FileLayers layers)
    : CompletionNetwork(layers, read_input(layers.config())) {
  layers.tensors().expect_nothing_left({"local.", "global.", "joint."});  // discriminators.h
}

CompletionNetwork::CompletionNetwork(const SafetensorsFile& file, Conv2dPacking packing)
    : CompletionNetwork(FileLayers(file, "completion", packing)) {}

CompletionNetwork CompletionNetwork::random(std::uint64_t seed, Conv2dPacking packing) {
  RandomLayers layers(seed, packing, {{"conv17", 1}});
  return {layers, {}};
}

void CompletionNetwork::prepare(ConstView picture, ConstView mask, View y) const {
  const Nhwc& s = picture.shape;
  const Nhwc expected{s.n, s.h, s.w, in_channels()};
  require(s.c == 3 && mask.shape == Nhwc{s.n, s.h, s.w, 1} && y.shape == expected,
          "completion: expected an RGB picture, a mask and a result of its size, got ", s, ", ",
          mask.shape, " and ", y.shape);
  const bool filled = input_.holes == CompletionInput::Holes::mean_filled;
  for (std::int64_t i = 0; i < s.pixels(); ++i) {
    const float* from = picture.pixel(i);
    const float hole = *mask.pixel(i);
    float* to = y.pixel(i);
    for (std::size_t c = 0; c < 3; ++c) {
      const float mean = input_.mean[c];
      to[c] = filled ? from[c] * (1 - hole) + mean * hole : (from[c] - mean) * (1 - hole);
    }
    if (input_.mask) to[3] = hole;
  }
}

void CompletionNetwork::forward(ConstView x, View y, Context& ctx) const {
  const Nhwc& s = x.shape;
  require(s.c == in_channels() && s.h % kMultiple == 0 && s.w % kMultiple == 0,
          "completion: expected ", in_channels(), " channels and sides that are multiples of ",
          kMultiple, ", got ", s);
  require(y.shape == Nhwc{s.n, s.h, s.w, 3}, "completion: expected a result of ",
          Nhwc{s.n, s.h, s.w, 3}, ", got ", y.shape);
  const Arena::Scope scope(ctx.arena());
  const Nhwc quarter = encoder_.output_shape(s);
  View map = ctx.arena().view(quarter);
  View next = ctx.arena().view(quarter);
  ctx.trace("input", x);
  encoder_(x, map, ctx);
  for (const ConvLayer& layer : dilated_) {
    layer(map, next, ctx);
    std::swap(map, next);
  }
  decoder_(map, y, ctx);
}

std::int64_t CompletionNetwork::bytes(std::int64_t h, std::int64_t w, const Context& ctx) const {
  // Winograd's transformed tiles, before and after the products: of all layers, those of 256
  // channels take most.
  constexpr std::int64_t kScratch = 10'000'000;
  const Nhwc x{1, h, w, in_channels()};
  const Nhwc quarter = encoder_.output_shape(x);
  const std::int64_t maps =
      checked_multiply(2 * static_cast<std::int64_t>(sizeof(float)), quarter.count());
  // More rows than this make no difference to the smallest stripe.
  constexpr std::int64_t kEnoughRows = 256;
  const Nhwc part{1, std::min(h, kEnoughRows), w, in_channels()};
  const std::int64_t rows = std::max({kConvChainBytes, encoder_.least_row_bytes(part, ctx),
                                      decoder_.least_row_bytes(encoder_.output_shape(part), ctx)});
  return checked_add(checked_add(maps, rows), kScratch * ctx.threads(), "completion");
}

}  // namespace hewn
