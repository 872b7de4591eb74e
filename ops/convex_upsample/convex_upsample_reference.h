// Convex upsampling as the paper has it: the oracle of the tests.
#pragma once

#include "hewn/ops/convex_upsample/convex_upsample.h"

#include <vector>

namespace hewn {

/// What convex_upsample() computes, in double, as dense NHWC values.
std::vector<double> convex_upsample_reference(ConstView flow, ConstView logits,
                                              std::int64_t factor);

}  // namespace hewn
