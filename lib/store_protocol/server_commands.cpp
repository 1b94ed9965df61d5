// The commands of the storage protocol: one table, which is the only dispatch, and for each verb a
// check, which only looks, and an apply, which changes the session. A command whose check failed
// has changed nothing but what its row says: RCPT nothing, SIZE NAME PRTN FROM refuse the
// transaction.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/command.hpp"
#include "lib/store_protocol/server_session.hpp"

namespace homeward::store_protocol {
namespace {

using state_set = unsigned;

constexpr state_set in(std::initializer_list<server_state> states) {
  state_set set = 0;
  for (const server_state s : states) {
    set |= 1U << static_cast<unsigned>(s);
  }
  return set;
}

constexpr bool holds(state_set set, server_state s) {
  return (set >> static_cast<unsigned>(s) & 1U) != 0;
}

// What a refused command does to the transaction around it.
enum class when_refused : unsigned char {
  only_itself = 1, // nothing
  transaction = 2, // the whole transaction is refused
  swallow = 3,     // the transaction is refused, and SIZE octets follow all the same
  close = 4,       // the connection cannot go on: nobody knows what its octets are
};

// Where a command stands in a transaction.
enum class role : unsigned char {
  preamble = 1, // begins one: SIZE NAME PRTN
  address = 2,  // FROM and RCPT; once one was seen, DATA is not "DATA first"
  other = 3,
};

} // namespace

struct server_session::commands {
  using self = server_session;

  struct nothing {};
  struct row {
    std::string_view verb;
    state_set allowed;
    when_refused refusal;
    role part;
    void (*run)(self&, const row&, std::string_view argument);
    std::string_view out_of_order; // what to say then
  };

  // ---- SIZE ----

  static result<byte_count> check_size(const self& s, std::string_view argument) {
    if (s.transaction_.size_known) {
      return syntax_failure("SIZE was given before; closing");
    }
    const auto size = parse_number(argument);
    if (!size) {
      return syntax_failure("SIZE takes the number of octets; closing");
    }
    const std::uint64_t limit = s.limits_.size.octets;
    if (*size > limit && *size - limit > s.limits_.surplus.octets) {
      return permanent_failure(failure_reason::too_big,
                               fmt::format("the limit is {} octets; closing", limit));
    }
    return byte_count{*size};
  }

  // A SIZE just over the limit, or within a refused transaction, is refused but believed.
  static void apply_size(self& s, byte_count size) {
    s.transaction_.size_known = true;
    s.transaction_.message.size = size;
    s.state_ = server_state::begun;
    if (size > s.limits_.size) {
      s.refuse_transaction(permanent_failure(
          failure_reason::too_big, fmt::format("the limit is {} octets", s.limits_.size.octets)));
    }
    if (s.transaction_.refused) {
      s.say_refusal(*s.transaction_.refused);
    } else {
      s.say_ok(fmt::format("{} octet{}", size.octets, size.octets == 1 ? "" : "s"));
    }
  }

  // ---- NAME ----

  static result<message_name> check_name(const self& s, std::string_view argument) {
    if (!s.transaction_.message.name.key.empty()) {
      return syntax_failure("NAME was given before");
    }
    return parse_message_name(argument, s.limits_);
  }

  static void apply_name(self& s, message_name name) {
    s.transaction_.message.name = std::move(name);
    s.state_ = server_state::begun;
    s.say_ok("name taken");
  }

  // ---- PRTN ----

  struct accepted_partition {
    std::string name;
    partition_figures figures;
  };

  static result<accepted_partition> check_partition(const self& s, std::string_view argument) {
    if (!s.transaction_.message.partition.empty()) {
      return syntax_failure("PRTN was given before");
    }
    auto name = parse_partition(argument, s.limits_);
    if (!name) {
      return name.error();
    }
    auto figures = s.policy_->accept_partition(*name);
    if (!figures) {
      return figures.error();
    }
    return accepted_partition{std::move(*name), *figures};
  }

