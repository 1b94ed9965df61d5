// homewardctl deliver-test: really stores a message in the user's home, one visible step after the
// other.

#include <memory>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mail/address.hpp"
#include "lib/store_protocol/command.hpp"

#include "admin/commands.hpp"
#include "admin/located_home.hpp"
#include "admin/output.hpp"
#include "admin/store_talk.hpp"
#include "admin/test_message.hpp"
#include "admin/where_mail_lies.hpp"

namespace homeward::admin {

namespace {

namespace sp = store_protocol;

struct deliver_options {
  std::string address;
  std::string from;
  double seconds = 60;
};

// Prints each step with the time it took, or collects them for JSON.
class step_log {
 public:
  explicit step_log(session& s) : session_(s), last_(std::chrono::steady_clock::now()) {}

  void step(std::string_view name, const std::string& outcome) {
    const steady_time now = std::chrono::steady_clock::now();
    const double milliseconds = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    if (session_.json()) {
      steps_.push_back({{"step", name}, {"milliseconds", milliseconds}, {"outcome", outcome}});
    } else {
      session_.out() << fmt::format("{:<8} {:>9.1f} ms  {}\n", name, milliseconds,
                                    escape(outcome, 600))
                     << std::flush;
    }
  }
  [[nodiscard]] const nlohmann::json& steps() const { return steps_; }

