#include "hewn/ops/topk/topk_reference.h"

#include <cmath>

namespace hewn {

namespace {

bool larger(float a, float b) { return std::isnan(a) ? !std::isnan(b) : a > b; }

}  // namespace

std::vector<std::int64_t> topk_reference(std::span<const float> values, std::int64_t k) {
  std::vector<std::int64_t> indices;
  std::vector<bool> taken(values.size());
  while (static_cast<std::int64_t>(indices.size()) < k) {
    std::size_t best = values.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!taken[i] && (best == values.size() || larger(values[i], values[best]))) best = i;
    }
    taken[best] = true;
    indices.push_back(static_cast<std::int64_t>(best));
  }
  return indices;
}

}  // namespace hewn
