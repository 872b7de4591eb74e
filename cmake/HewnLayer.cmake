# The layers runtime <- ops <- models <- app. Headers are included as "hewn/<layer>/...", and a layer's target
# sees only its own folder and those of the layers that it links: an include against the arrows does not build.

# hewn_add_layer(LAYER [DEPENDS target...]) makes the library hewn_LAYER from every source below this folder, and
# hewn_LAYER_reference from the plain loops in *_reference.cpp, which only tests link.
function(hewn_add_layer layer)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS")
  set(target hewn_${layer})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(kernels ${sources})
  list(FILTER kernels INCLUDE REGEX "\\.simd\\.cpp$")
  set(bf16_kernels ${sources})
  list(FILTER bf16_kernels INCLUDE REGEX "\\.bf16\\.cpp$")
  set(references ${sources})
  list(FILTER references INCLUDE REGEX "_reference\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(\\.simd|\\.bf16|_reference)\\.cpp$")

  set(include_root ${PROJECT_BINARY_DIR}/include/${layer})
  file(MAKE_DIRECTORY ${include_root}/hewn)
  if(NOT EXISTS ${include_root}/hewn/${layer})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_root}/hewn/${layer} SYMBOLIC)
  endif()

  add_library(${target} ${sources})
  add_library(hewn::${layer} ALIAS ${target})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${include_root}>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS} PRIVATE $<BUILD_INTERFACE:hewn_build_flags>)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${layer}
    VERSION ${PROJECT_VERSION}
    # Before version 1, a minor version may change the interface.
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    POSITION_INDEPENDENT_CODE ON
    DEFINE_SYMBOL "")  # so that static and shared libraries have the same objects
  target_link_options(${target} PRIVATE -Wl,--no-undefined)
  hewn_unity(${target} ${sources})
  hewn_target_kernels(${target} ${kernels})
  hewn_target_bf16_kernels(${target} ${bf16_kernels})
  if(references AND HEWN_BUILD_TESTS)
    add_library(${target}_reference STATIC ${references})
    target_link_libraries(${target}_reference PUBLIC ${target} PRIVATE hewn_build_flags)
  endif()
endfunction()
