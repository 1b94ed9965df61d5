# Helper functions with which every folder states what it is:
#
#   homeward_library(NAME base SOURCES a.cpp DEPENDS ... LINK ... [PURE])
#   homeward_program(NAME stored SOURCES main.cpp DEPENDS ... [PURE])
#   homeward_unit_test(NAME base SOURCES ... DEPENDS ...)      one executable, registered with ctest (label unit)
#   homeward_fuzz_target(NAME lmtp_server SOURCES ... DEPENDS ...)   libFuzzer target; elsewhere a corpus replay test
#
# DEPENDS names Homeward libraries without prefix (target homeward_<name>) and is checked against the ladder;
# LINK names third-party targets. PURE libraries may not link Asio.

include(warnings)
include(sanitizers)

option(HOMEWARD_SABOTAGE "Build in the switches of lib/base/sabotage.hpp: never for mail" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# One set of options for every target, so that precompiled headers can be shared.
add_library(homeward_options INTERFACE)
target_include_directories(homeward_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(homeward_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB HOMEWARD_VERSION="${PROJECT_VERSION}")
if(HOMEWARD_SABOTAGE)
  target_compile_definitions(homeward_options INTERFACE HOMEWARD_SABOTAGE)
endif()
target_link_libraries(homeward_options INTERFACE
  homeward_warnings homeward_sanitizers Boost::headers fmt::fmt spdlog::spdlog Threads::Threads)

# Two precompiled headers that all targets reuse: the standard library for pure code, and Asio on top.
function(_homeward_pch_carrier name)
  file(WRITE "${CMAKE_BINARY_DIR}/pch/${name}.cpp.in" "namespace homeward { void pch_carrier_${name}() {} }\n")
  configure_file("${CMAKE_BINARY_DIR}/pch/${name}.cpp.in" "${CMAKE_BINARY_DIR}/pch/${name}.cpp" COPYONLY)
  add_library(homeward_pch_${name} OBJECT "${CMAKE_BINARY_DIR}/pch/${name}.cpp")
  target_link_libraries(homeward_pch_${name} PRIVATE homeward_options)
  target_compile_options(homeward_pch_${name} PRIVATE -Wno-missing-declarations)
  target_precompile_headers(homeward_pch_${name} PRIVATE ${ARGN})
endfunction()
set(_homeward_standard_headers
  <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map> <memory> <optional> <span>
  <string> <string_view> <unordered_map> <variant> <vector> <fmt/format.h> <boost/system/result.hpp>)
_homeward_pch_carrier(pure ${_homeward_standard_headers})
_homeward_pch_carrier(asio ${_homeward_standard_headers} <boost/asio.hpp>)

# The ladder: a library may depend only on libraries of a lower rung (or, within the stations, as given).
set(_homeward_rung_base 0)
foreach(_name fs config mail)
  set(_homeward_rung_${_name} 1)
endforeach()
foreach(_name maildir directory store_protocol mta_queue)
  set(_homeward_rung_${_name} 2)
endforeach()
set(_homeward_rung_net 3)
set(_homeward_rung_store_client 4)

function(_homeward_check_ladder name)
  if(NOT DEFINED _homeward_rung_${name})
    return()
  endif()
  foreach(dependency ${ARGN})
    if(NOT DEFINED _homeward_rung_${dependency})
      message(FATAL_ERROR "lib/${name} may not depend on ${dependency}: it is no rung of the ladder")
    endif()
    if(NOT _homeward_rung_${dependency} LESS _homeward_rung_${name})
      message(FATAL_ERROR "lib/${name} may not depend on lib/${dependency}: a rung uses only lower ones")
    endif()
  endforeach()
endfunction()

function(homeward_library)
  cmake_parse_arguments(arg "PURE" "NAME" "SOURCES;DEPENDS;LINK" ${ARGN})
  _homeward_check_ladder(${arg_NAME} ${arg_DEPENDS})
  add_library(homeward_${arg_NAME} STATIC ${arg_SOURCES})
  target_link_libraries(homeward_${arg_NAME} PUBLIC homeward_options ${arg_LINK})
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(homeward_${arg_NAME} PUBLIC homeward_${dependency})
  endforeach()
  if(arg_PURE)
    target_precompile_headers(homeward_${arg_NAME} REUSE_FROM homeward_pch_pure)
    set_property(TARGET homeward_${arg_NAME} PROPERTY HOMEWARD_PURE TRUE)
  else()
    target_precompile_headers(homeward_${arg_NAME} REUSE_FROM homeward_pch_asio)
  endif()
endfunction()

function(homeward_program)
  cmake_parse_arguments(arg "PURE" "NAME" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE homeward_options ${arg_LINK})
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(${arg_NAME} PRIVATE homeward_${dependency})
  endforeach()
  if(arg_PURE)
    target_precompile_headers(${arg_NAME} REUSE_FROM homeward_pch_pure)
  else()
    target_precompile_headers(${arg_NAME} REUSE_FROM homeward_pch_asio)
  endif()
endfunction()

function(homeward_unit_test)
  cmake_parse_arguments(arg "" "NAME;LABEL" "SOURCES;DEPENDS;LINK" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  set(target test_${arg_NAME})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE homeward_options GTest::gmock GTest::gtest_main ${arg_LINK})
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(${target} PRIVATE homeward_${dependency})
  endforeach()
  target_compile_definitions(${target} PRIVATE HOMEWARD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  include(GoogleTest)
  gtest_discover_tests(${target} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300 DISCOVERY_MODE PRE_TEST)
endfunction()

# In the fuzz preset a libFuzzer program; in all others a test that runs the saved corpus as plain input.
# The corpus lives in tests/fuzz/corpus/<name>/.
function(homeward_fuzz_target)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPENDS;LINK" ${ARGN})
  set(target fuzz_${arg_NAME})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE homeward_options ${arg_LINK})
  foreach(dependency ${arg_DEPENDS})
    target_link_libraries(${target} PRIVATE homeward_${dependency})
  endforeach()
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  if(HOMEWARD_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp")
    add_test(NAME fuzz_corpus.${arg_NAME}
      COMMAND ${target} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${arg_NAME}")
    set_tests_properties(fuzz_corpus.${arg_NAME} PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
endfunction()
