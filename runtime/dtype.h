// The number formats that weight files hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hewn {

/// A number format; little-endian in files.
enum class Dtype { float32, float16, bfloat16, int64 };

/// Bytes of one element.
std::size_t dtype_size(Dtype dtype);
/// As safetensors spells it: "F32", "F16", "BF16", "I64".
std::string_view dtype_name(Dtype dtype);

/// IEEE binary16 → float32, exactly; NaN payloads are kept.
float half_to_float(std::uint16_t bits);
/// float32 → IEEE binary16, to nearest, ties to even; overflow gives infinity, NaN a quiet NaN.
std::uint16_t float_to_half(float value);
/// bfloat16 → float32, exactly.
float bfloat16_to_float(std::uint16_t bits);

/// float32 → bfloat16, to nearest, ties to even; NaN a quiet NaN.
std::uint16_t float_to_bfloat16(float value);

/// Widens `from`, little-endian elements of a floating `dtype` at any alignment, to float32. Throws
/// Error for int64, and unless from.size() is to.size() elements.
void widen(std::span<const std::byte> from, Dtype dtype, std::span<float> to);

}  // namespace hewn
