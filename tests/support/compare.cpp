#include "tests/support/compare.h"

#include <bit>
#include <cmath>

namespace hewn::test {

testing::AssertionResult all_within(ConstView y, std::span<const double> expected,
                                    std::span<const double> bound) {
  const auto count = static_cast<std::size_t>(y.shape.count());
  if (expected.size() != count || bound.size() != count) {
    return testing::AssertionFailure()
           << "sizes differ: " << count << " values, " << expected.size() << " expected, "
           << bound.size() << " bounds";
  }
  double worst = 0;
  std::size_t worst_at = count;
  const auto channels = static_cast<std::size_t>(y.shape.c);
  for (std::size_t i = 0; i < count; ++i) {
    const double got = y.pixel(static_cast<std::int64_t>(i / channels))[i % channels];
    const bool same = got == expected[i] || (std::isnan(got) && std::isnan(expected[i]));
    const double excess = same ? 0 : std::abs(got - expected[i]) / bound[i];
    if (!(excess <= 1) && !(excess <= worst)) {
      worst = excess;
      worst_at = i;
    }
  }
  if (worst_at == count) return testing::AssertionSuccess();
  const std::size_t i = worst_at;
  const std::size_t pixel = i / channels;
  return testing::AssertionFailure()
         << "pixel " << pixel << ", channel " << i % channels << " of " << y.shape << ": expected "
         << expected[i] << " ± " << bound[i] << ", got "
         << y.pixel(static_cast<std::int64_t>(pixel))[i % channels];
}

std::uint64_t checksum(ConstView view) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const std::int64_t pixels = view.shape.pixels();
  for (std::int64_t i = 0; i < pixels; ++i) {
    const float* pixel = view.pixel(i);
    for (std::int64_t c = 0; c < view.shape.c; ++c) {
      hash = (hash ^ std::bit_cast<std::uint32_t>(pixel[c])) * 0x100000001b3U;
    }
  }
  return hash;
}

std::vector<Isa> usable_isas() {
  std::vector<Isa> isas;
  for (const IsaInfo& info : isa_table()) {
    if (info.compiled && info.supported) isas.push_back(info.isa);
  }
  return isas;
}

std::vector<Isa> bit_identical_isas() {
  std::vector<Isa> isas = usable_isas();
  std::erase_if(isas, [](Isa isa) { return !isa_info(isa).fused; });
  return isas;
}

}  // namespace hewn::test
