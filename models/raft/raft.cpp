#include "hewn/models/raft/raft.h"

#include "hewn/ops/convex_upsample/convex_upsample.h"
#include "hewn/ops/resize/resize.h"
#include "hewn/runtime/error.h"

namespace hewn {

namespace {

RaftVariant read_variant(const ModelConfig& config) {
  return config.choice<RaftVariant>("variant",
                                    {{kRaftLarge.name, kRaftLarge}, {kRaftSmall.name, kRaftSmall}});
}

/// A map of the image's cells.
Nhwc cells(const Nhwc& image, std::int64_t channels) {
  return {image.n, image.h / Raft::kCell, image.w / Raft::kCell, channels};
}

}  // namespace

Raft::Raft(LayerSource& layers, const RaftVariant& variant)
    : variant_(variant),
      fnet_(layers, variant, "fnet", variant.features, ConvNorm::instance),
      cnet_(layers, variant, "cnet", variant.hidden + variant.context, ConvNorm::none),
      update_block_(layers, variant_,
                    kRaftLevels * (2 * variant.radius + 1) * (2 * variant.radius + 1)) {}

Raft::Raft(FileLayers layers) : Raft(layers, read_variant(layers.config())) {
  layers.config().expect("correlation_levels", kRaftLevels);
  layers.config().expect("correlation_radius", variant_.radius);
  layers.tensors().expect_nothing_left();
}

Raft::Raft(const SafetensorsFile& file, Conv2dPacking packing)
    : Raft(FileLayers(file, "raft", packing)) {}

Raft Raft::random(const RaftVariant& variant, std::uint64_t seed, Conv2dPacking packing) {
  // Layers without ReLU: features and context such that correlations are a few units and states not
  // saturated, and a flow head that takes small steps.
  RandomLayers layers(seed, packing, {{"net.conv2", 0.5}, {".gru.", 1}, {"flow_head.conv2", 0.2}});
  return {layers, variant};
}

CorrelationParams Raft::correlation_params(CorrelationForm form) const {
  return {.levels = kRaftLevels, .radius = variant_.radius, .form = form};
}

CorrelationForm Raft::correlation_within(std::int64_t budget, std::int64_t h,
                                         std::int64_t w) const {
  const std::int64_t bytes = Correlation::bytes(cells({1, h, w, 3}, variant_.features),
                                                correlation_params(CorrelationForm::all_pairs));
  return bytes <= budget ? CorrelationForm::all_pairs : CorrelationForm::on_demand;
}

Raft::Output Raft::forward(ConstView image1, ConstView image2, const Options& options,
                           Context& ctx) const {
  const Nhwc& s = image1.shape;
  require(s.c == 3 && s.h >= kMinSide && s.w >= kMinSide && s.h % kCell == 0 && s.w % kCell == 0,
          "RAFT: expected RGB pictures whose sides are multiples of ", kCell, ", at least ",
          kMinSide, ", got ", s);
  require(image2.shape == s, "RAFT: expected a second picture of ", s, ", got ", image2.shape);
  require(options.iterations >= 1, "RAFT: iterations: expected at least 1, got ",
          options.iterations);
  const Nhwc low = cells(s, 2);
  require(!options.initial_flow || options.initial_flow->shape == low,
          "RAFT: expected an initial flow of ", low, ", got ",
          options.initial_flow ? options.initial_flow->shape : Nhwc{});
  Arena& arena = ctx.arena();
  // Beside the correlations, all that the network holds at a time is some 53 floats a pixel.
  constexpr std::int64_t kBytesPerPixel = 64 * sizeof(float);
  arena.reserve(checked_add(
      Correlation::bytes(cells(s, variant_.features), correlation_params(options.correlation)),
      checked_multiply(kBytesPerPixel, s.pixels())));
  const Output out{.flow_low = arena.view(low), .flow = arena.view({s.n, s.h, s.w, 2})};
  const Arena::Scope scope(arena);

  UpdateBlock::State state = update_block_.state(cells(s, 0), ctx);
  cnet_(image1, state.context, ctx);
  Correlation correlation = correlate(image1, image2, options.correlation, ctx);
  update_block_.begin(state, ctx);
  const View flow = out.flow_low;
  if (options.initial_flow) {
    copy(*options.initial_flow, flow);
  } else {
    fill(flow, 0);
  }
  for (std::int64_t i = 0; i < options.iterations; ++i) {
    const auto part = TracedPart::iteration(ctx.tracer(), i);
    update_block_(correlation, state, flow, ctx);
    const bool last = i + 1 == options.iterations;
    if (options.observer || last) upsample(state, flow, out.flow, ctx);
    if (options.observer) options.observer(i, flow, out.flow);
    if (options.progress) options.progress(i + 1);
  }
  return out;
}

Correlation Raft::correlate(ConstView image1, ConstView image2, CorrelationForm form,
                            Context& ctx) const {
  const Nhwc& s = image1.shape;
  const View features = ctx.arena().view(cells({2 * s.n, s.h, s.w, 3}, variant_.features));
  const Nhwc half = cells(s, variant_.features);
  const View features1(features.data, half);
  const View features2(features.data + half.count(), half);
  const auto encode = [&](ConstView images, View to, std::int64_t first) {
    const auto part = TracedPart::images(ctx.tracer(), first, 2 * s.n);
    ctx.trace("input", images);
    fnet_(images, to, ctx);
  };
  encode(image1, features1, 0);
  encode(image2, features2, s.n);
  return {features1, features2, correlation_params(form), ctx};
}

void Raft::upsample(const UpdateBlock::State& state, ConstView flow_low, View flow,
                    Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  if (variant_.large) {
    return convex_upsample(flow_low, update_block_.upsampling_mask(state, ctx), kCell, flow, ctx);
  }
  const View cells_to_pixels = ctx.arena().view(flow_low.shape);
  for (std::int64_t p = 0; p < flow_low.shape.pixels(); ++p) {
    const float* from = flow_low.pixel(p);
    for (int c = 0; c < 2; ++c) cells_to_pixels.data[2 * p + c] = kCell * from[c];
  }
  resize(cells_to_pixels, {.align_corners = true}, flow, ctx);
}

}  // namespace hewn
