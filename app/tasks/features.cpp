#include "app/tasks/features.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <span>
#include <utility>

namespace hewn::app {

namespace {

/// Columns of {1, 1, rows, columns} values: x and y, or scores.
template <std::size_t columns>
Tensor matrix(const std::vector<Keypoint>& keypoints,
              const std::array<float Keypoint::*, columns>& fields) {
  Tensor values({1, 1, static_cast<std::int64_t>(keypoints.size()), columns});
  float* to = values.view().data;
  for (const Keypoint& keypoint : keypoints) {
    for (const auto field : fields) *to++ = keypoint.*field;
  }
  return values;
}

void dump_dense_descriptors(ConstView descriptors, Context& ctx, TensorDump& dump) {
  const Nhwc& s = descriptors.shape;
  Tensor full({s.n, s.h * SuperPoint::kCell, s.w * SuperPoint::kCell, s.c});
  upsample_descriptors(descriptors, full.view(), ctx);
  dump.add("descriptors_full", full.view());
}

void dump_outputs(const SuperPoint::Output& output, ConstView scores, TensorDump& dump) {
  dump.add("semi", output.semi);
  dump.add("scores", scores, {1, scores.shape.h, scores.shape.w});
  if (output.descriptors.shape.c > 0) dump.add("descriptors", output.descriptors);
}

/// A {1, 1, rows, columns} matrix is a {rows, columns, 1, 1} tensor: NCHW keeps its order.
void dump_matrix(std::string_view name, ConstView view, Shape shape, TensorDump& dump) {
  dump.add(name, view.reshaped({view.shape.w, 1, 1, view.shape.c}), std::move(shape));
}

void dump_keypoints(const Features& features, TensorDump& dump) {
  const auto count = static_cast<std::int64_t>(features.keypoints.size());
  dump_matrix("keypoints", matrix<2>(features.keypoints, {&Keypoint::x, &Keypoint::y}).view(),
              {count, 2}, dump);
  dump_matrix("keypoint_scores", matrix<1>(features.keypoints, {&Keypoint::score}).view(), {count},
              dump);
  const std::int64_t channels = features.descriptors.shape().c;
  if (channels > 0) {
    dump_matrix("keypoint_descriptors", features.descriptors.view(), {count, channels}, dump);
  }
}

/// Runs the network; the output lives in the caller's arena scope.
SuperPoint::Output forward(const SuperPoint& model, ConstView gray, Context& ctx,
                           TensorDump* layers) {
  if (layers == nullptr) return model.forward(gray, ctx);
  layers->add("input", gray);
  TracedLayers traced;
  const TraceScope trace(ctx.tracer(), traced.sink());
  const SuperPoint::Output output = model.forward(gray, ctx);
  layers->add(traced.take());
  return output;
}

Json descriptor_json(ConstView descriptors, std::int64_t keypoint) {
  const float* values = descriptors.pixel(0, 0, keypoint);
  Json list = Json::array();
  for (std::int64_t c = 0; c < descriptors.shape.c; ++c) list.push_back(shortest(values[c]));
  return list;
}

}  // namespace

Tensor read_gray(const std::filesystem::path& path) {
  const Image image = read_image(path);
  require(image.width >= SuperPoint::kCell && image.height >= SuperPoint::kCell, path.string(),
          ": expected a picture of at least 8 × 8 pixels, got ", image.width, " × ", image.height);
  return to_gray(image);
}

Features extract_features(const SuperPoint& model, Tensor gray, const FeatureOptions& options,
                          Context& ctx, const Sinks& sinks) {
  Features features;
  features.gray = std::move(gray);
  Tensor mean;
  if (options.adaptation) {
    mean = homographic_adaptation(model, features.gray.view(), *options.adaptation, ctx,
                                  sinks.progress);
  }

  const Arena::Scope scope(ctx.arena());
  const SuperPoint::Output output = forward(model, features.gray.view(), ctx, sinks.layers);
  const ConstView scores = options.adaptation ? std::as_const(mean).view() : output.scores;
  features.keypoints = select_keypoints(scores, options.keypoints, ctx);
  if (output.descriptors.shape.c > 0) {
    features.descriptors = sample_descriptors(output.descriptors, features.keypoints,
                                              model.descriptor_sampling(), ctx);
  }
  if (sinks.outputs != nullptr) {
    dump_outputs(output, scores, *sinks.outputs);
    if (options.dense_descriptors) {
      dump_dense_descriptors(output.descriptors, ctx, *sinks.outputs);
    }
    dump_keypoints(features, *sinks.outputs);
  }
  return features;
}

Json to_json(const std::filesystem::path& path, const Features& features, bool with_descriptors) {
  Json keypoints = Json::array();
  for (std::size_t i = 0; i < features.keypoints.size(); ++i) {
    const Keypoint& at = features.keypoints[i];
    Json keypoint{{"x", shortest(at.x)}, {"y", shortest(at.y)}, {"score", shortest(at.score)}};
    if (with_descriptors) {
      keypoint["descriptor"] =
          descriptor_json(features.descriptors.view(), static_cast<std::int64_t>(i));
    }
    keypoints.push_back(std::move(keypoint));
  }
  return {{"file", path.string()},
          {"width", features.gray.shape().w},
          {"height", features.gray.shape().h},
          {"keypoints", std::move(keypoints)}};
}

std::string summary(const std::filesystem::path& path, const Features& features) {
  const Nhwc& s = features.gray.shape();
  return text_of(path.string(), ": ", s.w, " × ", s.h, " pixels, ", features.keypoints.size(),
                 " keypoints");
}

}  // namespace hewn::app
