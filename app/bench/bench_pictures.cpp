#include "app/bench/bench_pictures.h"

#include "hewn/runtime/random.h"

#include <algorithm>

namespace hewn::app {

Tensor draw_discs(const PictureSize& size, std::int64_t shift) {
  Tensor picture({1, size.height, size.width, 3});
  fill(picture.view(), 0.5F);
  Random random(1);
  const std::int64_t count = size.height * size.width / 500;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = random.integer(0, size.height - 1);
    const std::int64_t column = random.integer(0, size.width - 1) + shift;
    const std::int64_t radius = random.integer(2, 30);
    float colour[3];
    for (float& value : colour) value = static_cast<float>(random.uniform(0, 1));
    const std::int64_t bottom = std::min(size.height - 1, row + radius);
    const std::int64_t right = std::min(size.width - 1, column + radius);
    for (std::int64_t y = std::max<std::int64_t>(row - radius, 0); y <= bottom; ++y) {
      for (std::int64_t x = std::max<std::int64_t>(column - radius, 0); x <= right; ++x) {
        const std::int64_t dy = y - row;
        const std::int64_t dx = x - column;
        if (dx * dx + dy * dy <= radius * radius) {
          std::copy_n(colour, 3, picture.view().pixel(0, y, x));
        }
      }
    }
  }
  return picture;
}

}  // namespace hewn::app
