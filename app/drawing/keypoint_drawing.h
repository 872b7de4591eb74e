// The pictures that `keypoints` and `match` draw.
#pragma once

#include "hewn/models/tasks/matching/homography.h"
#include "hewn/models/tasks/matching/matching.h"
#include "hewn/runtime/pictures/image.h"

#include <vector>

#include "app/tasks/features.h"

namespace hewn::app {

/// The gray picture with a circle around each keypoint, coloured by its score.
Image draw_keypoints(const Features& features);

/// Both pictures side by side: inliers joined in green, other matches in faint red, and, where a
/// homography was found, the outline of a in b.
Image draw_matches(const Features& a, const Features& b, const std::vector<Match>& matches,
                   const HomographyEstimate& estimate);

}  // namespace hewn::app
