// Selection is all comparisons and no arithmetic, so there are no kernels here: the values become
// integers that compare in the order asked for, and the standard library does the rest.
#include "hewn/ops/topk/topk.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/operands.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hewn {

namespace {

struct Entry {
  std::uint32_t rank;  // of the value, larger for larger values
  std::int64_t index;

  bool operator<(const Entry& other) const {
    return rank != other.rank ? rank > other.rank : index < other.index;
  }
};

/// An integer for each value, in the same order: a float's bits without the sign grow with its
/// magnitude.
std::uint32_t rank_of(float value) {
  constexpr std::uint32_t kSign = 0x80000000U;
  if (std::isnan(value)) return 0xffffffffU;
  if (value == 0) return kSign;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

void require_size(const char* what, std::size_t size, std::int64_t k) {
  require(size == static_cast<std::size_t>(k), "topk: ", what, ": expected ", k, " elements, got ",
          size);
}

}  // namespace

void topk(std::span<const float> values, std::int64_t k, std::span<float> top,
          std::span<std::int64_t> indices, Context& ctx) {
  const auto count = static_cast<std::int64_t>(values.size());
  require(k >= 0 && k <= count, "topk: expected k from 0 to ", count, ", got ", k);
  require_size("top", top.size(), k);
  require_size("indices", indices.size(), k);
  check_operands("topk", "", {{"values", ConstView(values.data(), {1, 1, 1, count})}},
                 ConstView(top.data(), {1, 1, 1, k}));
  if (k == 0) return;
  const ProfileScope profile(
      ctx.profiler(), "topk", "",
      {.flops = 0, .bytes = sizeof(float) * static_cast<double>(values.size())});

  const Arena::Scope scope(ctx.arena());
  const std::span<Entry> entries = ctx.arena().allocate<Entry>(count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    entries[i] = {rank_of(values[i]), static_cast<std::int64_t>(i)};
  }
  const auto last = entries.begin() + k;
  if (k < count) std::nth_element(entries.begin(), last, entries.end());
  std::sort(entries.begin(), last);
  for (std::size_t i = 0; i < top.size(); ++i) {
    indices[i] = entries[i].index;
    top[i] = values[static_cast<std::size_t>(entries[i].index)];
  }
}

}  // namespace hewn
