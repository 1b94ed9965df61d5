#include "admin/test_message.hpp"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "lib/base/random.hpp"

namespace homeward::admin {

test_message make_test_message(std::string_view host, std::string_view to, std::string_view from,
                               wall_time now) {
  test_message m{.id = random_hex(8), .octets = {}};
  // RFC 5322 3.3; fmt uses the C locale unless told otherwise.
  const std::string date = fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000",
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  m.octets = fmt::format(
      "From: {}\r\n"
      "To: <{}>\r\n"
      "Subject: Homeward test message {}\r\n"
      "Date: {}\r\n"
      "Message-ID: <{}.test@{}>\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "X-Homeward-Test: {}\r\n"
      "\r\n"
      "This message was made by `homewardctl deliver-test` on {}, to see that mail\r\n"
      "for {} reaches its home. Delete it.\r\n",
      from.empty() ? fmt::format("Homeward <postmaster@{}>", host) : fmt::format("<{}>", from), to,
      m.id, date, m.id, host, m.id, host, to);
  return m;
}

} // namespace homeward::admin
