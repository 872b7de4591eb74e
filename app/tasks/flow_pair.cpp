#include "app/tasks/flow_pair.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <utility>

namespace hewn::app {

namespace {

/// Pictures are padded to multiples of a cell.
constexpr std::int64_t kLeastSide = Raft::kMinSide - Raft::kCell + 1;

/// Collects the flows of all iterations.
class Iterations {
 public:
  Iterations(std::int64_t count, const Nhwc& low, const Nhwc& picture, RaftPadding padding)
      : low_({count, low.h, low.w, 2}),
        flow_({count, picture.h, picture.w, 2}),
        padding_(padding) {}

  void add(std::int64_t iteration, ConstView flow_low, ConstView flow) {
    copy(flow_low, low_.view().image(iteration));
    padding_.crop(flow, flow_.view().image(iteration));
  }
  void dump(TensorDump& to) const {
    to.add("flows", flow_.view());
    to.add("flows_low", low_.view());
  }

 private:
  Tensor low_;
  Tensor flow_;
  RaftPadding padding_;
};

}  // namespace

PaddedPicture read_padded(const std::filesystem::path& path, RaftPaddingWay way) {
  const Image image = read_image(path);
  require(image.width >= kLeastSide && image.height >= kLeastSide, path.string(),
          ": expected a picture of at least ", kLeastSide, " × ", kLeastSide, " pixels, got ",
          image.width, " × ", image.height);
  const RaftPadding padding(image.height, image.width, way);
  return {.h = image.height, .w = image.width, .padded = padding.pad(to_rgb(image).view())};
}

Nhwc flow_low_shape(std::int64_t h, std::int64_t w) {
  return {1, divide_up(h, Raft::kCell), divide_up(w, Raft::kCell), 2};
}

PairFlow compute_flow(const Raft& model, const PaddedPicture& first, const PaddedPicture& second,
                      const std::optional<ConstView>& initial_low, const PairOptions& options,
                      Context& ctx, const Sinks& sinks) {
  const Nhwc& s = first.padded.shape();
  const RaftPadding padding(first.h, first.w, options.padding);
  const Nhwc low = flow_low_shape(first.h, first.w);
  PairFlow result{.flow = Tensor({1, first.h, first.w, 2}),
                  .flow_low = Tensor(low),
                  .correlation = correlation_form(options.flow, model, s.h, s.w)};

  std::optional<Iterations> iterations;
  if (sinks.outputs != nullptr && options.all_iterations) {
    iterations.emplace(options.flow.iterations, low, result.flow.shape(), padding);
  }
  Raft::Options run{.iterations = options.flow.iterations,
                    .correlation = result.correlation,
                    .initial_flow = initial_low};
  if (iterations) {
    run.observer = [&](std::int64_t i, ConstView flow_low, ConstView flow) {
      iterations->add(i, flow_low, flow);
    };
  }
  run.progress = sinks.progress;
  TracedLayers traced;
  const TraceScope trace(ctx.tracer(), sinks.layers == nullptr ? TraceSink{} : traced.sink());
  const Arena::Scope scope(ctx.arena());
  const Raft::Output output = model.forward(first.padded.view(), second.padded.view(), run, ctx);
  if (sinks.layers != nullptr) sinks.layers->add(traced.take());
  padding.crop(output.flow, result.flow.view());
  copy(output.flow_low, result.flow_low.view());
  if (sinks.outputs != nullptr) {
    sinks.outputs->add("flow", result.flow.view());
    sinks.outputs->add("flow_low", result.flow_low.view());
    if (iterations) iterations->dump(*sinks.outputs);
  }
  return result;
}

}  // namespace hewn::app
