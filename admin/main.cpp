// homewardctl: the caretaker's command. docs/operations/homewardctl.md.

#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include "admin/application.hpp"

int main(int argc, char** argv) {
  homeward::admin::environment env{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .variable = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      },
      .is_terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0};
  return homeward::admin::run(argc, argv, env);
}
