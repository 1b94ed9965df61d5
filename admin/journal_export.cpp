// homewardctl journal export.

#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "admin/journal_commands.hpp"
#include "admin/journal_salvage.hpp"
#include "admin/output.hpp"
#include "stored/journal/journal_index.hpp"
#include "stored/journal/parked_records.hpp"
#include "stored/journal/record_codec.hpp"

namespace homeward::admin {

namespace {

using journal::delivery_record;
using journal::record_number;

// A source of records that can be gone through twice: the segments, or one parked file.
using record_visitor = std::function<void(const journal::record_place&, std::string_view payload)>;
using record_source = std::function<result<void>(const record_visitor&)>;

result<fs::handle> open_target(fs::file_system& files, const std::string& target) {
  const std::string path = std::filesystem::absolute(target).lexically_normal().string();
  auto directory = files.open_directory(path);
  if (!directory) {
    failure f = fs::to_failure(directory.error(), path);
    f.what = "the directory for the messages cannot be opened";
    f.advice = "Make an empty directory first.";
    return f;
  }
  const auto entries = files.list(*directory);
  if (!entries) {
    return fs::to_failure(entries.error(), path);
  }
  if (!entries->empty()) {
    failure f = permanent_failure(failure_reason::perm, path + " is not empty");
    f.advice = "Nothing is ever overwritten: make a new directory.";
    return f;
  }
  return std::move(*directory);
}

class exporter {
 public:
  exporter(fs::file_system& files, const fs::handle& target, const journal_export_options& o)
      : files_(files), target_(target), wanted_(o) {}

  // Files are called `prefix` and the number.
  [[nodiscard]] result<void> export_all(const record_source& from, const std::string& prefix) {
    std::map<record_number, std::set<std::uint32_t>> refused;
    auto done = from([&](const journal::record_place& where, std::string_view payload) {
      const auto r = journal::decode_payload(where.type, payload);
      if (const auto* a = r ? std::get_if<journal::abort_record>(&*r) : nullptr) {
        refused[a->delivery].insert(a->recipients.begin(), a->recipients.end());
      }
    });
    result<void> written;
    if (done) {
      done = from([&](const journal::record_place& where, std::string_view payload) {
        const auto r = journal::decode_payload(where.type, payload);
        const auto* d = r ? std::get_if<delivery_record>(&*r) : nullptr;
        if (d != nullptr && written && is_wanted(*d, where.number, prefix)) {
          written = write(*d, where.number, refused[where.number], prefix);
        }
      });
    }
    return done ? written : done;
  }

  [[nodiscard]] std::size_t messages() const { return messages_; }
  [[nodiscard]] std::size_t without_octets() const { return without_octets_; }

 private:
  [[nodiscard]] bool is_wanted(const delivery_record& d, record_number n,
                               const std::string& prefix) const {
    const bool has_mailbox =
        wanted_.mailbox.empty() ||
        std::find(d.mailboxes.begin(), d.mailboxes.end(), wanted_.mailbox) != d.mailboxes.end();
    return has_mailbox && (wanted_.partition.empty() || wanted_.partition == d.partition) &&
           (n >= wanted_.from || !prefix.empty());
  }

