// homewardctl journal verify.

#include <map>
#include <optional>

#include <fmt/format.h>

#include "admin/journal_beside.hpp"
#include "admin/journal_commands.hpp"
#include "admin/journal_salvage.hpp"
#include "admin/output.hpp"
#include "stored/journal/journal_index.hpp"
#include "stored/journal/record_codec.hpp"

namespace homeward::admin {

namespace {

constexpr int attempts = 5; // when the store is faster than we

constexpr const char* parked_advice =
    "stored does not open its partition with that. Keep a copy of the file, look at the disk, "
    "write what can be read with `homewardctl journal export`; then remove the file.";
constexpr const char* identities_advice =
    "Behind that place stored has forgotten which deliveries it had: a repeat of one could make a "
    "second copy. No mail is missing. Look at the disk.";

struct finding {
  bool damage = false; // else harmless
  std::string what;
  std::string cause;
  std::string advice;
};

struct verification {
  journal::journal_index index;
  std::uint64_t records = 0;
  std::vector<finding> findings;
  std::optional<readable_numbers> readable; // of a damaged journal

  [[nodiscard]] bool is_damaged() const {
    return std::any_of(findings.begin(), findings.end(), [](const finding& f) { return f.damage; });
  }
  [[nodiscard]] exit_code code() const {
    return is_damaged() ? journal_is_damaged : findings.empty() ? exit_code::done : journal_is_torn;
  }
};

// What the checksums cannot say: whether the records make sense, each for itself and together.
class record_checks {
 public:
  // Empty when nothing is wrong with it.
  [[nodiscard]] std::string wrong_with(const journal::record_place& where,
                                       std::string_view payload) {
    const auto r = journal::decode_payload(where.type, payload);
    if (!r) {
      return r.error().cause;
    }
    if (const auto* d = std::get_if<journal::delivery_record>(&*r)) {
      mailboxes_[where.number] = d->mailboxes.size();
      return d->mailboxes.empty() ? "a delivery to nobody" : "";
    }
    if (const auto* a = std::get_if<journal::abort_record>(&*r)) {
      return wrong_with(*a, where.number);
    }
    const auto below = std::get<journal::checkpoint_record>(*r).below;
    return below > where.number ? fmt::format("a checkpoint at {}, above itself", below) : "";
  }

 private:
  [[nodiscard]] std::string wrong_with(const journal::abort_record& a,
                                       journal::record_number number) const {
    if (a.delivery >= number) {
      return fmt::format("it refuses recipients of the later record {}", a.delivery);
    }
    const auto delivery = mailboxes_.find(a.delivery);
    for (const std::uint32_t index : a.recipients) {
      if (delivery != mailboxes_.end() && index >= delivery->second) {
        return fmt::format("it refuses recipient {} of record {}, which has {}", index, a.delivery,
                           delivery->second);
      }
    }
    return {};
  }

