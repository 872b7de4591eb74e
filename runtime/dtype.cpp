#include "hewn/runtime/dtype.h"

#include "hewn/runtime/error.h"

#include <bit>
#include <cstring>

namespace hewn {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian numbers, and are read as they lie");

std::size_t dtype_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32:
      return 4;
    case Dtype::float16:
    case Dtype::bfloat16:
      return 2;
    case Dtype::int64:
      return 8;
  }
  fail("dtype: no such value ", static_cast<int>(dtype));
}

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32:
      return "F32";
    case Dtype::float16:
      return "F16";
    case Dtype::bfloat16:
      return "BF16";
    case Dtype::int64:
      return "I64";
  }
  fail("dtype: no such value ", static_cast<int>(dtype));
}

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0) {  // zero and subnormals: multiples of 2⁻²⁴, all of them floats
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  constexpr std::uint32_t kBiasDifference = 127 - 15;
  const std::uint32_t wide = exponent == 0x1f ? 0xffU : exponent + kBiasDifference;
  return std::bit_cast<float>(sign | wide << 23U | mantissa << 13U);
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  std::uint32_t magnitude = bits & 0x7fffffffU;
  constexpr std::uint32_t kInfinity = 0x7f800000U;
  constexpr std::uint32_t kFirstOverflow = 0x477ff000U;  // 65520, midway between 65504 and 2¹⁶
  constexpr std::uint32_t kFirstNormal = 0x38800000U;    // 2⁻¹⁴
  std::uint32_t half;
  if (magnitude > kInfinity) {
    half = 0x7e00U | ((magnitude >> 13U) & 0x3ffU);
  } else if (magnitude >= kFirstOverflow) {
    half = 0x7c00U;
  } else if (magnitude < kFirstNormal) {
    // One ulp of ½ is 2⁻²⁴, the unit of subnormal halves: the addition rounds for us.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5F;
    half = std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(0.5F);
  } else {
    const std::uint32_t odd = (magnitude >> 13U) & 1U;
    magnitude += 0xfffU + odd;  // a carry into the exponent is as it should be
    half = (magnitude >> 13U) - ((127U - 15U) << 10U);
  }
  return static_cast<std::uint16_t>(sign | half);
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t odd = (bits >> 16U) & 1U;
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  // A carry into the exponent is as it should be.
  return static_cast<std::uint16_t>(is_nan ? bits >> 16U | 0x40U : (bits + 0x7fffU + odd) >> 16U);
}

namespace {

/// Converts each 16-bit element of `from`, which may be unaligned.
template <typename Convert>
void widen_16(std::span<const std::byte> from, std::span<float> to, Convert convert) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, from.data() + 2 * i, sizeof bits);
    to[i] = convert(bits);
  }
}

}  // namespace

void widen(std::span<const std::byte> from, Dtype dtype, std::span<float> to) {
  const std::size_t size = dtype_size(dtype);
  require(from.size() % size == 0 && from.size() / size == to.size(), "widen: expected ", to.size(),
          " elements of ", dtype_name(dtype), ", got ", from.size(), " bytes");
  switch (dtype) {
    case Dtype::float32:
      if (!to.empty()) std::memcpy(to.data(), from.data(), from.size());
      return;
    case Dtype::float16:
      return widen_16(from, to, half_to_float);
    case Dtype::bfloat16:
      return widen_16(from, to, bfloat16_to_float);
    case Dtype::int64:
      fail("widen: expected a floating dtype, got I64");
  }
}

}  // namespace hewn
