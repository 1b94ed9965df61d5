// homewardctl journal show.

#include <chrono>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "admin/journal_commands.hpp"
#include "admin/journal_view.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

using facts = std::vector<std::pair<std::string, std::string>>;

// The rest of the volume id is nobody's business: it is the secret in the checksums.
std::string volume_name(const journal::volume_id& id) {
  std::string out;
  for (std::size_t i = 0; i < 4; ++i) {
    out += fmt::format("{:02x}", id[i]);
  }
  return out;
}

std::string time_text(std::uint64_t seconds) {
  return seconds == 0 ? "-"
                      : fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                                    fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string milliseconds(std::uint64_t us) {
  return fmt::format("{:.1f} ms", static_cast<double>(us) / 1000);
}

nlohmann::json json_of(const distribution& d) {
  return {{"count", d.count()},
          {"mean", d.mean()},
          {"median", d.median()},
          {"p99", d.at(0.99)},
          {"max", d.max()}};
}

nlohmann::json json_of(const segment_view& s) {
  nlohmann::json j = {{"file", s.file.name},
                      {"state", s.live ? "live" : "unused"},
                      {"records", s.records},
                      {"octets", s.file.size},
                      {"used", s.used}};
  if (s.file.header) {
    j["generation"] = s.file.header->generation;
    j["first_record"] = s.file.header->first_record;
    j["begun"] = s.file.header->begun;
  }
  if (s.last != 0) {
    j["last_record"] = s.last;
  }
  return j;
}

nlohmann::json json_beside(const journal_view& v) {
  nlohmann::json j = {{"parked", nlohmann::json::array()}, {"identities", nlohmann::json::array()}};
  for (const parked_mail& p : v.beside.parked) {
    j["parked"].push_back({{"file", p.file},
                           {"partition", p.partition},
                           {"deliveries", p.deliveries},
                           {"octets", p.octets},
                           {"since", p.since},
                           {"whole", p.is == condition::whole}});
  }
  for (const identity_file& i : v.beside.identities) {
    j["identities"].push_back({{"file", i.file},
                               {"entries", i.entries},
                               {"octets", i.octets},
                               {"oldest", i.oldest},
                               {"newest", i.newest}});
  }
  j["failed"] = v.beside.failed ? nlohmann::json(*v.beside.failed) : nlohmann::json(nullptr);
  j["kept_torn_ends"] = v.beside.torn;
  j["marks_believed"] = v.beside.marks && v.beside.marks->believed && !v.beside.failed;
  return j;
}

nlohmann::json json_of(const journal_view& v, const std::string& path) {
  nlohmann::json j = json_beside(v);
  j["directory"] = path;
  j["farm"] = v.index.whose ? nlohmann::json(v.index.whose->farm) : nlohmann::json(nullptr);
  j["volume"] =
      v.index.whose ? nlohmann::json(volume_name(v.index.whose->volume)) : nlohmann::json(nullptr);
  j["checkpoint"] = v.index.checkpoint;
  j["next_record"] = v.index.next_record;
  j["backlog"] = nlohmann::json::object();
  for (const auto& [type, b] : v.backlog) {
    j["backlog"][name_of(type)] = {{"records", b.records}, {"octets", b.octets}};
  }
  j["backlog_marked_filed"] = v.marked;
  j["groups"] = {{"records", json_of(v.groups.records)},
                 {"octets", json_of(v.groups.octets)},
                 {"sync_microseconds", json_of(v.groups.sync)},
                 {"per_second_while_busy", v.groups.per_second}};
  j["torn"] = v.index.torn ? nlohmann::json({{"file", v.index.live.back().name},
                                             {"offset", v.index.torn->bad_offset},
                                             {"octets", v.index.torn->bad_octets},
                                             {"why", v.index.torn->why}})
                           : nlohmann::json(nullptr);
  j["segments"] = nlohmann::json::array();
  for (const segment_view& s : v.segments) {
    j["segments"].push_back(json_of(s));
  }
  return j;
}

// "3 deliveries", "1 checkpoint".
std::string count_of_records(std::uint64_t records, journal::record_type type) {
  switch (type) {
  case journal::record_type::delivery:
    return records == 1 ? "1 delivery" : fmt::format("{} deliveries", records);
  case journal::record_type::delivery_apart:
    return fmt::format("{} of large messages, without them", records);
  case journal::record_type::abort: return count_of(records, "refusal");
  case journal::record_type::checkpoint: return count_of(records, "checkpoint");
  }
  return std::to_string(records);
}

std::string backlog_text(const journal_view& v) {
  std::vector<std::string> parts;
  for (const auto& [type, b] : v.backlog) {
    parts.push_back(fmt::format("{} ({})", count_of_records(b.records, type), size_text(b.octets)));
  }
  if (parts.empty()) {
    return "none";
  }
  std::string text = join(parts, ", ");
  if (v.marked > 0) {
    text += fmt::format("; {} of the deliveries marked as filed", v.marked);
  }
  return text;
}

void add_groups(const groups_view& g, facts& out) {
  if (g.records.count() == 0) {
    out.emplace_back("Groups", "none");
    return;
  }
  out.emplace_back("Groups", fmt::format("{} in the files; records in each: mean {:.1f}, median "
                                         "{}, max {}",
                                         g.records.count(), g.records.mean(), g.records.median(),
                                         g.records.max()));
  out.emplace_back("Group size", fmt::format("median {}, max {}", size_text(g.octets.median()),
                                             size_text(g.octets.max())));
  if (g.per_second > 0) {
    out.emplace_back("While busy", fmt::format("{:.0f} groups/s", g.per_second));
  }
  if (g.sync.count() > 0) {
    out.emplace_back("Sync",
                     fmt::format("median {}, p99 {}, max {}", milliseconds(g.sync.median()),
                                 milliseconds(g.sync.at(0.99)), milliseconds(g.sync.max())));
  }
}

void add_beside(const journal_view& v, facts& out) {
  if (v.index.torn) {
    out.emplace_back("Torn end",
                     fmt::format("{} at offset {}: {}. Harmless: it was never acknowledged",
                                 v.index.live.back().name, v.index.torn->bad_offset,
                                 v.index.torn->why));
  }
  if (!v.beside.torn.empty()) {
    out.emplace_back("Kept torn ends",
                     join(v.beside.torn, " ") + ": nothing in them was acknowledged; remove them");
  }
  if (v.beside.marks) {
    out.emplace_back("Filed marks", v.beside.marks->believed && !v.beside.failed
                                        ? "of this mount: a start now would believe them"
                                        : "not of this mount: a start now compares every file");
  }
  std::size_t entries = 0;
  std::uint64_t oldest = 0;
  for (const identity_file& i : v.beside.identities) {
    entries += i.entries;
    oldest = oldest == 0 ? i.oldest : oldest;
  }
  out.emplace_back("Identities", entries == 0
                                     ? "none in the log yet"
                                     : fmt::format("{} in {}, the oldest of {}", entries,
                                                   count_of(v.beside.identities.size(), "file"),
                                                   time_text(oldest)));
  if (v.beside.failed) {
    out.emplace_back("FAILED",
                     *v.beside.failed + ". Look at dmesg and at the disk, then restart stored");
  }
}

void print_segments(session& s, const journal_view& v) {
  table t({"SEGMENT", "STATE", "GENERATION>", "RECORDS>", "FIRST>", "LAST>", "USED>", "SIZE>"});
  for (const segment_view& one : v.segments) {
    const auto& header = one.file.header;
    const bool has_records = one.live && one.records > 0;
    t.add({one.file.name, one.live ? "live" : "unused",
           header ? std::to_string(header->generation) : "-",
           one.live ? std::to_string(one.records) : "-",
           has_records ? std::to_string(one.last - one.records + 1) : "-",
           has_records ? std::to_string(one.last) : "-", size_text(one.used),
           size_text(one.file.size)});
  }
  t.print(s.out());
}

void print_parked(session& s, const journal_view& v) {
  if (v.beside.parked.empty()) {
    return;
  }
  s.out() << "\nParked mail:\n";
  table t({"PARTITION ID", "DELIVERIES>", "SIZE>", "SINCE", "FILE"});
  for (const parked_mail& p : v.beside.parked) {
    t.add({p.partition, std::to_string(p.deliveries), size_text(p.octets), time_text(p.since),
           p.file});
  }
  t.print(s.out());
  s.out() << "It was acknowledged, and is filed when its partition is opened. A partition that is "
             "missing: mount it. One mailbox of it that could not take mail (stored has logged "
             "which, and why): repair it and restart stored. Gone for good: homewardctl journal "
             "export.\n";
}

} // namespace

exit_code show_journal(session& s, fs::file_system& files, const opened_journal& of) {
  const auto v = view_of(files, of.directory);
  if (!v) {
    return report_unreadable(s, v.error());
  }
  if (s.json()) {
    s.print(json_of(*v, of.path));
    return exit_code::done;
  }
  facts out = {{"Journal", of.path}};
  if (v->index.whose) {
    out.emplace_back("Farm", v->index.whose->farm);
    out.emplace_back("Volume", volume_name(v->index.whose->volume) + "...");
  } else {
    out.emplace_back("Farm", "never used");
  }
  out.emplace_back("Checkpoint",
                   fmt::format("{}: all below is durable in the Maildirs", v->index.checkpoint));
  out.emplace_back("Next record", std::to_string(v->index.next_record));
  out.emplace_back("Backlog", backlog_text(*v));
  add_groups(v->groups, out);
  add_beside(*v, out);
  print_facts(s.out(), out);
  s.out() << '\n';
  print_segments(s, *v);
  print_parked(s, *v);
  return exit_code::done;
}

} // namespace homeward::admin
