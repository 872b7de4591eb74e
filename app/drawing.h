// The pictures that `keypoints` and `match` draw.
#pragma once

#include "hewn/models/matching/homography.h"
#include "hewn/models/matching/matching.h"
#include "hewn/runtime/image.h"

#include <vector>

#include "app/features.h"

namespace hewn::app {

/// The gray picture with a circle around each keypoint, coloured by its score.
Image draw_keypoints(const Features& features);

/// Both pictures side by side: inliers joined in green, other matches in faint red, and, where a
/// homography was found, the outline of a in b.
Image draw_matches(const Features& a, const Features& b, const std::vector<Match>& matches,
                   const HomographyEstimate& estimate);

}  // namespace hewn::app
