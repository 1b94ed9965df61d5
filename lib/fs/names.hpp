#pragma once
// The rules of file_system.hpp for names and paths, as the implementations check them, so that a
// bad one is refused the same way by the kernel and by the memory.

#include <string_view>

namespace homeward::fs {

// One component: not empty, no '/', no NUL, neither "." nor "..".
[[nodiscard]] constexpr bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

// Not empty and no NUL; what the path may reach is decided when it is resolved.
[[nodiscard]] constexpr bool is_path(std::string_view path) {
  return !path.empty() && path.find('\0') == std::string_view::npos;
}

// Whether a component is "..": refused (EXDEV) even where it would not leave.
[[nodiscard]] constexpr bool has_parent_component(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.ends_with("/..") ||
         path.find("/../") != std::string_view::npos;
}

} // namespace homeward::fs
