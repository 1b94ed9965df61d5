#pragma once
// The message of `homewardctl deliver-test`: small, marked, and harmless to whoever finds it.

#include <string>
#include <string_view>

#include "lib/base/clock.hpp"

namespace homeward::admin {

struct test_message {
  std::string id;     // random; in the subject, the Message-ID and X-Homeward-Test
  std::string octets; // with CR LF, as an MTA hands it over
};

// `host` is the name of this host, `to` the mailbox.
[[nodiscard]] test_message make_test_message(std::string_view host, std::string_view to,
                                             std::string_view from, wall_time now);

} // namespace homeward::admin
