# `cmake --install`: the libraries, their public headers, the program, and what find_package(hewn) needs. A header
# is public unless the comment it begins with says "Internal", or it declares the oracle of a test.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# hewn::hewn is everything.
add_library(hewn_all INTERFACE)
add_library(hewn::hewn ALIAS hewn_all)
target_link_libraries(hewn_all INTERFACE hewn_models)
set_target_properties(hewn_all PROPERTIES EXPORT_NAME hewn)

function(hewn_install_headers layer)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${layer}/*.h)
  list(FILTER headers EXCLUDE REGEX "_reference\\.h$")
  foreach(header IN LISTS headers)
    file(STRINGS ${PROJECT_SOURCE_DIR}/${header} internal ENCODING UTF-8 LIMIT_COUNT 1
      REGEX "^//.* Internal[:,]")
    if(NOT internal)
      set_property(GLOBAL APPEND PROPERTY hewn_public_headers ${PROJECT_BINARY_DIR}/include/${layer}/hewn/${header})
      cmake_path(GET header PARENT_PATH folder)
      install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hewn/${folder})
    endif()
  endforeach()
endfunction()

set(layers runtime ops models)
foreach(layer IN LISTS layers)
  hewn_install_headers(${layer})
endforeach()

# What docs/Doxyfile reads.
get_property(headers GLOBAL PROPERTY hewn_public_headers)
list(JOIN headers " " headers)
list(TRANSFORM layers PREPEND ${PROJECT_BINARY_DIR}/include/ OUTPUT_VARIABLE include_roots)
list(JOIN include_roots " " include_roots)
file(WRITE ${PROJECT_BINARY_DIR}/public_headers.doxyfile
  "INPUT = ${headers}\nSTRIP_FROM_PATH = ${include_roots}\nSTRIP_FROM_INC_PATH = ${include_roots}\n")

# Wherever the prefix comes to lie, the libraries find each other, and the program finds them.
list(TRANSFORM layers PREPEND hewn_ OUTPUT_VARIABLE libraries)
set_target_properties(${libraries} PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ${libraries} hewn_all EXPORT hewnTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET hewn_app)
  file(RELATIVE_PATH to_libraries ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(hewn_app PROPERTIES INSTALL_RPATH "$ORIGIN/${to_libraries}")
  install(TARGETS hewn_app)
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/hewn)
install(EXPORT hewnTargets NAMESPACE hewn:: DESTINATION ${package_folder})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hewnConfig.cmake.in hewnConfig.cmake
  INSTALL_DESTINATION ${package_folder}
  NO_SET_AND_CHECK_MACRO)
# Before version 1, a minor version may change the interface.
write_basic_package_version_file(hewnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hewnConfig.cmake ${PROJECT_BINARY_DIR}/hewnConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindUtf8proc.cmake
  DESTINATION ${package_folder})
