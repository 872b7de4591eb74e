// Instruction sets: which are compiled in, which this machine has, which one is used.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hewn {

/// The instruction sets that kernels are written for, best first. All but sse42 give the same bits.
enum class Isa {
  avx512,  ///< x86-64 with AVX-512 F, BW, DQ and VL
  avx2,    ///< x86-64 with AVX2, FMA and F16C
  sse42,   ///< x86-64 with SSE4.2: no fused multiply-add, so not bit-identical to the others
  neon,    ///< 64-bit ARM with Advanced SIMD
  scalar,  ///< any machine: plain loops with std::fma
};

/// One row of the table.
struct IsaInfo {
  Isa isa;
  std::string_view name;      ///< as written in HEWN_ISA
  std::string_view features;  ///< what the processor must have
  int vector_bits;            ///< width of a register
  bool fused;      ///< multiply-adds round once; all sets of which this holds give the same bits
  bool compiled;   ///< whether this build holds its kernels
  bool supported;  ///< whether this machine can run them (asks the processor and the operating
                   ///< system)
};

/// All rows, best first. Thread-safe.
std::span<const IsaInfo> isa_table();

/// The row of `isa`.
const IsaInfo& isa_info(Isa isa);

/// The name of `isa`, as written in HEWN_ISA.
std::string_view isa_name(Isa isa);

/// The set with this name. Throws Error, listing the names that would work here, when the name is
/// unknown, not compiled in or not supported by this machine.
Isa parse_isa(std::string_view name);

/// The set to use where the caller names none: the one in the environment variable HEWN_ISA if it
/// is set and not empty (throws as parse_isa does), else the best that is compiled in and
/// supported.
Isa default_isa();

}  // namespace hewn
