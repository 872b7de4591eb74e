#include "tests/support/random.h"

#include <cmath>
#include <limits>

namespace hewn::test {

float Random::uniform(float low, float high) {
  return static_cast<float>(hewn::Random::uniform(low, high));
}

std::vector<float> Random::values(std::int64_t count, float low, float high) {
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& value : out) value = uniform(low, high);
  return out;
}

Tensor Random::tensor(const Nhwc& shape, float low, float high) {
  Tensor out(shape);
  for (float& value : out.values()) value = uniform(low, high);
  return out;
}

std::vector<float> absolute(std::vector<float> values) {
  for (float& value : values) value = std::abs(value);
  return values;
}

Sliced::Sliced(const Nhwc& shape, const Tensor* values)
    : channels_(shape.c), buffer_({shape.n, shape.h, shape.w, shape.c + 2 * kMargin}) {
  fill(buffer_.view(), std::numeric_limits<float>::quiet_NaN());
  if (values != nullptr) copy(values->view(), view());
}

bool Sliced::margins_untouched() const {
  const std::int64_t width = channels_ + 2 * kMargin;
  const auto values = buffer_.values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto channel = static_cast<std::int64_t>(i) % width;
    const bool margin = channel < kMargin || channel >= kMargin + channels_;
    if (margin && !std::isnan(values[i])) return false;
  }
  return true;
}

}  // namespace hewn::test
