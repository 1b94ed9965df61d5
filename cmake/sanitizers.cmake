# Optimisation, sanitizers, coverage and fuzzing, chosen by the presets.
set(HOMEWARD_OPTIMISE "" CACHE STRING "Optimisation flag for this build, such as -O1")
set(HOMEWARD_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
option(HOMEWARD_COVERAGE "Measure line coverage" OFF)
option(HOMEWARD_FUZZ "Build the libFuzzer targets" OFF)

add_library(homeward_sanitizers INTERFACE)
if(HOMEWARD_OPTIMISE)
  target_compile_options(homeward_sanitizers INTERFACE ${HOMEWARD_OPTIMISE})
endif()
if(HOMEWARD_SANITIZE)
  target_compile_options(homeward_sanitizers INTERFACE
    -fsanitize=${HOMEWARD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(homeward_sanitizers INTERFACE -fsanitize=${HOMEWARD_SANITIZE})
endif()
if(HOMEWARD_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio uses fences only around its own atomics, which gcc warns of under ThreadSanitizer.
  target_compile_options(homeward_sanitizers INTERFACE -Wno-tsan)
endif()
if(HOMEWARD_COVERAGE)
  target_compile_options(homeward_sanitizers INTERFACE --coverage)
  target_link_options(homeward_sanitizers INTERFACE --coverage)
endif()
if(HOMEWARD_FUZZ)
  target_compile_options(homeward_sanitizers INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(homeward_sanitizers INTERFACE -fsanitize=address,undefined)
endif()
