#pragma once
// The `aliases:` part of the settings: what else than the directory gives names to mail on this
// host.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/config/table.hpp"

#include "milter/knowledge/alias_names.hpp"

namespace homeward::milter {

struct alias_file {
  std::string path;
  alias_format format = alias_format::aliases;

  friend bool operator==(const alias_file&, const alias_file&) = default;
};

// What holds as long as a source that the settings name could never be read.
enum class without_aliases : std::uint8_t {
  try_later, // a name that the directory does not know is answered 451
  ignore,    // as if the source were empty
};

struct alias_settings {
  std::vector<alias_file> files;
  std::vector<std::string> forward_files; // patterns, forward_files.hpp
  bool accounts = false;
  std::vector<std::string> domains; // to which names without a domain apply; empty: all of ours
  std::chrono::milliseconds look_every{5000};
  without_aliases when_unreadable = without_aliases::try_later;

  friend bool operator==(const alias_settings&, const alias_settings&) = default;
};

// Include it as "aliases". Everything in it can be reloaded.
[[nodiscard]] config::table<alias_settings> alias_settings_table();

// For config::options::check: "" when `domain` is one.
[[nodiscard]] std::string check_domain(const std::string& domain);
// The same for a list; names the first wrong one.
[[nodiscard]] std::string check_domains(const std::vector<std::string>& domains);

} // namespace homeward::milter
