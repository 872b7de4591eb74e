// The oracle of the top-k tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hewn {

/// The indices that topk() gives: k times over, the first of the largest values that are left.
std::vector<std::int64_t> topk_reference(std::span<const float> values, std::int64_t k);

}  // namespace hewn
