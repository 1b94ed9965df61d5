#include "milter/answering/settings.hpp"

#include <algorithm>
#include <string>

namespace homeward::milter::answering {

namespace {

using namespace std::chrono_literals;

config::table<settings> door_table(const std::string& example, const std::string& who_comes,
                                   const std::string& listen_doc) {
  config::table<settings> t{"door"};
  t.add_records("listen", &settings::listen, net::listener_table(example, who_comes),
                {.doc = listen_doc, .unique = "address"});
  t.add("connections", &settings::connections,
        {.doc = "Connections at the same time. An MTA keeps one open in each of its processes. "
                "More are closed at once, and the MTA says \"try later\".",
         .min = std::size_t{1},
         .max = std::size_t{100'000}});
  t.add("idle", &settings::idle,
        {.doc = "A connection on which nothing is asked is closed after this. Keep it longer than "
                "the MTA's own limit (Postfix: 300s for policy servers, 10s for look-ups), so that "
                "the MTA is the one who closes.",
         .min = 1s,
         .max = 24h});
  return t;
}

std::string check_transport(const std::string& value) {
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
  return plain ? "" : "is no transport; write it as homeward:unix:homeward/lmtp.sock";
}

std::string check_store_transport(const std::string& value) {
  return value.empty() ? "is empty; write it as homeward:unix:homeward/lmtp.sock"
                       : check_transport(value);
}

} // namespace

config::table<policy_settings> policy_table() {
  config::table<policy_settings> t{"policy"};
  t.section("", "The policy server, for Postfix",
            "The same verdicts as the milter's, by Postfix's policy delegation protocol: "
            "check_policy_service in smtpd_recipient_restrictions and "
            "smtpd_end_of_data_restrictions. Use it or the milter, not both.");
  t.include("", &policy_settings::door,
            door_table("unix:/run/homeward/policy.sock", "ask which mailboxes exist",
                       "Where Postfix asks. Chrooted services reach only sockets below the queue "
                       "directory: unix:/var/spool/postfix/homeward/policy.sock. An empty list: "
                       "no policy server."));
  return t;
}

config::table<lookup_settings> lookup_table() {
  config::table<lookup_settings> t{"lookup"};
  t.section("", "The look-up server, for Postfix and sendmail",
            "Maps by the socketmap protocol: `socketmap:` of Postfix, `socket` of sendmail. "
            "mailbox, transport, home and host are asked for an address, domain for a domain. "
            "Details and catch-alls are dealt with here.");
  t.include("", &lookup_settings::door,
            door_table("unix:/run/homeward/lookup.sock", "ask which mailboxes exist",
                       "Where MTAs ask. Chrooted services of Postfix reach only sockets below the "
                       "queue directory: unix:/var/spool/postfix/homeward/lookup.sock. An empty "
                       "list: no look-up server."));
  t.add("transport", [](auto& s) -> auto& { return s.transport.of_stores; },
        {.doc = "What the map `transport` answers for a mailbox on a storage server: where Postfix "
                "hands its mail over. sendmail's rule 0 takes it for the name of a group of "
                "recipients only.",
         .check = check_store_transport});
  t.add("path_transport", [](auto& s) -> auto& { return s.transport.of_path_homes; },
        {.doc = "The same for a mailbox on a partition of kind path. Empty: not found, so that "
                "Postfix keeps the route that it has for users who have not moved yet. Not with "
                "sendmail's rule 0, which refuses mail for who is not found.",
         .check = check_transport});
  return t;
}

} // namespace homeward::milter::answering
