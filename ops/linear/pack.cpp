#include "hewn/ops/gemm/pack.h"

#include "hewn/ops/linear/bf16.h"
#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/dtype.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

namespace hewn {

namespace {

template <typename Value>
void check_size(const std::string& name, const char* what, std::span<const Value> values,
                std::int64_t expected) {
  require(values.size() == static_cast<std::size_t>(expected), "linear ", name, ": ", what,
          ": expected ", expected, " values, got ", values.size());
}

/// [out][in] → [panel][in][16], zero beyond the last output.
template <typename Value>
AlignedArray<Value> pack_panels(const Shape& shape, std::span<const Value> weight) {
  const std::int64_t out = shape[0];
  const std::int64_t in = shape[1];
  AlignedArray<Value> panels(checked_multiply(round_up(out, kPanel), in, "panels"));
  for (std::int64_t first = 0; first < out; first += kPanel) {
    pack_panel_of_rows(weight.data() + first * in, in, std::min(out - first, kPanel), in,
                       panels.data() + first * in);
  }
  return panels;
}

/// [out][in] → [panel][in / 2][16][2], zero beyond the last output and the last input.
template <typename Value, typename Round>
AlignedArray<std::uint16_t> pack_bf16_panels(const Shape& shape, std::span<const Value> weight,
                                             const Round& round) {
  const std::int64_t out = shape[0];
  const std::int64_t in = shape[1];
  const std::int64_t depth = round_up(in, kBf16Depth);
  AlignedArray<std::uint16_t> panels(checked_multiply(round_up(out, kPanel), depth, "panels"));
  std::ranges::fill(panels.values(), std::uint16_t{0});
  for (std::int64_t o = 0; o < out; ++o) {
    const Value* from = weight.data() + o * in;
    std::uint16_t* to = panels.data() + o / kPanel * depth * kPanel + o % kPanel * 2;
    for (std::int64_t k = 0; k < in; ++k) to[k / 2 * kPanel * 2 + k % 2] = round(from[k]);
  }
  return panels;
}

}  // namespace

PackedLinear::PackedLinear(std::string name, const LinearWeights& weights,
                           const Activation& activation, LinearPrecision precision)
    : name_(std::move(name)), activation_(activation), precision_(precision) {
  const bool bf16 = precision_ == LinearPrecision::bfloat16;
  const Shape& shape = weights.shape;
  require(shape.rank() == 2, "linear ", name_, ": weight: expected rank 2 (out, in), got shape ",
          shape);
  out_features_ = shape[0];
  in_features_ = shape[1];
  if (weights.halves.empty()) {
    check_size(name_, "weight", weights.weight, shape.count());
    if (bf16) {
      bf16_panels_ = pack_bf16_panels(shape, weights.weight, float_to_bfloat16);
    } else {
      panels_ = pack_panels(shape, weights.weight);
    }
  } else {
    check_size(name_, "weight", weights.halves, shape.count());
    if (bf16) {
      const auto round = [](std::uint16_t h) { return float_to_bfloat16(half_to_float(h)); };
      bf16_panels_ = pack_bf16_panels(shape, weights.halves, round);
    } else {
      half_panels_ = pack_panels(shape, weights.halves);
    }
  }
  if (!weights.bias.empty()) check_size(name_, "bias", weights.bias, out_features_);
  bias_ = AlignedArray<float>(round_up(out_features_, kPanel));
  std::ranges::fill(bias_.values(), 0.0F);
  std::ranges::copy(weights.bias, bias_.values().begin());
}

}  // namespace hewn
