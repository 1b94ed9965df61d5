# Third-party libraries, all Debian 12 packages. docs/dependencies.txt lists the packages.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(SQLite3 REQUIRED)
if(HOMEWARD_TESTS)
  find_package(GTest REQUIRED)
endif()
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)

find_program(HOMEWARD_CCACHE ccache)
if(HOMEWARD_CCACHE)
  # Precompiled headers need ccache to look at their content, not at their times.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    "${HOMEWARD_CCACHE}")
endif()
