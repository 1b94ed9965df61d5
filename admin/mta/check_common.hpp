#pragma once
// What the checks of both MTAs share: the limits of the bridge, and sockets that cannot be reached.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/mta/plan.hpp"
#include "admin/mta/settings.hpp"

namespace homeward::admin::mta {

// What homeward-bridge says of its own effective settings.
struct bridge_limits {
  std::uint64_t message_size = 0; // octets
  std::uint64_t recipients = 0;
  std::chrono::seconds whole_wait{0}; // its whole wait for a message
  std::chrono::seconds store_wait{0}; // of it, for one attempt at a store
};
// Nothing, and a finding that says so, when the bridge or its settings file is not on this host or
// the file is wrong.
[[nodiscard]] std::optional<bridge_limits> ask_bridge(const settings& s,
                                                      std::vector<finding>& into);

// Compares the MTA's own limits with the bridge's. 0 octets means no limit, an absent value is not
// compared.
struct mta_limits {
  std::string message_size_name;
  std::optional<std::uint64_t> message_size;
  std::string wait_name;
  std::optional<std::chrono::seconds> wait; // for the answer after the message
  std::string recipients_name;
  std::optional<std::uint64_t> recipients; // in one LMTP transaction
};
void compare_limits(const mta_limits& mta, const bridge_limits& bridge, std::vector<finding>& into);

// A unix socket of ours: there, and below directories that only its owner can write to. sendmail
// refuses others; with Postfix they let anybody put a socket of his own there.
void check_socket(const std::string& who, const std::string& path, std::vector<finding>& into);

// "180s", "10m", "1h", "60" (in `unit_seconds` each) as the MTAs write it.
[[nodiscard]] std::optional<std::chrono::seconds> mta_duration(const std::string& text,
                                                               std::int64_t unit_seconds);
[[nodiscard]] std::optional<std::uint64_t> mta_number(const std::string& text);

} // namespace homeward::admin::mta
