#include "hewn/ops/pool2d/kernels.h"
#include "hewn/runtime/isa/lanes.h"

namespace hewn {

namespace HEWN_KERNEL_ISA {
namespace {

/// A window of one output pixel, cut to the picture.
struct Window {
  const float* in;
  std::int64_t rows, columns;
  std::int64_t row_stride, pixel_stride;
};

// Pictures with few channels are pooled float by float, others sixteen channels at a time: the
// operations on each channel, and so the bits, are the same.
template <typename Value>
HEWN_INLINE Value load(const float* from);
template <>
HEWN_INLINE Lanes load<Lanes>(const float* from) {
  return Lanes::load(from);
}
template <>
HEWN_INLINE float load<float>(const float* from) {
  return *from;
}

HEWN_INLINE float maximum(float a, float b) { return a < b || b != b ? b : a; }

struct Max {
  template <typename Value>
  static HEWN_INLINE Value combine(const Value& a, const Value& b) {
    return maximum(a, b);
  }
};

struct Sum {
  template <typename Value>
  static HEWN_INLINE Value combine(const Value& a, const Value& b) {
    return a + b;
  }
};

/// Reduces the window in row-major order. Sizes that are known when compiling unroll the loops; 0
/// stands for any.
template <typename Op, int kRows, int kColumns, typename Value>
HEWN_INLINE Value reduce(const Window& w, std::int64_t channel) {
  const std::int64_t rows = kRows == 0 ? w.rows : kRows;
  const std::int64_t columns = kColumns == 0 ? w.columns : kColumns;
  const float* row = w.in + channel;
  Value value = load<Value>(row);
  for (std::int64_t x = 1; x < columns; ++x) {
    value = Op::combine(value, load<Value>(row + x * w.pixel_stride));
  }
  for (std::int64_t y = 1; y < rows; ++y) {
    row += w.row_stride;
    for (std::int64_t x = 0; x < columns; ++x) {
      value = Op::combine(value, load<Value>(row + x * w.pixel_stride));
    }
  }
  return value;
}

template <typename Op, int kRows, int kColumns, typename Finish>
HEWN_INLINE void reduce_channels(const Window& w, std::int64_t channels, float* out,
                                 Finish finish) {
  if (channels < kLanes) {
    for (std::int64_t c = 0; c < channels; ++c) {
      out[c] = finish(reduce<Op, kRows, kColumns, float>(w, c));
    }
    return;
  }
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    // The last group overlaps the one before it rather than run over the end.
    const std::int64_t at = c + kLanes <= channels ? c : channels - kLanes;
    finish(reduce<Op, kRows, kColumns, Lanes>(w, at)).store(out + at);
  }
}

/// `finish_for(counted)` makes the last step, given how many columns count in the divisor.
template <typename Op, typename FinishFor>
HEWN_INLINE void pool_row(const PoolRow& r, FinishFor finish_for) {
  for (std::int64_t ox = 0; ox < r.out_width; ++ox) {
    const std::int64_t start = ox * r.stride_w - r.padding_w;
    const std::int64_t stop = start + r.kernel_w;
    const std::int64_t begin = start < 0 ? 0 : start;
    const std::int64_t end = stop < r.width ? stop : r.width;
    const std::int64_t padded_end = r.width + r.padding_w;
    const std::int64_t counted =
        r.count_include_pad ? (stop < padded_end ? stop : padded_end) - start : end - begin;
    const Window window{r.in + begin * r.pixel_stride, r.rows, end - begin, r.row_stride,
                        r.pixel_stride};
    float* out = r.out + ox * r.out_stride;
    const auto finish = finish_for(counted);
    if (window.rows == 2 && window.columns == 2) {
      reduce_channels<Op, 2, 2>(window, r.channels, out, finish);
    } else {
      reduce_channels<Op, 0, 0>(window, r.channels, out, finish);
    }
  }
}

void max_row(const PoolRow& r) {
  pool_row<Max>(r, [](std::int64_t) { return [](const auto& value) { return value; }; });
}

void avg_row(const PoolRow& r) {
  pool_row<Sum>(r, [&](std::int64_t counted) {
    const auto divisor = static_cast<float>(r.counted_rows * counted);
    return [divisor]<typename Value>(const Value& sum) { return sum / Value(divisor); };
  });
}

void maximum_of_two(const float* a, const float* b, float* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    maximum(Lanes::load(a + i), Lanes::load(b + i)).store(out + i);
  }
  const std::int64_t rest = count - i;
  maximum(Lanes::load(a + i, rest), Lanes::load(b + i, rest)).store(out + i, rest);
}

}  // namespace
}  // namespace HEWN_KERNEL_ISA

template <>
const Pool2dKernels& kernels<Pool2dKernels, HEWN_KERNEL_ISA::kIsa>() {
  using namespace HEWN_KERNEL_ISA;
  static constexpr Pool2dKernels table{max_row, avg_row, maximum_of_two};
  return table;
}

}  // namespace hewn
