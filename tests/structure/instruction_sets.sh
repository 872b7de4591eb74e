#!/bin/sh
# Instruction sets are nobody's business but runtime/isa's and the kernels': no conditional on one, and no
# intrinsics, anywhere else.
set -eu
macros='__(AVX|SSE|FMA|ARM|aarch64|x86_64|i386)|_M_X64|HEWN_KERNEL_ISA_'
if grep -rnE "#[ \t]*(if|ifdef|ifndef|elif)\b.*($macros)|#[ \t]*include[ \t]*<(.*intrin\.h|arm_neon\.h|xsimd/)" \
    runtime ops models app tests bench --include='*.h' --include='*.cpp' |
    grep -vE '^(runtime/isa/|[^:]*\.(simd|bf16)\.cpp:)'; then
  echo "  ^ belongs into runtime/isa, a *.simd.cpp or a *.bf16.cpp"
  exit 1
fi
