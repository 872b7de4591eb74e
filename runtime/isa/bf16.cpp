#include "hewn/runtime/isa/bf16.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/isa.h"
#include "hewn/runtime/isa/kernels.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace hewn {

namespace {

#if defined(__x86_64__)
bool has_avx512() {
  return std::ranges::any_of(
      isa_table(), [](const IsaInfo& info) { return info.isa == Isa::avx512 && info.supported; });
}

/// CPUID leaf 7: sub-leaf 1 has AVX512_BF16 in EAX, sub-leaf 0 AMX-BF16 and AMX-TILE in EDX (Intel
/// 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID).
bool has_avx512_bf16() {
  constexpr unsigned kAvx512Bf16 = 1U << 5U;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvx512Bf16) != 0;
}

/// Linux gives a process the tile registers when it asks (Documentation/arch/x86/xstate.rst).
bool has_amx() {
  constexpr unsigned kAmxBf16AndTile = 1U << 22U | 1U << 24U;
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILE_DATA
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
         (d & kAmxBf16AndTile) == kAmxBf16AndTile &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

bool machine_supports(Bf16Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Bf16Isa::amx:
      return has_amx();
    case Bf16Isa::avx512:
      return has_avx512_bf16();
#elif defined(__aarch64__)
    case Bf16Isa::neon:
      return (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
#endif
    default:
      return false;
  }
}

Bf16Info row(Bf16Isa isa, std::string_view name, std::string_view features) {
  const bool compiled = detail::CompiledBf16Isas::contains(isa);
  return {isa, name, features, compiled, compiled && machine_supports(isa)};
}

}  // namespace

std::span<const Bf16Info> bf16_table() {
  static const std::array table{
      row(Bf16Isa::amx, "amx", "AMX-BF16 and AVX512_BF16"),
      row(Bf16Isa::avx512, "avx512_bf16", "AVX512_BF16"),
      row(Bf16Isa::neon, "neon_bf16", "BF16 (aarch64)"),
  };
  return table;
}

std::string_view bf16_name(Bf16Isa isa) {
  for (const Bf16Info& info : bf16_table()) {
    if (info.isa == isa) return info.name;
  }
  fail("bfloat16 instructions: no such value ", static_cast<int>(isa));
}

std::optional<Bf16Isa> best_bf16() {
  const auto table = bf16_table();
  const auto best = std::ranges::find_if(table, &Bf16Info::supported);
  return best == table.end() ? std::nullopt : std::optional(best->isa);
}

}  // namespace hewn
