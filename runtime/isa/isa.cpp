#include "hewn/runtime/isa/isa.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hewn {

namespace {

#if defined(__x86_64__)
/// CPUID leaf 1, ECX: Clang 14's built-in does not know the name. The registers are AVX2's.
bool has_f16c() {
  constexpr unsigned kF16c = 1U << 29U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & kF16c) != 0;
}
#endif

bool machine_supports(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    // The built-in asks CPUID and, through XGETBV, whether the system saves the wide registers.
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("fma");
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    case Isa::sse42:
      return __builtin_cpu_supports("sse4.2");
#elif defined(__aarch64__)
    case Isa::neon:  // part of the base architecture
      return true;
#endif
    case Isa::scalar:
      return true;
    default:
      return false;
  }
}

IsaInfo row(Isa isa, std::string_view name, std::string_view features, int vector_bits,
            bool fused) {
  const bool compiled = is_compiled(isa);
  return {isa, name, features, vector_bits, fused, compiled, compiled && machine_supports(isa)};
}

bool usable(const IsaInfo& info) { return info.compiled && info.supported; }

std::string usable_names() {
  std::string names;
  for (const IsaInfo& info : isa_table()) {
    if (!usable(info)) continue;
    if (!names.empty()) names += ", ";
    names += info.name;
  }
  return names;
}

}  // namespace

std::span<const IsaInfo> isa_table() {
  static const std::array table{
      row(Isa::avx512, "avx512", "AVX-512 F, BW, DQ, VL and FMA", 512, /*fused=*/true),
      row(Isa::avx2, "avx2", "AVX2, FMA and F16C", 256, /*fused=*/true),
      row(Isa::sse42, "sse42", "SSE4.2, without FMA: not bit-identical", 128, /*fused=*/false),
      row(Isa::neon, "neon", "Advanced SIMD (aarch64)", 128, /*fused=*/true),
      row(Isa::scalar, "scalar", "nothing", 32, /*fused=*/true),
  };
  return table;
}

const IsaInfo& isa_info(Isa isa) {
  for (const IsaInfo& info : isa_table()) {
    if (info.isa == isa) return info;
  }
  fail("instruction set: no such value ", static_cast<int>(isa));
}

std::string_view isa_name(Isa isa) { return isa_info(isa).name; }

Isa parse_isa(std::string_view name) {
  for (const IsaInfo& info : isa_table()) {
    if (info.name != name) continue;
    require(info.compiled, "instruction set '", name,
            "' is not compiled in; usable here: ", usable_names());
    require(info.supported, "instruction set '", name, "' is not supported by this machine (needs ",
            info.features, "); usable here: ", usable_names());
    return info.isa;
  }
  fail("unknown instruction set '", name, "'; usable here: ", usable_names());
}

Isa default_isa() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the library writes the environment
  if (const char* forced = std::getenv("HEWN_ISA"); forced != nullptr && *forced != '\0') {
    return parse_isa(forced);
  }
  const auto table = isa_table();
  return std::find_if(table.begin(), table.end(), usable)->isa;  // scalar always is
}

}  // namespace hewn
