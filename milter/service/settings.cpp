#include "milter/service/settings.hpp"

namespace homeward::milter {

namespace {

using namespace std::chrono_literals;

using reactions = std::vector<std::pair<std::string, reaction>>;

std::string check_milter_address(const std::string& address) {
  return address.empty() ? "" : net::check_endpoint(address);
}

std::string check_networks(const std::vector<std::string>& networks) {
  const auto parsed = net::address_list::parse(networks);
  return parsed ? "" : parsed.error().what + "; write 192.0.2.0/24, 2001:db8::/32 or ::1";
}

void add_process(config::table<fixed_settings>& t) {
  t.add("user", &fixed_settings::user,
        {.doc = "The user the daemon runs as. Started as root it becomes this user before it opens "
                "anything, and refuses to start when the setting is empty.",
         .example = "homeward"});
  t.add("hostname", &fixed_settings::hostname,
        {.doc = "The name of this front end in the trace header. Empty: the machine's own name.",
         .example = "mx1.example.org"});
}

void add_milter(config::table<fixed_settings>& t) {
  t.section("milter", "The milter door",
            "For sendmail (INPUT_MAIL_FILTER) and Postfix (smtpd_milters). What it decides stands "
            "below, under verdicts.");
  t.add("milter.address", [](auto& s) -> auto& { return s.milter.address; },
        {.doc = "Where MTAs connect: one unix socket or one TCP address, since libmilter can have "
                "one only. The milter protocol knows no passwords: use a unix socket, or a "
                "loopback address. Empty: this door stays closed. Under a service manager that "
                "passes a socket named `milter`, that one is used.",
         .example = "unix:/var/spool/postfix/homeward/milter.sock",
         .check = check_milter_address});
  t.add("milter.mode", [](auto& s) -> auto& { return s.milter.mode; },
        {.doc = "File mode of the unix socket, octal. Who may write to it may connect: sendmail "
                "does so as root, Postfix as its own user.",
         .check = net::check_mode});
}

void add_stores(config::table<fixed_settings>& t) {
  t.section("stores", "Looking at the storage servers from a distance",
            "So that a verdict needs no look at the network.");
  t.add("stores.ask_every", [](auto& s) -> auto& { return s.stores.interval; },
        {.doc = "How often each store is asked whether it is there and whose mailboxes are full.",
         .min = 100ms,
         .max = 1h});
  t.add("stores.patience", [](auto& s) -> auto& { return s.stores.patience; },
        {.doc = "A store that has not answered after this counts as down.",
         .min = 100ms,
         .max = 1min});
  t.section("threads", "How many threads do what");
  t.add("threads.network", &fixed_settings::network_threads,
        {.doc = "Threads that serve the policy and look-up doors and ask the stores. The milter "
                "door has threads of its own, as many as it needs.",
         .min = 1U,
         .max = 64U});
}

void add_scope(config::table<live_settings>& t) {
  t.add("log_level", &live_settings::log_level,
        {.doc = "The least important messages that are logged. info has one line for each "
                "recipient that is refused.",
         .names = {{"debug", log::level::debug},
                   {"info", log::level::info},
                   {"notice", log::level::notice},
                   {"warning", log::level::warning},
                   {"error", log::level::error}},
         .reloadable = true});
  t.add("domains", &live_settings::domains,
        {.doc = "Domains whose recipients are judged although the directory has no users in them "
                "(yet). Those of the directory's users and of addresses.catch_all are always "
                "judged; all others are none of our business and pass.",
         .example = "[example.org]",
         .reloadable = true,
         .check = check_domains});
}

void add_verdicts(config::table<live_settings>& t) {
  const reactions all{
      {"refuse", reaction::refuse}, {"try_later", reaction::try_later}, {"pass", reaction::pass}};
  t.section("verdicts", "What clients are told",
            "At RCPT, by the milter and by the policy server alike. A fault of ours is always "
            "4xx: without a directory, 451.");
  t.add("verdicts.unknown_user", [](auto& s) -> auto& { return s.judged_by.unknown_user; },
        {.doc = "A recipient that neither the directory nor an alias knows. refuse: 550. "
                "try_later: 450, while users are still being entered. pass: the MTA decides.",
         .names = all,
         .reloadable = true});
  t.add("verdicts.full_mailbox", [](auto& s) -> auto& { return s.judged_by.full_mailbox; },
        {.doc = "A mailbox over its limit, as its store counted it, or without room for the size "
                "that the client announced. try_later: 452. refuse: 552. pass: the store decides "
                "when the message comes.",
         .names = all,
         .reloadable = true});
  t.add("verdicts.usage_believed", [](auto& s) -> auto& { return s.judged_by.usage_believed; },
        {.doc = "What a store counted longer ago than this is not believed, and the mailbox "
                "passes.",
         .min = 1s,
         .max = 24h,
         .reloadable = true});
  t.add("verdicts.store_down", [](auto& s) -> auto& { return s.judged_by.store_down; },
        {.doc = "A mailbox whose store does not answer or whose partition is offline. pass: the "
                "MTA takes the message and keeps it in its queue. try_later: 451, and the client "
                "keeps it.",
         .names = {{"pass", reaction::pass}, {"try_later", reaction::try_later}},
         .reloadable = true});
}

void add_rate(config::table<live_settings>& t) {
  t.section("rate", "How much one sender may send",
            "Recipients of all domains count, also of refused ones. A sender over the rate is "
            "answered 450 until the bucket has filled again. The null sender is counted by client "
            "address.");
  t.add("rate.recipients", [](auto& s) -> auto& { return s.rate.limit.recipients; },
        {.doc = "Recipients that one sender may address within rate.period, and at once after a "
                "pause. 0: no limit.",
         .max = std::size_t{10'000'000},
         .reloadable = true});
  t.add("rate.period", [](auto& s) -> auto& { return s.rate.limit.period; },
        {.doc = "The time in which an empty bucket fills.",
         .min = 1s,
         .max = 168h,
         .reloadable = true});
  t.add("rate.senders", [](auto& s) -> auto& { return s.rate.limit.senders; },
        {.doc = "Senders that are remembered, about 200 octets each. When there are more, those "
                "that sent longest ago are forgotten.",
         .min = std::size_t{100},
         .max = std::size_t{10'000'000},
         .reloadable = true});
  t.add("rate.only_authenticated", [](auto& s) -> auto& { return s.rate.limit.only_authenticated; },
        {.doc = "true: only senders who logged in are counted. Addresses of others can be forged.",
         .reloadable = true});
  t.add("rate.exempt_clients", [](auto& s) -> auto& { return s.rate.exempt_clients; },
        {.doc = "Networks of clients that are not counted, such as a list server's.",
         .example = "[127.0.0.1, \"::1\", 192.0.2.0/24]",
         .reloadable = true,
         .check = check_networks});
}

void add_trace(config::table<live_settings>& t) {
  t.section("trace", "What messages carry");
  t.add("trace.header", &live_settings::add_route,
        {.doc = "Add X-Homeward-Route: this host, and for each partition how many recipients the "
                "message had there. No addresses.",
         .reloadable = true});
  t.add("trace.remote_mailers", &live_settings::remote_mailers,
        {.doc = "Names of the MTA's mailers or transports that send mail away. While the directory "
                "was never read, nobody can tell which domains are ours: a recipient for whom the "
                "MTA has chosen one of these passes then, all others are answered 451.",
         .reloadable = true});
}

void check_all(const settings& s, const config::report& into) {
  if (s.fixed.stores.patience > s.fixed.stores.interval) {
    into.add("stores.patience", "is longer than stores.ask_every", "make it shorter");
  }
}

config::table<settings> make_table() {
  config::table<fixed_settings> process{"homeward-milter"};
  add_process(process);
  add_milter(process);
  config::table<live_settings> scope{"homeward-milter"};
  add_scope(scope);
  config::table<live_settings> judging{"homeward-milter"};
  add_verdicts(judging);
  add_rate(judging);
  add_trace(judging);
  config::table<fixed_settings> work{"homeward-milter"};
  add_stores(work);

  config::table<settings> t{"homeward-milter"};
  t.include("", &settings::live, scope);
  t.include("", &settings::fixed, process);
  t.include(
      "policy", [](auto& s) -> auto& { return s.fixed.policy; }, answering::policy_table());
  t.include(
      "lookup", [](auto& s) -> auto& { return s.fixed.lookup; }, answering::lookup_table());
  t.include(
      "directory", [](auto& s) -> auto& { return s.fixed.directory; }, directory::settings_table());
  t.include(
      "addresses", [](auto& s) -> auto& { return s.live.addresses; },
      directory::address_rules_table());
  t.section("aliases", "What else gives names to mail on this host",
            "The alias stage of the MTA comes after the milter: a recipient that it may turn into "
            "something else is left to it.");
  t.include(
      "aliases", [](auto& s) -> auto& { return s.live.aliases; }, alias_settings_table());
  t.include("", &settings::live, judging);
  t.include("", &settings::fixed, work);
  t.validate(check_all);
  return t;
}

} // namespace

const config::table<settings>& settings_table() {
  static const config::table<settings> table = make_table();
  return table;
}

} // namespace homeward::milter