  static void apply_partition(self& s, accepted_partition accepted) {
    reply r;
    r.ok = true;
    r.text = fmt::format("partition {}", accepted.name);
    if (s.enabled_.load && accepted.figures.total.octets != 0) {
      r.code = "PRTN";
      r.pairs.emplace_back("free", fmt::to_string(accepted.figures.free.octets));
      r.pairs.emplace_back("total", fmt::to_string(accepted.figures.total.octets));
    }
    s.transaction_.message.partition = std::move(accepted.name);
    s.state_ = server_state::begun;
    s.say(std::move(r));
  }

  // ---- FROM ----

  static bool preamble_complete(const self& s) {
    const transaction& t = s.transaction_;
    return t.size_known && !t.message.name.key.empty() && !t.message.partition.empty();
  }

  static result<std::string> check_sender(const self& s, std::string_view argument) {
    if (!preamble_complete(s)) {
      return syntax_failure("SIZE, NAME and PRTN come before FROM");
    }
    return parse_sender(argument, s.limits_);
  }

  static void apply_sender(self& s, std::string sender) {
    s.transaction_.message.sender = std::move(sender);
    s.transaction_.message.has_sender = true;
    s.state_ = s.state_ == server_state::pending ? server_state::pending_addressed
                                                 : server_state::addressed;
    s.say_ok("sender taken");
  }

  // ---- RCPT ----

  static result<recipient> check_recipient(const self& s, std::string_view argument) {
    auto who = parse_recipient(argument, s.enabled_.params, s.limits_);
    if (!who) {
      return who.error();
    }
    if (s.transaction_.message.recipients.size() >= s.limits_.recipients) {
      return transient_failure(fmt::format(
          "more than {} recipients; send them in another transaction", s.limits_.recipients));
    }
    if (auto accepted = s.policy_->accept_recipient(s.transaction_.message, *who); !accepted) {
      return accepted.error();
    }
    return who;
  }

  static void apply_recipient(self& s, recipient who) {
    s.say_ok(fmt::format("<{}> accepted", who.mailbox));
    s.transaction_.message.recipients.push_back(std::move(who));
  }

  // ---- DATA ----

  static result<nothing> check_data(const self& s, std::string_view argument) {
    if (!s.transaction_.size_known) {
      return syntax_failure("DATA needs SIZE; closing");
    }
    if (s.transaction_.refused) {
      return nothing{};
    }
    if (!argument.empty()) {
      return syntax_failure("DATA takes no argument");
    }
    if (!preamble_complete(s)) {
      return syntax_failure("SIZE, NAME and PRTN come before DATA");
    }
    if (s.transaction_.envelope_begun && s.transaction_.message.recipients.empty()) {
      return transient_failure("no recipient was accepted");
    }
    return nothing{};
  }

  static void apply_data(self& s, nothing /*none*/) { s.begin_body(); }

  // ---- QUIT ----

  // Why QUIT cannot be answered +OK, if so: +OK would sound like a commitment.
  static std::optional<failure> uncommitted(const self& s) {
    if (s.transaction_.refused) {
      return s.transaction_.refused;
    }
    if (s.state_ == server_state::ready) {
      return s.owed_to_quit_;
    }
    if (s.state_ != server_state::pending_addressed) {
      return syntax_failure("the transaction is not complete; nothing is stored");
    }
    if (s.transaction_.message.recipients.empty()) {
      return transient_failure("no recipient was accepted; nothing is stored");
    }
    return std::nullopt;
  }

  static void apply_quit(self& s, nothing /*none*/) {
    if (const auto why = uncommitted(s)) {
      s.say_refusal(*why);
      s.close(close_reason::quit);
    } else if (s.state_ == server_state::pending_addressed) {
      s.deliver(true);
    } else {
      s.say_ok("closing");
      s.close(close_reason::quit);
    }
  }

