#include "stored/service/settings.hpp"

#include <algorithm>
#include <thread>

#include "stored/service/settings_checks.hpp"

namespace homeward::stored {
namespace {

using namespace std::chrono_literals;
using config::report;

config::table<partition_settings> partition_table() {
  config::table<partition_settings> t{"partition"};
  t.add("name", &partition_settings::name,
        {.doc = "As the directory and the PRTN command call it, without the server.",
         .example = "mail1",
         .required = true,
         .check = check_partition_name});
  t.add("path", &partition_settings::path,
        {.doc = "Its root directory. It must have been made a partition by 'stored "
                "--init-partition NAME'; a directory without that identity is never written to.",
         .example = "/srv/homeward/mail1",
         .required = true,
         .check = net::check_absolute_path});
  t.add("state", &partition_settings::state,
        {.doc = "active: takes mail. draining: takes mail for those who live there, and is to be "
                "emptied. offline: answers \"try later\".",
         .names = {{"active", partition_state::active},
                   {"draining", partition_state::draining},
                   {"offline", partition_state::offline}}});
  t.add("peers", &partition_settings::peers,
        {.doc = "Addresses or networks that may write to it. Empty: all that may connect. Peers on "
                "a unix socket always may.",
         .check = check_networks});
  return t;
}

void add_process(config::table<fixed_settings>& t) {
  t.add("user", &fixed_settings::user,
        {.doc = "The user who owns all Maildirs, which is also the reader's mail user. Started as "
                "root, stored becomes this user before it opens anything, and refuses to start "
                "when the setting is empty.",
         .example = "vmail"});
  t.add_records("listen", &fixed_settings::listen,
                net::listener_table("127.0.0.1:2400", "store mail"),
                {.doc = "Where bridges connect. Without it: 127.0.0.1:2400.", .unique = "address"});
  t.add(
      "cleartext_beyond_loopback", &fixed_settings::cleartext_beyond_loopback,
      {.doc = "The storage protocol is not encrypted. A listener that other hosts can reach is "
              "refused unless this says accept-the-risk: then mail crosses the network in clear, "
              "and whoever can forge an address in `peers` can store mail. Use it only on a "
              "network of your own, or through a tunnel.",
       .names = {{"refuse", cleartext::refuse}, {"accept-the-risk", cleartext::accept_the_risk}}});
  t.add("spool_directory", &fixed_settings::spool_directory,
        {.doc = "Where long messages stay while they arrive. Files there have no names; nothing is "
                "left behind. It must exist and be writable.",
         .check = net::check_absolute_path});
}

void add_filing(config::table<fixed_settings>& t) {
  t.add("sync_mode", &fixed_settings::durability,
        {.doc = "How mail becomes durable before +OK. journal: many messages share one sync of the "
                "volume's journal; made for ext4, xfs and btrfs; repeats are recognised across "
                "restarts. late: each message is written, named, and synced once; the same file "
                "systems. strict: each message is synced, named, and every changed directory "
                "synced; for other file systems. With late and strict a restart forgets which "
                "messages were delivered. What an earlier run left in a journal is filed in every "
                "mode.",
         .names = {{"journal", sync_mode::journal},
                   {"late", sync_mode::late},
                   {"strict", sync_mode::strict}}});
  t.section("filing", "How mail is filed");
  t.add("filing.delivered_to", &fixed_settings::delivered_to,
        {.doc = "When \"Delivered-To: MAILBOX\" is written into the file. single: when the message "
                "has one recipient in the partition. always: then every recipient gets a file of "
                "its own instead of a hard link. never.",
         .names = {{"single", maildir::delivered_to::single},
                   {"always", maildir::delivered_to::always},
                   {"never", maildir::delivered_to::never}}});
}

void add_journal(config::table<fixed_settings>& t) {
  t.section("journal", "The journal of each volume",
            "It lies in .homeward-journal in the first partition of the volume.");
  t.add("farm", &fixed_settings::farm,
        {.doc = "The name of your installation. A journal of another farm, on a disk that came "
                "from there, is never filed here. Choose it once.",
         .check = check_farm});
  t.add("journal.segment_size", [](auto& s) -> auto& { return s.segments.size; },
        {.doc = "Of each segment file. All of them together take at most a sixteenth of a small "
                "volume, whatever is written here. Segments that exist keep their size.",
         .min = 1_MiB,
         .max = 1_GiB});
  t.add("journal.segments", [](auto& s) -> auto& { return s.segments.count; },
        {.doc = "Segment files of a volume, reserved at the first start. More of them bridge "
                "longer checkpoints of a slow disk.",
         .min = std::size_t{3},
         .max = std::size_t{64}});
}

void add_threads(config::table<fixed_settings>& t) {
  t.section("threads", "How many threads do what");
  t.add("threads.network", &fixed_settings::network_threads,
        {.doc = "Threads that serve the connections. 0: one for every two processors, at most 8.",
         .max = 64U});
  t.add("threads.filing", [](auto& s) -> auto& { return s.workers.workers; },
        {.doc = "Threads that file mail, for each volume (file system).",
         .min = std::size_t{2},
         .max = std::size_t{256}});
  t.add("threads.filing_per_partition", [](auto& s) -> auto& { return s.workers.per_partition; },
        {.doc = "How many of these one partition may hold, so that one that hangs leaves some to "
                "its neighbours. Must be fewer than threads.filing.",
         .min = std::size_t{1},
         .max = std::size_t{255}});
  t.add("threads.spool", &fixed_settings::spool_threads,
        {.doc = "Threads that write long messages to the spool directory while they arrive.",
         .min = 1U,
         .max = 64U});
  t.add("limits.message_memory", &fixed_settings::message_memory,
        {.doc = "A longer message goes to the spool directory while it arrives.",
         .min = 4_KiB,
         .max = 64_MiB});
}

void add_who_and_where(config::table<live_settings>& t) {
  t.add("log_level", &live_settings::log_level,
        {.doc = "The least important messages that are logged. info has one line per recipient.",
         .names = {{"debug", log::level::debug},
                   {"info", log::level::info},
                   {"notice", log::level::notice},
                   {"warning", log::level::warning},
                   {"error", log::level::error}},
         .reloadable = true});
  t.add("peers", &live_settings::peers,
        {.doc = "Addresses or networks that may connect by TCP: your bridges. Unix sockets are "
                "guarded by their mode instead.",
         .example = "[192.0.2.10, \"2001:db8:7::/64\"]",
         .reloadable = true,
         .check = check_networks});
  t.add_records("partitions", &live_settings::partitions, partition_table(),
                {.doc = "The partitions of this store. One that is missing or faulty does not "
                        "disturb the others: it answers \"try later\" and heals by itself.",
                 .unique = "name",
                 .required = true,
                 .reloadable = true});
  t.add("look_at_partitions", &live_settings::look_at_partitions,
        {.doc = "How often each partition is looked at: is it there, writable, and how full?",
         .min = 1s,
         .max = 5min,
         .reloadable = true});
}

void add_message_limits(config::table<live_settings>& t) {
  t.section("limits", "What is refused",
            "What is beyond a limit is refused in words; a limit of "
            "ours makes the sender try later, except message_size.");
  t.add("limits.message_size", [](auto& s) -> auto& { return s.protocol.size; },
        {.doc = "The largest message. Keep it at least as large as the MTA's limit: beyond it mail "
                "is returned to its sender.",
         .min = 1_KiB,
         .max = 4_GiB,
         .reloadable = true});
  t.add("limits.recipients", [](auto& s) -> auto& { return s.protocol.recipients; },
        {.doc = "Recipients of one transaction.",
         .min = std::size_t{100},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.memory", &live_settings::memory,
        {.doc = "Memory of all messages in hand together; each counts at most message_memory.",
         .min = 1_MiB,
         .max = 64_GiB,
         .reloadable = true});
  t.add("limits.data_rate", &live_settings::data_rate,
        {.doc = "Octets per second. A sender that is slower on average, after a first "
                "times.data_block, is dropped.",
         .max = 1_GiB,
         .reloadable = true});
}

void add_crowd_limits(config::table<live_settings>& t) {
  t.add("limits.sessions", [](auto& s) -> auto& { return s.sessions.total; },
        {.doc = "Connections at the same time.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.sessions_per_peer", [](auto& s) -> auto& { return s.sessions.per_peer; },
        {.doc = "Of them from one address.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.deliveries_per_partition",
        [](auto& s) -> auto& { return s.deliveries.per_partition; },
        {.doc = "Messages that wait for a partition.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
  t.add("limits.deliveries_per_mailbox", [](auto& s) -> auto& { return s.deliveries.per_mailbox; },
        {.doc = "Messages in hand for one mailbox. A flood for one user then leaves room for the "
                "others of the partition.",
         .min = std::size_t{1},
         .max = std::size_t{100000},
         .reloadable = true});
}

void add_times(config::table<live_settings>& t) {
  t.section("times", "How long is waited");
  t.add("times.idle", [](auto& s) -> auto& { return s.times.server_idle; },
        {.doc = "For the first command of a transaction. Keep it longer than the bridges keep an "
                "idle connection (30s).",
         .min = 1s,
         .max = 1h,
         .reloadable = true});
  t.add("times.command", [](auto& s) -> auto& { return s.times.server_command; },
        {.doc = "For the next command within a transaction.",
         .min = 1s,
         .max = 10min,
         .reloadable = true});
  t.add("times.data_block", [](auto& s) -> auto& { return s.times.server_block; },
        {.doc = "For the next octets of a message, and for a reply to be taken.",
         .min = 1s,
         .max = 10min,
         .reloadable = true});
  t.add("times.commit", [](auto& s) -> auto& { return s.deliveries.commit; },
        {.doc = "For the message to be safe after its last octet. The sender is told to try later "
                "then; a delivery that still succeeds is remembered, so the repeat makes no second "
                "copy. Must stay below the bridges' own wait (125s).",
         .min = 1s,
         .max = 2min,
         .reloadable = true});
}

void add_quota(config::table<live_settings>& t) {
  t.section("quota", "Mailboxes that have a limit",
            "The directory owns the limits; the bridge sends them with each recipient.");
  t.add("quota.enforce", [](auto& s) -> auto& { return s.quota.enforce; },
        {.doc = "Whether a message that would take its mailbox over the limit is refused. With "
                "false usage is counted and told, and nobody is refused.",
         .reloadable = true});
  t.add("quota.recount", [](auto& s) -> auto& { return s.quota.recount; },
        {.doc = "Readers delete mail without telling: a figure that is older is counted again, in "
                "the background, when it is used. Before a message is refused its mailbox is "
                "counted again in any case.",
         .min = 1s,
         .max = 24h,
         .reloadable = true});
  t.add("quota.mailboxes", [](auto& s) -> auto& { return s.quota.mailboxes; },
        {.doc = "Mailboxes whose usage is remembered, about 500 octets each. Of more, those that "
                "got no mail for longest are forgotten, and counted again when mail comes.",
         .min = std::size_t{100},
         .max = std::size_t{100'000'000},
         .reloadable = true});
}

void add_identities(config::table<live_settings>& t) {
  t.section("identities", "How repeats are recognised");
  t.add("identities.age", [](auto& s) -> auto& { return s.identities.age; },
        {.doc = "How long a delivery is remembered, so that its repeat makes no second copy. Keep "
                "it longer than the MTAs keep mail in their queues.",
         .min = 1s,
         .max = 1h * 24 * 60,
         .reloadable = true});
  t.add("identities.memory", [](auto& s) -> auto& { return s.identities.memory; },
        {.doc = "For what is remembered, 64 octets a recipient. When it is used up the oldest is "
                "forgotten early, and the log says so.",
         .min = 64_KiB,
         .max = 64_GiB,
         .reloadable = true});
}

void add_checkpoint(config::table<live_settings>& t) {
  t.add("journal.checkpoint", &live_settings::checkpoint,
        {.doc = "At most this long after mail was filed its Maildir files are on the disk by "
                "themselves, and the journal needs it no more. After a power cut, what a reader "
                "has deleted or moved since the last checkpoint may come back once.",
         .min = 1s,
         .max = 1min,
         .reloadable = true});
}

config::table<settings> make_table() {
  config::table<fixed_settings> fixed{"stored"};
  add_process(fixed);
  config::table<fixed_settings> work{"stored"};
  add_filing(work);
  add_journal(work);
  add_threads(work);
  config::table<live_settings> live{"stored"};
  add_who_and_where(live);
  config::table<live_settings> limits{"stored"};
  add_message_limits(limits);
  add_crowd_limits(limits);
  add_times(limits);
  add_quota(limits);
  add_identities(limits);
  add_checkpoint(limits);

  config::table<settings> t{"stored"};
  t.include("", &settings::fixed, fixed);
  t.include("", &settings::live, live);
  t.include("", &settings::fixed, work);
  t.include("", &settings::live, limits);
  t.validate(check_listeners);
  t.validate(check_partitions);
  t.validate(check_numbers);
  return t;
}

} // namespace

maildir::filing_settings filing_of(const fixed_settings& s) {
  maildir::filing_settings filing{.header = s.delivered_to,
                                  .taken = maildir::when_taken::is_repeat};
  switch (s.durability) {
  case sync_mode::journal: filing.recipe = maildir::sync_recipe::none; break;
  case sync_mode::late: filing.recipe = maildir::sync_recipe::late; break;
  case sync_mode::strict: filing.recipe = maildir::sync_recipe::strict; break;
  }
  return filing;
}

worker_limits workers_of(const fixed_settings& s) {
  worker_limits limits = s.workers;
  // With a journal filing does not wait for the disk.
  limits.awake = s.durability == sync_mode::journal
                     ? std::max<std::size_t>(2, std::thread::hardware_concurrency())
                     : limits.workers;
  return limits;
}

journal::identity_retention retention_of(const identity_limits& l) {
  return {.age = l.age, .octets = l.memory};
}

journal::journal_settings journals_of(const settings& s) {
  return {.farm = s.fixed.farm,
          .segments = s.fixed.segments,
          .checkpoint = s.live.checkpoint,
          .identities = retention_of(s.live.identities)};
}

std::string_view to_string(partition_state state) {
  switch (state) {
  case partition_state::active: return "active";
  case partition_state::draining: return "draining";
  case partition_state::offline: return "offline";
  }
  return "?";
}

const config::table<settings>& settings_table() {
  static const config::table<settings> table = make_table();
  return table;
}

} // namespace homeward::stored
