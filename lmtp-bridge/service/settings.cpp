#include "lmtp-bridge/service/settings.hpp"

#include <fmt/format.h>

namespace homeward::bridge {

namespace {

using namespace std::chrono_literals;

std::string check_path_template(const std::string& text) {
  const auto parsed = maildir::path_template::parse(text);
  return parsed ? ""
                : "is no path template: " + parsed.error().cause + "; " + parsed.error().advice;
}

void add_process(config::table<fixed_settings>& t) {
  t.add("user", &fixed_settings::user,
        {.doc = "The user the daemon runs as. Started as root it becomes this user before it opens "
                "anything, and refuses to start when the setting is empty.",
         .example = "homeward"});
  t.add_records("listen", &fixed_settings::listen,
                net::listener_table("unix:/run/homeward/lmtp.sock", "hand mail over"),
                {.doc =
                     "Where the MTA hands mail over by LMTP. LMTP knows no passwords: use a unix "
                     "socket, or a loopback address (127.0.0.1:2424).",
                 .unique = "address"});
  t.add("hostname", &fixed_settings::hostname,
        {.doc = "The name in the LMTP greeting and at the end of every message's NAME. It must "
                "differ between front ends. Empty: the machine's own name.",
         .example = "mx1.example.org"});
}

void add_delivery(config::table<fixed_settings>& t) {
  t.section("stores", "Connections to the storage servers");
  t.add("stores.connections", [](auto& s) -> auto& { return s.stores.connections; },
        {.doc = "Connections to one store, at most.",
         .min = std::size_t{1},
         .max = std::size_t{1000}});
  t.add("stores.connections_per_partition",
        [](auto& s) -> auto& { return s.stores.connections_per_partition; },
        {.doc = "Of them for one partition, so that a stuck partition leaves some to the others.",
         .min = std::size_t{1},
         .max = std::size_t{1000}});
  t.add("stores.idle", [](auto& s) -> auto& { return s.stores.times.client_idle; },
        {.doc = "A connection without work is closed after this. Keep it shorter than the stores' "
                "times.idle (60s).",
         .min = 1s,
         .max = 1h});
  t.add("stores.connect", [](auto& s) -> auto& { return s.stores.times.client_connect; },
        {.doc = "How long to wait for a connection.", .min = 1s, .max = 1min});
  t.add("stores.results", [](auto& s) -> auto& { return s.stores.results; },
        {.doc = "How long one attempt waits for a store's word on a message. Keep it longer than "
                "the stores' times.commit (60s).",
         .min = 1s,
         .max = 5min});
  t.add("stores.whole_wait", &fixed_settings::whole_wait,
        {.doc = "How long a message may take in all, the one repeat after a lost connection "
                "included. Keep it shorter than the MTA's time limit for the reply to the end of "
                "DATA (180s in the shipped fragments).",
         .min = 2s,
         .max = 10min});
  t.add("stores.probe", [](auto& s) -> auto& { return s.stores.breaker.first_delay; },
        {.doc = "A store that is down is asked again after this, then at growing intervals up to "
                "30s. Meanwhile its mail is answered 451 at once.",
         .min = 100ms,
         .max = 30s});
  t.add("path_homes.template", &fixed_settings::path_template,
        {.doc = "Where a mailbox lies below a partition of kind path (a directory that this host "
                "can write itself, such as today's shared tree). Placeholders: {domain}, {local}, "
                "{hash}.",
         .check = check_path_template});
}

void add_memory(config::table<fixed_settings>& t) {
  t.section("spool", "Messages on their way",
            "The bridge never holds the only copy of accepted "
            "mail: what lies here is lost without harm.");
  t.add("spool.directory", &fixed_settings::spool_directory,
        {.doc = "Where long messages stay while they are handed on. Files there have no names; "
                "nothing is left behind. It must exist and be writable.",
         .check = net::check_absolute_path});
  t.add("spool.message_memory", &fixed_settings::message_memory,
        {.doc = "A longer message goes to the spool directory.", .min = 4_KiB, .max = 64_MiB});
  t.add("spool.memory", &fixed_settings::memory,
        {.doc = "When all messages together hold this much memory, new ones go to the spool "
                "directory.",
         .min = 1_MiB,
         .max = 64_GiB});
  t.section("threads", "How many threads do what");
  t.add(
      "threads.network", &fixed_settings::network_threads,
      {.doc = "Threads that serve the connections. 0: one per processor, at most 8.", .max = 64U});
  t.add("threads.workers", &fixed_settings::worker_threads,
        {.doc = "Threads that write spool files and file mail for path homes.",
         .min = 1U,
         .max = 256U});
}

void add_mail(config::table<live_settings>& t) {
  t.add("log_level", &live_settings::log_level,
        {.doc = "The least important messages that are logged. info has one line per recipient.",
         .names = {{"debug", log::level::debug},
                   {"info", log::level::info},
                   {"notice", log::level::notice},
                   {"warning", log::level::warning},
                   {"error", log::level::error}},
         .reloadable = true});
  t.include("addresses", &live_settings::addresses, directory::address_rules_table());
  t.section("replies", "What senders are told");
  t.add("replies.mailbox_full_is_permanent",
        [](auto& s) -> auto& { return s.replies.mailbox_full_is_permanent; },
        {.doc =
             "false: mail to a full mailbox is answered 452 and the MTA tries again. true: it is "
             "answered 552 and returned to its sender.",
         .reloadable = true});
}

void add_limits(config::table<live_settings>& t) {
  t.section("limits", "What is refused");
  t.add("limits.message_size", [](auto& s) -> auto& { return s.lmtp.message_size; },
        {.doc = "The largest message, announced as SIZE. Keep it at least as large as the MTA's "
                "limit: beyond it mail is returned to its sender.",
         .min = 1_KiB,
         .max = 4_GiB,
         .reloadable = true});
  t.add("limits.recipients", [](auto& s) -> auto& { return s.lmtp.recipients; },
        {.doc = "Recipients of one transaction. Keep it at least as large as the MTA's own limit: "
                "it defers the rest for minutes.",
         .min = std::size_t{100},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.sessions", [](auto& s) -> auto& { return s.sessions.total; },
        {.doc = "LMTP connections at the same time.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.sessions_per_peer", [](auto& s) -> auto& { return s.sessions.per_peer; },
        {.doc = "Of them from one TCP address.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.errors", [](auto& s) -> auto& { return s.lmtp.errors; },
        {.doc = "Protocol errors until a connection is closed.",
         .min = std::size_t{1},
         .max = std::size_t{1000},
         .reloadable = true});
  t.add("limits.idle", [](auto& s) -> auto& { return s.lmtp.command_time; },
        {.doc = "How long a peer may be silent between commands.",
         .min = 1s,
         .max = 1h,
         .reloadable = true});
  t.add("limits.data", [](auto& s) -> auto& { return s.lmtp.message_time; },
        {.doc = "How long a peer may be silent within a message.",
         .min = 1s,
         .max = 1h,
         .reloadable = true});
  t.add("limits.data_rate", &live_settings::data_rate,
        {.doc =
             "Octets per second. A peer that is slower on average, after a first limits.data, is "
             "dropped. 0 B: any rate will do.",
         .max = 1_GiB,
         .reloadable = true});
}

void check_numbers(const settings& s, const config::report& into) {
  if (s.fixed.listen.empty()) {
    into.add("listen", "is empty", "name at least one address");
  }
  for (std::size_t i = 0; i < s.fixed.listen.size(); ++i) {
    // RFC 2033 3: LMTP must not be spoken on port 25.
    if (const auto at = net::parse_endpoint(s.fixed.listen[i].address); at && at->port == 25) {
      into.add(fmt::format("listen[{}].address", i),
               "is the port of SMTP, where LMTP is not allowed", "use another port, such as 2424");
    }
  }
  if (s.fixed.stores.connections_per_partition > s.fixed.stores.connections) {
    into.add("stores.connections_per_partition", "is more than stores.connections",
             "make it smaller");
  }
  if (s.fixed.stores.results >= s.fixed.whole_wait) {
    into.add("stores.whole_wait", "leaves no time for a second attempt",
             "make it longer than stores.results, about twice as long");
  }
  if (s.fixed.message_memory > s.fixed.memory) {
    into.add("spool.message_memory", "is more than spool.memory", "make it smaller");
  }
  if (s.live.sessions.per_peer > s.live.sessions.total) {
    into.add("limits.sessions_per_peer", "is more than limits.sessions", "make it smaller");
  }
}

config::table<settings> make_table() {
  config::table<fixed_settings> process{"homeward-bridge"};
  add_process(process);
  config::table<fixed_settings> work{"homeward-bridge"};
  add_delivery(work);
  add_memory(work);
  config::table<live_settings> live{"homeward-bridge"};
  add_mail(live);
  add_limits(live);

  config::table<settings> t{"homeward-bridge"};
  t.include("", &settings::fixed, process);
  t.include(
      "directory", [](auto& s) -> auto& { return s.fixed.directory; }, directory::settings_table());
  t.include("", &settings::live, live);
  t.include("", &settings::fixed, work);
  t.validate(check_numbers);
  return t;
}

} // namespace

const config::table<settings>& settings_table() {
  static const config::table<settings> table = make_table();
  return table;
}

} // namespace homeward::bridge
