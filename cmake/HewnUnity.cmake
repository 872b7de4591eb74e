# With HEWN_UNITY, sources that can be are compiled together: headers are read once for ten of them, and what they
# instantiate is compiled once. For whole builds, as .ci/run makes them; after an edit it is the longer way.

# hewn_unity(TARGET FILES...) groups FILES of TARGET, which are all of this folder's targets or none.
function(hewn_unity target)
  if(NOT HEWN_UNITY)
    return()
  endif()
  execute_process(
    COMMAND sh ${PROJECT_SOURCE_DIR}/cmake/unity_groups.sh ${ARGN}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  string(REPLACE ";" "|" groups "${groups}")
  string(REPLACE "\n" ";" groups "${groups}")
  foreach(group IN LISTS groups)
    string(REPLACE "|" ";" files "${group}")
    list(LENGTH files count)
    if(count GREATER 1)
      list(GET files 0 first)
      cmake_path(GET first STEM name)
      set_source_files_properties(${files} PROPERTIES UNITY_GROUP ${name})
    endif()
  endforeach()
endfunction()