  std::map<journal::record_number, std::size_t> mailboxes_; // of the deliveries seen
};

result<void> check_records(fs::file_system& files, const fs::handle& directory, verification& v) {
  record_checks checks;
  const auto visit = [&](const journal::segment_file& in, const journal::record_place& where,
                         std::string_view payload) {
    ++v.records;
    if (const std::string why = checks.wrong_with(where, payload); !why.empty()) {
      v.findings.push_back(
          {.damage = true,
           .what = "a record of the journal makes no sense",
           .cause = fmt::format("{} at offset {}: record {}: {}", in.name, where.offset,
                                where.number, why),
           .advice = "Its checksum is right, so it was written like that: keep a copy of the "
                     "directory and report it."});
    }
    return true;
  };
  return journal::for_each_record(files, directory, v.index, 0, visit);
}

result<verification> check_journal(fs::file_system& files, const fs::handle& directory) {
  for (int attempt = 1;; ++attempt) {
    verification v;
    auto index = journal::read_index(files, directory, {});
    result<void> checked;
    if (index) {
      v.index = std::move(*index);
      checked = check_records(files, directory, v);
    } else {
      checked = index.error();
    }
    // What a store is writing right now looks like a torn end.
    if (checked && (!v.index.torn || attempt == attempts)) {
      return v;
    }
    if (checked) {
      continue;
    }
    if (checked.error().what != "the journal has moved on") {
      v.findings.push_back(
          {true, checked.error().what, checked.error().cause, checked.error().advice});
      v.readable.emplace();
      (void)salvage(files, directory,
                    [&](const std::string&, const journal::record_place& where, std::string_view) {
                      v.readable->add(where.number);
                    });
      return v;
    }
    if (attempt == attempts) {
      return checked.error();
    }
  }
}

void check_torn_end(verification& v) {
  if (v.index.torn) {
    v.findings.push_back({.damage = false,
                          .what = "the journal has a torn end",
                          .cause = fmt::format("{} at offset {}: {}", v.index.live.back().name,
                                               v.index.torn->bad_offset, v.index.torn->why),
                          .advice = "It is harmless: a write did not come through, and nothing of "
                                    "it was acknowledged. stored goes on by itself."});
  }
}

void check_beside(const journal_beside& beside, verification& v) {
  for (const parked_mail& p : beside.parked) {
    if (p.is == condition::damaged) {
      v.findings.push_back(
          {true, "parked mail cannot be read", p.file + ": " + p.why, parked_advice});
    } else if (p.is == condition::torn) {
      v.findings.push_back({false, "a file of parked mail was never finished",
                            p.file + ": " + p.why,
                            "It is harmless: the mail was still in the journal. Remove the file "
                            "when stored is stopped."});
    }
  }
  for (const identity_file& i : beside.identities) {
    if (i.is == condition::damaged) {
      v.findings.push_back(
          {true, "the log of identities is damaged", i.file + ": " + i.why, identities_advice});
    } else if (i.is == condition::torn) {
      v.findings.push_back({false, "the log of identities has a torn end", i.file + ": " + i.why,
                            "It is harmless: what it was to hold is in the journal."});
    }
  }
}

nlohmann::json json_of(const std::vector<record_range>& ranges) {
  nlohmann::json j = nlohmann::json::array();
  for (const record_range& r : ranges) {
    j.push_back({r.first, r.last});
  }
  return j;
}

nlohmann::json json_of(const verification& v, const std::string& path) {
  nlohmann::json j = {{"directory", path},
                      {"good", v.findings.empty()},
                      {"damaged", v.is_damaged()},
                      {"records", v.records},
                      {"checkpoint", v.index.checkpoint},
                      {"next_record", v.index.next_record},
                      {"findings", nlohmann::json::array()}};
  for (const finding& f : v.findings) {
    j["findings"].push_back({{"level", f.damage ? "damage" : "harmless"},
                             {"what", f.what},
                             {"cause", f.cause},
                             {"advice", f.advice}});
  }
  if (v.readable) {
    j["readable"] = json_of(v.readable->ranges());
    j["unreadable"] = json_of(v.readable->gaps());
  }
  return j;
}

void print(session& s, const verification& v, const journal_beside& beside) {
  for (const finding& f : v.findings) {
    s.out() << fmt::format("{}: {}\n  {}\n  {}\n", f.damage ? "DAMAGE" : "Harmless", f.what,
                           f.cause, f.advice);
  }
  if (v.readable) {
    s.out() << fmt::format("Records that can be read: {}\nRecords that cannot, between them: {}\n",
                           to_string(v.readable->ranges()), to_string(v.readable->gaps()));
    return;
  }
  std::size_t parked = 0;
  for (const parked_mail& p : beside.parked) {
    parked += p.deliveries;
  }
  s.out() << fmt::format("{} in {} read and checked; next {}, checkpoint {}.\n",
                         count_of(v.records, "record"), count_of(v.index.live.size(), "segment"),
                         v.index.next_record, v.index.checkpoint);
  if (parked > 0) {
    s.out() << fmt::format("{} parked: see `homewardctl journal show`.\n",
                           count_of(parked, "message"));
  }
  if (beside.failed) {
    s.out() << fmt::format("The journal has failed in this run of stored: {}\n", *beside.failed);
  }
  if (v.findings.empty()) {
    s.out() << "All is well.\n";
  }
}

} // namespace

exit_code verify_journal(session& s, fs::file_system& files, const opened_journal& of) {
  auto v = check_journal(files, of.directory);
  if (!v) {
    return report_unreadable(s, v.error());
  }
  const auto beside = look_beside(files, of.directory);
  if (!beside) {
    return report_unreadable(s, beside.error());
  }
  check_torn_end(*v);
  check_beside(*beside, *v);
  if (s.json()) {
    s.print(json_of(*v, of.path));
  } else {
    print(s, *v, *beside);
  }
  return v->code();
}

} // namespace homeward::admin