  [[nodiscard]] result<void> write(const delivery_record& d, record_number n,
                                   const std::set<std::uint32_t>& refused,
                                   const std::string& prefix) {
    nlohmann::json envelope = {{"record", n},
                               {"received", static_cast<double>(d.received) / 1000},
                               {"partition", d.partition},
                               {"name", d.name},
                               {"sender", d.sender},
                               {"mailboxes", nlohmann::json::array()},
                               {"refused", nlohmann::json::array()},
                               {"octets", d.size},
                               {"message", d.apart ? "not in the journal" : "as it came"}};
    for (std::size_t i = 0; i < d.mailboxes.size(); ++i) {
      const bool out = refused.contains(static_cast<std::uint32_t>(i));
      envelope[out ? "refused" : "mailboxes"].push_back(d.mailboxes[i]);
    }
    const std::string name = prefix + std::to_string(n);
    if (d.apart && !prefix.empty()) {
      return {}; // parked for the sake of its identities
    }
    if (!d.apart) {
      if (const auto put = put_file(name + ".eml", d.message); !put) {
        return put;
      }
    }
    ++(d.apart ? without_octets_ : messages_);
    return put_file(name + ".json",
                    envelope.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
  }

  [[nodiscard]] result<void> put_file(const std::string& name, std::string_view octets) {
    const auto file = files_.open_at(target_, name, fs::open_mode::create_new);
    const std::array<std::string_view, 1> pieces = {octets};
    const auto written = file ? files_.write(*file, 0, pieces) : fs::io_result<void>(file.error());
    return written ? result<void>() : fs::to_failure(written.error(), name);
  }

  fs::file_system& files_;
  const fs::handle& target_;
  const journal_export_options& wanted_;
  std::size_t messages_ = 0;
  std::size_t without_octets_ = 0;
};

// A whole journal: what is needed, and what stands before it in the same segment.
result<void> give_live(fs::file_system& files, const fs::handle& directory,
                       const journal::journal_index& index, const record_visitor& visit) {
  return journal::for_each_record(files, directory, index, 0,
                                  [&](const journal::segment_file&,
                                      const journal::record_place& where,
                                      std::string_view payload) {
                                    visit(where, payload);
                                    return true;
                                  });
}

result<void> give_what_is_left(fs::file_system& files, const fs::handle& directory,
                               std::vector<std::string>& passed_over, const record_visitor& visit) {
  auto out = salvage(files, directory,
                     [&](const std::string&, const journal::record_place& where,
                         std::string_view payload) { visit(where, payload); });
  if (!out) {
    return out.error();
  }
  passed_over = std::move(out->passed_over);
  return {};
}

result<void> give_parked(fs::file_system& files, const fs::handle& directory,
                         const std::string& name, const record_visitor& visit) {
  const auto source = journal::open_parked(files, directory, name);
  if (!source) {
    return {}; // never finished: its mail was still in the journal
  }
  const auto scanned =
      journal::scan_segment(files, source->file, source->header, 0,
                            [&](const journal::record_place& where, std::string_view payload) {
                              visit(where, payload);
                              return true;
                            });
  return scanned ? result<void>() : scanned.error();
}

result<std::vector<std::string>> parked_files(fs::file_system& files, const fs::handle& directory) {
  const auto entries = files.list(directory);
  if (!entries) {
    return fs::to_failure(entries.error(), "journal directory");
  }
  std::vector<std::string> names;
  for (const fs::directory_entry& e : *entries) {
    if (e.name.starts_with(journal::parked_prefix)) {
      names.push_back(e.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct outcome {
  std::vector<std::string> passed_over;
  std::optional<failure> damage; // why it was not read as a whole
};

result<outcome> run_export(fs::file_system& files, const fs::handle& directory, exporter& to) {
  outcome out;
  const auto index = journal::read_index(files, directory, {});
  if (!index) {
    out.damage = index.error();
  }
  auto done = to.export_all(
      [&](const record_visitor& visit) {
        return index ? give_live(files, directory, *index, visit)
                     : give_what_is_left(files, directory, out.passed_over, visit);
      },
      {});
  const auto parked = done ? parked_files(files, directory) : done.error();
  if (!parked) {
    return parked.error();
  }
  for (const std::string& name : *parked) {
    done = to.export_all(
        [&](const record_visitor& visit) { return give_parked(files, directory, name, visit); },
        name + ".");
    if (!done) {
      return done.error();
    }
  }
  return out;
}

} // namespace

exit_code export_journal(session& s, fs::file_system& files, const opened_journal& of,
                         const journal_export_options& o) {
  const auto target = open_target(files, o.target);
  if (!target) {
    return s.report(target.error());
  }
  exporter to(files, *target, o);
  const auto done = run_export(files, of.directory, to);
  const auto safe = files.sync_file_system(*target);
  if (!done || !safe) {
    return report_unreadable(s, done ? fs::to_failure(safe.error(), o.target) : done.error());
  }
  if (s.json()) {
    s.print({{"messages", to.messages()},
             {"envelopes_only", to.without_octets()},
             {"directory", o.target},
             {"damaged", done->damage.has_value()},
             {"passed_over", done->passed_over}});
  } else {
    s.out() << fmt::format("{} written to {}.\n", count_of(to.messages(), "message"),
                           escape(o.target, 1000));
    if (to.without_octets() > 0) {
      s.out() << fmt::format("{} of large messages, which lie in the Maildirs alone.\n",
                             count_of(to.without_octets(), "envelope"));
    }
    for (const std::string& name : done->passed_over) {
      s.err() << "Not read: " << name << '\n';
    }
  }
  if (!done->damage) {
    return exit_code::done;
  }
  s.err() << fmt::format("homewardctl: this is what can be read: {}\n  {}\n  {}\n",
                         done->damage->what, done->damage->cause, done->damage->advice);
  return journal_is_damaged;
}

} // namespace homeward::admin
