# Installs the build tree BUILD to a prefix of its own inside WORK, and builds and runs the consumer with it:
#   cmake -D BUILD=... -D WORK=... -D COMPILER=... -P consume.cmake
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(prefix ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

# The package moves with its prefix, and carries nothing of how it was built.
file(RENAME ${prefix} ${WORK}/moved)
set(prefix ${WORK}/moved)
file(GLOB_RECURSE package ${prefix}/*.cmake)
foreach(file IN LISTS package)
  file(READ ${file} text)
  foreach(leak IN ITEMS ${BUILD} ${CMAKE_CURRENT_LIST_DIR} hewn_build_flags -Wall -ffp-contract nlohmann)
    string(FIND "${text}" "${leak}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${file} mentions ${leak}")
    endif()
  endforeach()
endforeach()

run(${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${WORK}/consumer
  -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_BUILD_TYPE=Release
  -D CMAKE_CXX_FLAGS=-Wall\ -Wextra\ -Wpedantic\ -Werror)
run(${CMAKE_COMMAND} --build ${WORK}/consumer)

execute_process(COMMAND ${WORK}/consumer/consumer OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT said STREQUAL "corner 4, inside 9\n")
  message(FATAL_ERROR "expected 'corner 4, inside 9', got '${said}'")
endif()

# The program finds its libraries where it was moved to.
if(EXISTS ${prefix}/bin/hewn)
  run(${prefix}/bin/hewn cpu)
endif()
