// How an operator finds its kernels for an instruction set. Internal: not installed.
//
// An operator `foo` declares a struct of function pointers, `struct FooKernels { ... };`. Its
// foo.simd.cpp, compiled once for each instruction set, defines
//
//     template <> const FooKernels& kernels<FooKernels, kIsa>() { static constexpr FooKernels
//     k{...}; return k; }
//
// and foo.cpp asks `select_kernels<FooKernels>(ctx.isa())`. There is no registry, no global state
// and no macro.
#pragma once

#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/bf16.h"
#include "hewn/runtime/isa/isa.h"

namespace hewn {

/// Defined in the *.simd.cpp files, for every instruction set that is compiled in, and in the
/// *.bf16.cpp files, for an instruction set of bfloat16 each.
template <typename Kernels, auto isa>
const Kernels& kernels();

namespace detail {

template <typename Set, Set... isas>
struct IsaList {
  static constexpr bool contains([[maybe_unused]] Set isa) { return ((isa == isas) || ...); }

  template <typename Kernels>
  static const Kernels& select(Set isa) {
    const Kernels* found = nullptr;
    ((isa == isas ? void(found = &kernels<Kernels, isas>()) : void()), ...);
    require(found != nullptr, "instruction set ", static_cast<int>(isa), " is not compiled in");
    return *found;
  }
};

using CompiledIsas = IsaList<Isa, HEWN_COMPILED_ISAS>;
using CompiledBf16Isas = IsaList<Bf16Isa HEWN_COMPILED_BF16_ISAS>;  // each with a comma before it

}  // namespace detail

/// Whether this build holds kernels for `isa`.
constexpr bool is_compiled(Isa isa) { return detail::CompiledIsas::contains(isa); }

/// The kernels of one operator for `isa`. Throws Error when `isa` is not compiled in.
template <typename Kernels>
const Kernels& select_kernels(Isa isa) {
  return detail::CompiledIsas::select<Kernels>(isa);
}
template <typename Kernels>
const Kernels& select_kernels(Bf16Isa isa) {
  return detail::CompiledBf16Isas::select<Kernels>(isa);
}

}  // namespace hewn
