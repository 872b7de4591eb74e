#include "tests/support/random.h"

#include <cmath>
#include <limits>

namespace hewn::test {

std::uint64_t Random::bits() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

float Random::uniform(float low, float high) {
  const auto unit = static_cast<float>(bits() >> 40U) * 0x1p-24F;
  return low + (high - low) * unit;
}

std::int64_t Random::integer(std::int64_t low, std::int64_t high) {
  const auto range = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(bits() % range);
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
