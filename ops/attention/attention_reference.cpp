#include "hewn/ops/attention/attention_reference.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

/// One query and head.
struct Row {
  std::vector<double> scores;      // of the visible keys
  std::vector<double> magnitudes;  // Σ |q·k| / √d of each
  std::vector<std::int64_t> keys;
};

Row row_of(const float* q, ConstView k, std::int64_t image, std::int64_t channel,
           std::int64_t depth, std::span<const std::uint8_t> visible) {
  Row row;
  for (std::int64_t key = 0; key < k.shape.w; ++key) {
    if (!visible.empty() && visible[static_cast<std::size_t>(key)] == 0) continue;
    const float* other = k.pixel(image, 0, key) + channel;
    double sum = 0;
    double magnitude = 0;
    for (std::int64_t c = 0; c < depth; ++c) {
      const double product = static_cast<double>(q[c]) * static_cast<double>(other[c]);
      sum += product;
      magnitude += std::abs(product);
    }
    const double scale = 1 / std::sqrt(static_cast<double>(depth));
    row.scores.push_back(sum * scale);
    row.magnitudes.push_back(magnitude * scale);
    row.keys.push_back(key);
  }
  return row;
}

}  // namespace

AttentionReference attention_reference(ConstView q, ConstView k, ConstView v, std::int64_t heads,
                                       std::span<const std::uint8_t> visible) {
  AttentionReference result;
  const std::int64_t depth = q.shape.c / heads;
  const auto keys = static_cast<std::size_t>(k.shape.w);
  for (std::int64_t n = 0; n < q.shape.n; ++n) {
    for (std::int64_t i = 0; i < q.shape.w; ++i) {
      const auto seen =
          visible.empty() ? visible : visible.subspan(static_cast<std::size_t>(i) * keys, keys);
      for (std::int64_t channel = 0; channel < q.shape.c; channel += depth) {
        const Row row = row_of(q.pixel(n, 0, i) + channel, k, n, channel, depth, seen);
        const double largest = *std::ranges::max_element(row.scores);
        const double magnitude = *std::ranges::max_element(row.magnitudes);
        double sum = 0;
        for (const double score : row.scores) sum += std::exp(score - largest);
        for (std::int64_t c = 0; c < depth; ++c) {
          double y = 0;
          double size = 0;
          for (std::size_t j = 0; j < row.keys.size(); ++j) {
            const double weight = std::exp(row.scores[j] - largest) / sum;
            const auto value = static_cast<double>(v.pixel(n, 0, row.keys[j])[channel + c]);
            y += weight * value;
            size += weight * std::abs(value);
          }
          result.y.push_back(y);
          result.sensitivity.push_back(size * (1 + magnitude));
        }
      }
    }
  }
  return result;
}

}  // namespace hewn
