# The warnings under which both compilers must be silent.
add_library(homeward_warnings INTERFACE)
target_compile_options(homeward_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wimplicit-fallthrough -Wextra-semi -Werror
  # Designated initialisers leave members at their defaults on purpose.
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(homeward_warnings INTERFACE -Wthread-safety)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of gcc 12 in coroutine frames and inlined standard library code.
  target_compile_options(homeward_warnings INTERFACE
    -Wno-error=maybe-uninitialized -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
    -Wno-array-bounds -Wno-dangling-pointer -Wno-mismatched-new-delete)
endif()