 private:
  session& session_;
  steady_time last_;
  nlohmann::json steps_ = nlohmann::json::array();
};

std::string host_name() {
  std::array<char, 256> name = {};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "localhost";
}

// Only what NAME may hold.
std::string name_part(std::string host) {
  std::replace_if(
      host.begin(), host.end(),
      [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-';
      },
      '-');
  return host.substr(0, 60);
}

// The delivery as far as it got.
struct delivery {
  located_home home;
  test_message message;
  sp::message_name name;
  std::string stored_name = {}; // as the store told it
};

struct command {
  std::string step;
  std::string line;
};

// The commands of the transaction, up to DATA. A failure when something cannot be written in them.
result<std::vector<command>> commands_for(const delivery& d, const deliver_options& o,
                                          const store_features& features) {
  const sp::limits limits;
  const auto& u = *d.home.user;
  const sp::recipient to{.mailbox = u.mailbox,
                         .original = o.address,
                         .epoch = u.where.epoch,
                         .quota_limit = u.where.quota};
  const auto name = sp::encode_name(d.name, limits);
  const auto partition = sp::encode_partition(u.where.primary.directory, limits);
  const auto sender = sp::encode_sender(o.from, limits);
  const auto recipient = sp::encode_recipient(to, features.params, limits);
  for (const auto* line : {&name, &partition, &sender, &recipient}) {
    if (line->has_error()) {
      return line->error();
    }
  }
  return std::vector<command>{{"SIZE", sp::encode_size(byte_count{d.message.octets.size()})},
                              {"NAME", *name},
                              {"PRTN", *partition},
                              {"FROM", *sender},
                              {"RCPT", *recipient},
                              {"DATA", "DATA\r\n" + d.message.octets}};
}

// The talk with the store. Success is the store's own +OK after DATA.
result<void> hand_over(delivery& d, const deliver_options& o, step_log& log) {
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::duration<double>(o.seconds));
  auto store = store_talk::open(d.home.server, give_up);
  if (store.has_error()) {
    return store.error();
  }
  log.step("connect", store->endpoint());
  const auto features = store->features();
  if (features.has_error()) {
    return features.error();
  }
  log.step("CAPA", features->software.empty() ? "a base store: no extensions" : features->software);
  const auto commands = commands_for(d, o, *features);
  if (commands.has_error()) {
    return commands.error();
  }
  for (const auto& c : *commands) {
    const auto answer = store->ask(c.line);
    if (answer.has_error()) {
      // Once the octets were sent, silence says nothing about what became of them.
      return c.step == "DATA" ? unknown_outcome("the store may or may not have the message",
                                                answer.error().cause)
                              : answer.error();
    }
    log.step(c.step, to_text(*answer));
    if (!answer->ok) {
      return sp::failure_from(*answer, answer->text);
    }
    if (const std::string* stored = answer->find("name"); c.step == "DATA" && stored != nullptr) {
      d.stored_name = *stored;
    }
  }
  (void)store->ask("QUIT\r\n");
  return {};
}

failure not_delivered(std::string what, std::string advice) {
  failure f = permanent_failure(failure_reason::perm, std::move(what));
  f.advice = std::move(advice);
  return f;
}

// Why the front ends would not hand mail over now.
result<void> check_home(const located_home& home) {
  if (!home.user) {
    return not_delivered("nobody has this address", "See `homewardctl locate`.");
  }
  if (home.user->where.state == directory::user_state::disabled) {
    return not_delivered("the user is disabled: mail is refused",
                         "`homewardctl user set " + home.user->mailbox + " --state active`.");
  }
  if (home.partition.state == directory::partition_state::offline) {
    return not_delivered("the partition is offline: mail waits in the MTA's queue",
                         "`homewardctl partition set " + to_string(home.partition.id) +
                             " --state active`.");
  }
  if (home.partition.kind == directory::partition_kind::path) {
    return not_delivered("this home is the path " + home.partition.path +
                             ": the bridge files it itself, no store is involved",
                         "Send a message through the bridge instead.");
  }
  return {};
}

void print_end(session& s, const delivery& d, const step_log& log) {
  const auto& u = *d.home.user;
  const std::string name = d.stored_name.empty() ? to_string(d.name) : d.stored_name;
  const std::string lies = where_mail_lies(u.mailbox, d.home.partition);
  if (s.json()) {
    s.print({{"stored", true},
             {"mailbox", u.mailbox},
             {"home", to_string(u.where.primary)},
             {"name", name},
             {"test_id", d.message.id},
             {"mail_lies", lies},
             {"steps", log.steps()}});
    return;
  }
  s.out() << fmt::format("Stored: the message is safe on {} and visible in the mailbox.\n"
                         "File    new/{},S=...,W=... in {}\n"
                         "Marked  X-Homeward-Test: {}\n",
                         to_string(u.where.primary), name, lies, d.message.id);
}

exit_code deliver(session& s, const deliver_options& o) {
  step_log log(s);
  auto home = locate_home(s, o.address);
  if (home.has_error()) {
    return s.report(home.error());
  }
  if (const auto usable = check_home(*home); usable.has_error()) {
    s.report(usable.error());
    return exit_code::negative;
  }
  const std::string host = name_part(host_name());
  const wall_time now = std::chrono::system_clock::now();
  delivery d{.home = *home,
             .message = make_test_message(host, home->user->mailbox, o.from, now),
             .name = {}};
  d.name.seconds = static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(now));
  d.name.key = "test" + d.message.id;
  d.name.origin = host;
  log.step("resolve", fmt::format("{} lives on {}, epoch {}", d.home.user->mailbox,
                                  to_string(d.home.user->where.primary), d.home.user->where.epoch));
  const auto handed_over = hand_over(d, o, log);
  if (handed_over.has_error()) {
    const auto code = s.report(handed_over.error());
    return code == exit_code::unavailable ? code : exit_code::negative;
  }
  print_end(s, d, log);
  return exit_code::done;
}

} // namespace

void add_deliver_test_command(CLI::App& app, session& s) {
  auto* command =
      app.add_subcommand("deliver-test", "Really store a small marked message, and show each step");
  command->footer(
      "The message goes straight to the store of the user, past the MTA and the bridge, as\n"
      "the bridge would hand it over. It stays in the mailbox until somebody deletes it.\n\n"
      "Exit code 1: the store refused it, or front ends would not deliver it now.\n\n"
      "Exit code 75: the store cannot be reached.\n\n"
      "Example:\n"
      "  homewardctl deliver-test ann@example.org");
  const auto o = std::make_shared<deliver_options>();
  command->add_option("address", o->address, "The address of the user")
      ->required()
      ->type_name("ADDRESS");
  command->add_option("--from", o->from, "The envelope sender; the null sender if not given")
      ->type_name("ADDRESS");
  command->add_option("--timeout", o->seconds, "Seconds to wait for the store, in all")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  on_chosen(*command, s, [&s, o] { return deliver(s, *o); });
}

} // namespace homeward::admin