  // ---- RSET, NOOP, CAPA ----

  static result<nothing> check_bare(const self& /*s*/, std::string_view argument) {
    if (!argument.empty()) {
      return syntax_failure("this command takes no argument");
    }
    return nothing{};
  }

  static void apply_rset(self& s, nothing /*none*/) {
    s.say_ok("reset");
    s.end_transaction();
  }

  static void apply_noop(self& s, nothing /*none*/) {
    reply r;
    r.ok = true;
    if (s.enabled_.load) {
      r.code = "LOAD";
      add_load(r, s.load_);
    }
    s.say(std::move(r));
  }

  // What CAPA lists, in this order. Those with a switch are off until a CAPA names them.
  struct capability {
    std::string_view keyword;
    bool extensions::*when_named;
  };
  static constexpr std::array<capability, 7> capabilities{{{"RSET", nullptr},
                                                           {"NOOP", nullptr},
                                                           {"PIPELINING", nullptr},
                                                           {"RESULTS", &extensions::results},
                                                           {"PARAMS", &extensions::params},
                                                           {"LOAD", &extensions::load},
                                                           {"FULL", nullptr}}};

  static result<extensions> check_capa(const self& s, std::string_view argument) {
    extensions wanted = s.enabled_;
    while (!argument.empty()) {
      const std::string_view word = argument.substr(0, argument.find(' '));
      argument.remove_prefix(std::min(argument.size(), word.size() + 1));
      for (const capability& c : capabilities) {
        if (c.when_named != nullptr && equal_ignoring_case(c.keyword, word)) {
          wanted.*c.when_named = true;
        }
      }
    }
    return wanted;
  }

  static void apply_capa(self& s, extensions wanted) {
    s.enabled_ = wanted;
    reply r;
    r.ok = true;
    r.code = "CAPA";
    r.pairs.emplace_back("version", "1");
    for (const capability& c : capabilities) {
      r.text += fmt::format("{} ", c.keyword);
    }
    r.text += fmt::format("SIZE={} SERVER={}", s.limits_.size.octets, s.software_);
    s.say(std::move(r));
  }

  // ---- FULL ----

  static void apply_full(self& s, nothing /*none*/) {
    std::vector<mailbox_usage> all = s.policy_->full_mailboxes(s.limits_.usages);
    all.resize(std::min(all.size(), s.limits_.usages));
    s.tell_usage(all);
  }

  // ---- the table ----

  template <auto Check, auto Apply>
  static void run(self& s, const row& command, std::string_view argument) {
    auto checked = Check(s, argument);
    if (!checked) {
      refuse(s, command, checked.error());
    } else {
      Apply(s, std::move(*checked));
    }
  }

  static void refuse(self& s, const row& command, const failure& why) {
    const bool counts = why.reason == failure_reason::syntax && !s.transaction_.refused;
    const bool last = counts && s.count_error();
    if (command.refusal == when_refused::swallow && s.transaction_.size_known && !last) {
      s.refuse_transaction(why);
      s.begin_body();
      return;
    }
    s.say_refusal(why);
    if (last) {
      s.close(close_reason::too_many_errors);
    } else if (command.refusal == when_refused::transaction) {
      s.refuse_transaction(why);
      s.state_ = s.state_ == server_state::ready ? server_state::begun : s.state_;
    } else if (command.refusal != when_refused::only_itself) {
      s.close(close_reason::unbelievable);
    }
  }

  // What a command of the envelope finds refused before it is even looked at.
  static std::optional<failure> already_refused(const self& s, const row& command) {
    const bool believed_anyway = command.refusal == when_refused::close; // SIZE: octets follow
    if (command.part == role::other || believed_anyway) {
      return std::nullopt;
    }
    if (s.transaction_.refused) {
      return s.transaction_.refused;
    }
    return s.state_ == server_state::ready && command.part == role::address ? s.owed_to_quit_
                                                                            : std::nullopt;
  }

