#include "hewn/ops/gemm/gemm.h"
#include "hewn/ops/linear/linear.h"
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
  AlignedArray<Value> panels(checked_multiply(divide_up(out, kPanel) * kPanel, in, "panels"));
  for (std::int64_t first = 0; first < out; first += kPanel) {
    const std::int64_t count = std::min(out - first, kPanel);
    const Value* from = weight.data() + first * in;
    Value* to = panels.data() + first * in;
    if (count < kPanel) std::fill_n(to, in * kPanel, Value{});
    for (std::int64_t k = 0; k < in; ++k) {
      for (std::int64_t j = 0; j < count; ++j) to[k * kPanel + j] = from[j * in + k];
    }
  }
  return panels;
}

}  // namespace

PackedLinear::PackedLinear(std::string name, const LinearWeights& weights,
                           const Activation& activation)
    : name_(std::move(name)), activation_(activation) {
  const Shape& shape = weights.shape;
  require(shape.rank() == 2, "linear ", name_, ": weight: expected rank 2 (out, in), got shape ",
          shape);
  out_features_ = shape[0];
  in_features_ = shape[1];
  if (weights.halves.empty()) {
    check_size(name_, "weight", weights.weight, shape.count());
    panels_ = pack_panels(shape, weights.weight);
  } else {
    check_size(name_, "weight", weights.halves, shape.count());
    half_panels_ = pack_panels(shape, weights.halves);
  }
  if (!weights.bias.empty()) check_size(name_, "bias", weights.bias, out_features_);
  bias_ = AlignedArray<float>(divide_up(out_features_, kPanel) * kPanel);
  std::ranges::fill(bias_.values(), 0.0F);
  std::ranges::copy(weights.bias, bias_.values().begin());
}

}  // namespace hewn
