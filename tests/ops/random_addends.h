// Random addends for operators with a fused activation.
#pragma once

#include "hewn/ops/activation/activation.h"

#include <cmath>
#include <optional>

#include "tests/support/random.h"

namespace hewn::test {

/// Owns what Addends look at.
struct RandomAddends {
  std::optional<Tensor> before, after;

  RandomAddends() = default;
  /// Each is there half of the time.
  RandomAddends(const Nhwc& shape, Random& random) {
    if (random.integer(0, 1) == 1) before = random.tensor(shape);
    if (random.integer(0, 1) == 1) after = random.tensor(shape);
  }

  Addends views() const {
    Addends addends;
    if (before) addends.before = before->view();
    if (after) addends.after = after->view();
    return addends;
  }

  /// The magnitudes, for bounds of rounding errors.
  RandomAddends absolute() const {
    RandomAddends result;
    const auto copy = [](const std::optional<Tensor>& from, std::optional<Tensor>& to) {
      if (!from) return;
      to = Tensor::copy_of(from->view());
      for (float& value : to->values()) value = std::abs(value);
    };
    copy(before, result.before);
    copy(after, result.after);
    return result;
  }
};

}  // namespace hewn::test