  static void note(self& s, const row& command) {
    if (command.part == role::preamble) {
      s.owed_to_quit_.reset();
    }
    if (command.part == role::address) {
      s.transaction_.envelope_begun = true;
    }
  }

  static const row* find(std::string_view verb);

  static const std::array<row, 11> table;
};

constexpr std::array<server_session::commands::row, 11> server_session::commands::table{{
    {"SIZE", in({server_state::ready, server_state::begun}), when_refused::close, role::preamble,
     &run<check_size, apply_size>, "SIZE begins a transaction; closing"},
    {"NAME", in({server_state::ready, server_state::begun}), when_refused::transaction,
     role::preamble, &run<check_name, apply_name>, "NAME comes before FROM and DATA"},
    {"PRTN", in({server_state::ready, server_state::begun}), when_refused::transaction,
     role::preamble, &run<check_partition, apply_partition>, "PRTN comes before FROM and DATA"},
    {"FROM", in({server_state::begun, server_state::pending}), when_refused::transaction,
     role::address, &run<check_sender, apply_sender>, "FROM comes once, after SIZE, NAME and PRTN"},
    {"RCPT", in({server_state::addressed, server_state::pending_addressed}),
     when_refused::only_itself, role::address, &run<check_recipient, apply_recipient>,
     "RCPT comes after FROM"},
    {"DATA", in({server_state::begun, server_state::addressed}), when_refused::swallow, role::other,
     &run<check_data, apply_data>, "DATA was given before"},
    {"QUIT",
     in({server_state::ready, server_state::begun, server_state::addressed, server_state::pending,
         server_state::pending_addressed}),
     when_refused::only_itself, role::other, &run<check_bare, apply_quit>, ""},
    {"RSET",
     in({server_state::ready, server_state::begun, server_state::addressed, server_state::pending,
         server_state::pending_addressed}),
     when_refused::only_itself, role::other, &run<check_bare, apply_rset>, ""},
    {"NOOP",
     in({server_state::ready, server_state::begun, server_state::addressed, server_state::pending,
         server_state::pending_addressed}),
     when_refused::only_itself, role::other, &run<check_bare, apply_noop>, ""},
    {"CAPA", in({server_state::ready}), when_refused::only_itself, role::other,
     &run<check_capa, apply_capa>, "CAPA comes between transactions"},
    {"FULL", in({server_state::ready}), when_refused::only_itself, role::other,
     &run<check_bare, apply_full>, "FULL comes between transactions"},
}};

const server_session::commands::row* server_session::commands::find(std::string_view verb) {
  for (const row& command : table) {
    if (equal_ignoring_case(command.verb, verb)) {
      return &command;
    }
  }
  return nullptr;
}

void server_session::dispatch(std::string_view line, bool too_long) {
  const auto [verb, argument] = split_command(line);
  const commands::row* command = commands::find(verb);
  if (command == nullptr) {
    say_refusal(syntax_failure(too_long
                                   ? "the line is too long"
                                   : "unknown command: there are SIZE NAME PRTN FROM RCPT DATA "
                                     "QUIT RSET NOOP CAPA FULL"));
    if (count_error()) {
      close(close_reason::too_many_errors);
    }
    return;
  }
  const auto already = commands::already_refused(*this, *command);
  commands::note(*this, *command);
  if (already) {
    say_refusal(*already);
  } else if (too_long) {
    commands::refuse(
        *this, *command,
        syntax_failure(fmt::format("the line is longer than {} octets", limits_.line)));
  } else if (std::any_of(line.begin(), line.end(), is_control)) {
    commands::refuse(*this, *command, syntax_failure("the line holds a control character"));
  } else if (!holds(command->allowed, state_)) {
    commands::refuse(*this, *command, syntax_failure(std::string(command->out_of_order)));
  } else {
    command->run(*this, *command, argument);
  }
}

} // namespace homeward::store_protocol
