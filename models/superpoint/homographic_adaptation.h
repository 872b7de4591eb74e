// Homographic adaptation, the self-labelling of the paper (section 5): what the detector finds in
// many views of one picture.
#pragma once

#include "hewn/models/superpoint/superpoint.h"

#include <cstdint>
#include <functional>
#include <vector>

#include <Eigen/Core>

namespace hewn {

/// How many views, and which.
struct HomographicAdaptationOptions {
  std::int64_t count = 100;  ///< 1 to 10,000 views, the first of which is the picture itself
  std::uint64_t seed = 0;
};

/// Homographies that map pixels of the picture to pixels of the view. The first is the identity;
/// the others combine perspective, scale, translation and rotation drawn from `seed`, the same on
/// every machine. Throws Error when an option is out of range.
std::vector<Eigen::Matrix3d> random_homographies(std::int64_t height, std::int64_t width,
                                                 const HomographicAdaptationOptions& options);

/// The mean heat map over all views: each view is detected, its heat map warped back, and every
/// pixel divided by the number of views that saw it. image: {1, h, w, 1}; returns {1, 8·⌊h/8⌋,
/// 8·⌊w/8⌋, 1}. `progress` is called with the number of views done. Throws Error when an option is
/// out of range, and for another shape.
Tensor homographic_adaptation(const SuperPoint& model, ConstView image,
                              const HomographicAdaptationOptions& options, Context& ctx,
                              const std::function<void(std::int64_t)>& progress = {});

}  // namespace hewn
