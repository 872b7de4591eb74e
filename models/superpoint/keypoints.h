// From SuperPoint's heat map to keypoints, and from its coarse map to their descriptors.
#pragma once

#include "hewn/models/superpoint/superpoint.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hewn {

/// A keypoint: column and row of its pixel, and its probability.
struct Keypoint {
  float x = 0;
  float y = 0;
  float score = 0;
};

/// Which pixels of the heat map become keypoints.
struct KeypointOptions {
  std::int64_t nms_radius =
      4;  ///< ≥ 0: of two keypoints this near along both axes, the stronger stays
  float threshold = 0.005F;         ///< ≥ 0: keypoints score more than this
  std::int64_t border = 4;          ///< ≥ 0: keypoints keep this far from the heat map's border
  std::int64_t max_keypoints = -1;  ///< the strongest so many; −1 for no limit
};

/// Non-maximum suppression of a {1, h, w, 1} heat map, as in SuperPoint's public implementations:
/// local maxima of the (2r + 1)² window stay, everything near them goes, and twice the maxima of
/// what is left are recovered. All other scores become 0. Throws Error unless both are dense, of
/// one shape, and radius ≥ 0. scores and y must not overlap. The bits depend on neither threads nor
/// instruction set, nor do those of the functions below (SSE4.2 apart).
void suppress_non_maxima(ConstView scores, std::int64_t radius, View y, Context& ctx);

/// The keypoints of a {1, h, w, 1} heat map, strongest first, equal scores in row-major order.
/// Throws Error when an option is out of range, and for another shape.
std::vector<Keypoint> select_keypoints(ConstView scores, const KeypointOptions& options,
                                       Context& ctx);

/// Bilinear samples of the {1, h/8, w/8, c} descriptor map at the keypoints, scaled to length 1:
/// {1, 1, keypoints, c}. As torch.nn.functional.grid_sample with zeros beyond the border. Throws
/// Error for another shape, and when sampling is none.
Tensor sample_descriptors(ConstView descriptors, std::span<const Keypoint> keypoints,
                          DescriptorSampling sampling, Context& ctx);

/// The paper's dense descriptors: bicubic interpolation of the coarse map by 8, scaled to length 1.
/// {n, h/8, w/8, c} → y {n, h, w, c}, which must not overlap. Throws Error for other shapes.
void upsample_descriptors(ConstView descriptors, View y, Context& ctx);

}  // namespace hewn
