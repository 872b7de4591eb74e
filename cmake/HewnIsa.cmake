# The table of instruction sets: every `*.simd.cpp` is compiled once for each row, best first.
# The C++ half of the table, with detection and names, is runtime/isa/isa.cpp.
#
# -fno-tree-slp-vectorize: g++ 12 pairs scalar operations into vfmaddsub in spite of -ffp-contract=off,
# which would change the order of the arithmetic that docs/numerics.md promises.

if(HEWN_ISAS)
  # Given by hand, as in -DHEWN_ISAS="avx2;scalar" for a smaller library. Keep scalar: it is what runs anywhere.
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(HEWN_ISAS avx512 avx2 sse42 scalar)
  # Under sanitizers the same templates take minutes to build, the narrower the registers the longer: one set of each
  # way to read less than a register, and one is enough to see who shares what with whom.
  if(HEWN_SANITIZE MATCHES "thread")
    set(HEWN_ISAS avx2 scalar)
  elseif(HEWN_SANITIZE)
    set(HEWN_ISAS avx512 avx2 scalar)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(HEWN_ISAS neon scalar)
else()
  set(HEWN_ISAS scalar)
endif()

# -Wno-uninitialized, -Wno-maybe-uninitialized: g++ 12 warns of its own _mm512_undefined_*() (GCC bug 105593).
set(HEWN_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma
                          -mprefer-vector-width=512 -Wno-uninitialized -Wno-maybe-uninitialized)
set(HEWN_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(HEWN_ISA_FLAGS_sse42 -msse4.2)
set(HEWN_ISA_FLAGS_neon "")
set(HEWN_ISA_FLAGS_scalar "")

# hewn_target_kernels(TARGET FILES...) adds FILES to TARGET, compiled once for each instruction set with
# HEWN_KERNEL_ISA set to the set's name.
function(hewn_target_kernels target)
  if(NOT ARGN)
    return()
  endif()
  foreach(isa IN LISTS HEWN_ISAS)
    set(objects ${target}_${isa})
    add_library(${objects} OBJECT ${ARGN})
    target_link_libraries(${objects} PRIVATE hewn_build_flags)
    target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
    target_compile_definitions(${objects} PRIVATE HEWN_KERNEL_ISA=${isa} HEWN_KERNEL_ISA_${isa}=1)
    # Kernels are templates of fixed-size register tiles: without optimisation they would spill every
    # register and emit the library's inline functions as weak symbols, which the linker might hand to
    # code for a lesser machine. So they are optimised in debug builds too.
    # Under sanitizers -O3 would take ten minutes for one file.
    if(HEWN_SANITIZE)
      set(optimisation -O1)
    else()
      set(optimisation -O3)
    endif()
    target_compile_options(${objects} PRIVATE ${HEWN_ISA_FLAGS_${isa}} ${optimisation} -fno-tree-slp-vectorize)
    # Sixteen scalars for every vector, unrolled: with sanitizers, ten minutes a file.
    string(COMPARE EQUAL ${isa} scalar unsanitized)
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON HEWN_UNSANITIZED ${unsanitized})
    hewn_unity(${objects} ${ARGN})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
endfunction()

# The same for bfloat16: `<set>.bf16.cpp` is compiled with the flags of its row, if the row is this processor's.
# Nothing but intrinsics is in these files, so they need no namespace of their own.
set(HEWN_BF16_ISAS)
if(avx512 IN_LIST HEWN_ISAS)
  set(HEWN_BF16_ISAS amx avx512)
elseif(neon IN_LIST HEWN_ISAS)
  set(HEWN_BF16_ISAS neon)
endif()
set(HEWN_BF16_FLAGS_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512bf16)
set(HEWN_BF16_FLAGS_amx ${HEWN_BF16_FLAGS_avx512} -mamx-tile -mamx-bf16)
set(HEWN_BF16_FLAGS_neon -march=armv8.2-a+bf16)

# hewn_target_bf16_kernels(TARGET FILES...) adds those of FILES to TARGET that are for this processor.
function(hewn_target_bf16_kernels target)
  foreach(file IN LISTS ARGN)
    cmake_path(GET file STEM isa)
    if(isa IN_LIST HEWN_BF16_ISAS)
      set(objects ${target}_bf16_${isa})
      add_library(${objects} OBJECT ${file})
      target_link_libraries(${objects} PRIVATE hewn_build_flags)
      target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
      target_compile_options(${objects} PRIVATE ${HEWN_BF16_FLAGS_${isa}} -Wno-uninitialized -Wno-maybe-uninitialized)
      set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON)
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
    endif()
  endforeach()
endfunction()

# What runtime/isa/kernels.h chooses among: ::hewn::Isa::avx512,::hewn::Isa::avx2,…
list(TRANSFORM HEWN_ISAS PREPEND "::hewn::Isa::" OUTPUT_VARIABLE compiled_isas)
string(JOIN "," compiled_isas ${compiled_isas})
list(TRANSFORM HEWN_BF16_ISAS PREPEND ",::hewn::Bf16Isa::" OUTPUT_VARIABLE compiled_bf16_isas)
string(JOIN "" compiled_bf16_isas ${compiled_bf16_isas})
target_compile_definitions(hewn_build_flags INTERFACE
  "HEWN_COMPILED_ISAS=${compiled_isas}" "HEWN_COMPILED_BF16_ISAS=${compiled_bf16_isas}")

# xsimd is headers behind the kernels: what uses hewn never sees it. Debian's CMake target for it wants to link a
# library of xtl, which has none; the headers are all we need.
find_path(HEWN_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp REQUIRED)
target_include_directories(hewn_build_flags SYSTEM INTERFACE ${HEWN_XSIMD_INCLUDE_DIR})
