// From a picture's file to its keypoints and descriptors.
#pragma once

#include "hewn/models/superpoint/homographic_adaptation.h"
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/models/superpoint/superpoint.h"
#include "hewn/runtime/context.h"

#include <filesystem>
#include <optional>
#include <vector>

#include "app/output/json_text.h"
#include "app/output/tensor_dump.h"

namespace hewn::app {

struct Features {
  Tensor gray;  ///< the picture, {1, h, w, 1}
  std::vector<Keypoint> keypoints;
  Tensor descriptors;  ///< {1, 1, keypoints, c}; no channels when the model has none
};

struct FeatureOptions {
  KeypointOptions keypoints;
  /// Present: keypoints of the mean heat map over random views.
  std::optional<HomographicAdaptationOptions> adaptation;
  /// Whether `outputs` gets descriptors at full resolution too.
  bool dense_descriptors = false;
};

/// Reads a picture as gray. Throws Error, naming the file, when it is no picture or too small for
/// the network.
Tensor read_gray(const std::filesystem::path& path);

/// Progress is told in views, where there are several.
Features extract_features(const SuperPoint& model, Tensor gray, const FeatureOptions& options,
                          Context& ctx, const Sinks& sinks = {});

/// {"file", "width", "height", "keypoints": [{"x", "y", "score"}]}, each keypoint with its
/// "descriptor" when asked for.
Json to_json(const std::filesystem::path& path, const Features& features, bool with_descriptors);

/// As in "box.png: 324 × 223 pixels, 512 keypoints".
std::string summary(const std::filesystem::path& path, const Features& features);

}  // namespace hewn::app
