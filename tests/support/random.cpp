#include "tests/support/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

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

std::ostream& operator<<(std::ostream& out, const Margins& margins) {
  return out << margins.rows << " rows, " << margins.columns << " columns, " << margins.channels
             << " channels";
}

Sliced::Sliced(const Nhwc& shape, const Tensor* values, const Margins& margins)
    : buffer_({shape.n, shape.h + 2 * margins.rows, shape.w + 2 * margins.columns,
               shape.c + 2 * margins.channels}),
      middle_(buffer_.view()
                  .window(margins.rows, margins.columns, shape.h, shape.w)
                  .channels(margins.channels, margins.channels + shape.c)) {
  fill(buffer_.view(), std::numeric_limits<float>::quiet_NaN());
  if (values != nullptr) copy(values->view(), view());
}

bool Sliced::margins_untouched() const {
  Tensor rest = Tensor::copy_of(buffer_.view());
  View middle = middle_;
  middle.data = rest.view().data + (middle_.data - buffer_.view().data);
  fill(middle, std::numeric_limits<float>::quiet_NaN());
  return std::ranges::all_of(rest.values(), [](float value) { return std::isnan(value); });
}

}  // namespace hewn::test
