#include "tests/support/masks.h"

#include <algorithm>

namespace hewn::test {

Tensor mask_of_dots(Random& random, std::int64_t h, std::int64_t w, double share) {
  return mask_where(h, w, [&](std::int64_t, std::int64_t) { return random.uniform(0, 1) < share; });
}

Tensor mask_of_blocks(Random& random, std::int64_t h, std::int64_t w) {
  constexpr std::int64_t kLongest = 9;
  Tensor mask = mask_where(h, w, [](std::int64_t, std::int64_t) { return false; });
  for (int i = 0; i < 4; ++i) {
    const std::int64_t top = random.integer(1 - kLongest, h - 1);
    const std::int64_t left = random.integer(1 - kLongest, w - 1);
    const std::int64_t bottom = std::min(h, top + random.integer(1, kLongest));
    const std::int64_t right = std::min(w, left + random.integer(1, kLongest));
    for (std::int64_t y = std::max<std::int64_t>(top, 0); y < bottom; ++y) {
      for (std::int64_t x = std::max<std::int64_t>(left, 0); x < right; ++x) {
        *mask.view().pixel(0, y, x) = 1;
      }
    }
  }
  return mask;
}

}  // namespace hewn::test
