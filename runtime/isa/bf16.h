// Instructions that multiply bfloat16 numbers and sum in float32: which are compiled in, and which
// this machine has.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace hewn {

/// Best first. They sum in different orders, so their bits differ.
enum class Bf16Isa {
  amx,     ///< x86-64 with AMX-BF16 and AVX512_BF16
  avx512,  ///< x86-64 with AVX512_BF16
  neon,    ///< 64-bit ARM with BF16
};

/// One row of the table.
struct Bf16Info {
  Bf16Isa isa;
  std::string_view name;
  std::string_view features;  ///< what the processor must have
  bool compiled;              ///< whether this build holds its kernels
  bool supported;             ///< whether this machine and its system let programs use it
};

/// All rows, best first. The first call asks the system for AMX's registers, which it gives to
/// those who ask. Thread-safe.
std::span<const Bf16Info> bf16_table();

/// The name of `isa`.
std::string_view bf16_name(Bf16Isa isa);

/// The best that is compiled in and supported; empty when there is none.
std::optional<Bf16Isa> best_bf16();

}  // namespace hewn
