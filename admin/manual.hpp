#pragma once
// The manual page of homewardctl, made from the command line itself.

#include <string>

namespace CLI {
class App;
}

namespace homeward::admin {

// man(7) source, section 8.
[[nodiscard]] std::string manual_page(const CLI::App& app);

} // namespace homeward::admin
