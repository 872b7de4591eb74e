// Which descriptors of two pictures belong together.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <vector>

namespace hewn {

/// Descriptor `a` of the first picture and descriptor `b` of the second, which took each other.
struct Match {
  std::int64_t a = 0;
  std::int64_t b = 0;
  float similarity = 0;  ///< their dot product: the cosine of the angle between them
};

/// Which pairs stay.
struct MatchOptions {
  /// In (0, 1]. Lowe's ratio test (2004, section 7.1): a match stays when its distance in
  /// descriptor space is below `ratio` times the distance to the second nearest descriptor of b.
  /// 1 switches the test off, which suits learned descriptors: being nearest both ways already
  /// rejects most mistakes, and a homography the rest.
  float ratio = 1;
};

/// Pairs of descriptors that are each other's nearest, in the order of their index in a.
///
/// a: {1, 1, n, c}, b: {1, 1, m, c}, vectors of length 1, so that the nearest has the largest dot
/// product; among equals, the one with the lower index. n or m may be 0; with m = 1 there is no
/// second nearest, and the ratio test passes. Time is one n × c by c × m product; memory is that of
/// the descriptors and a block of rows of the product, never the whole product. Throws Error for
/// other shapes or a ratio out of range.
std::vector<Match> match_mutual(ConstView a, ConstView b, const MatchOptions& options,
                                Context& ctx);

}  // namespace hewn
