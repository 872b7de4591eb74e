#include "hewn/models/raft/padding.h"

#include "hewn/models/raft/raft.h"
#include "hewn/runtime/error.h"

#include <algorithm>

namespace hewn {

RaftPadding::RaftPadding(std::int64_t h, std::int64_t w, RaftPaddingWay way) {
  const std::int64_t rows = round_up(h, Raft::kCell) - h;
  const std::int64_t columns = round_up(w, Raft::kCell) - w;
  left = columns / 2;
  right = columns - left;
  top = way == RaftPaddingWay::sintel ? rows / 2 : 0;
  bottom = rows - top;
}

Tensor RaftPadding::pad(ConstView picture) const {
  const Nhwc& s = picture.shape;
  Tensor padded({s.n, s.h + top + bottom, s.w + left + right, s.c});
  const View to = padded.view();
  for (std::int64_t n = 0; n < s.n; ++n) {
    for (std::int64_t y = 0; y < to.shape.h; ++y) {
      for (std::int64_t x = 0; x < to.shape.w; ++x) {
        const float* from = picture.pixel(n, std::clamp<std::int64_t>(y - top, 0, s.h - 1),
                                          std::clamp<std::int64_t>(x - left, 0, s.w - 1));
        std::copy_n(from, s.c, to.pixel(n, y, x));
      }
    }
  }
  return padded;
}

void RaftPadding::crop(ConstView x, View y) const {
  const Nhwc& s = y.shape;
  const Nhwc expected{s.n, s.h + top + bottom, s.w + left + right, s.c};
  require(x.shape == expected, "padding: expected a padded map of ", expected, ", got ", x.shape);
  copy(x.window(top, left, s.h, s.w), y);
}

}  // namespace hewn
