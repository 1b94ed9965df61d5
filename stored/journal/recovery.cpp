#include "stored/journal/recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/fs/message_spool.hpp"

#include "stored/journal/record_codec.hpp"

namespace homeward::journal {
namespace {

maildir::delivered_to header_of(header_rule rule) {
  switch (rule) {
  case header_rule::single: return maildir::delivered_to::single;
  case header_rule::always: return maildir::delivered_to::always;
  case header_rule::never: return maildir::delivered_to::never;
  }
  return maildir::delivered_to::single;
}

maildir::restore_mode mode_of(trust how) {
  switch (how) {
  case trust::marks: return maildir::restore_mode::look;
  case trust::compare: return maildir::restore_mode::compare;
  case trust::rewrite: return maildir::restore_mode::rewrite;
  }
  return maildir::restore_mode::rewrite;
}

std::vector<std::size_t> without(std::size_t mailboxes, const std::vector<std::uint32_t>& refused) {
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < mailboxes; ++i) {
    if (std::find(refused.begin(), refused.end(), i) == refused.end()) {
      wanted.push_back(i);
    }
  }
  return wanted;
}

// The size in a parked record that is there for the sake of its identities: its files may have been
// read and deleted since.
constexpr std::uint64_t known_to_be_filed = 0;

// A parked file is marked as a record is, under a number that no record has.
record_number mark_of(const std::string& parked) {
  return (record_number{1} << 63U) | crc32c(parked);
}

// Whether new/ or cur/ of the mailbox has a file whose name begins like this.
result<bool> is_there(const maildir::partition& where, const std::string& mailbox,
                      const std::string& beginning) {
  const result<std::string> path = where.paths().expand(mailbox);
  if (!path) {
    return false;
  }
  fs::file_system& files = where.files();
  for (const char* folder : {"/new", "/cur"}) {
    const auto opened = files.open_at(where.root(), *path + folder, fs::open_mode::directory);
    if (!opened && opened.error() == ENOENT) {
      continue;
    }
    const auto entries = opened ? files.list(*opened)
                                : fs::io_result<std::vector<fs::directory_entry>>(opened.error());
    if (!entries) {
      return fs::to_failure(entries.error(), *path + folder);
    }
    if (std::any_of(entries->begin(), entries->end(),
                    [&](const fs::directory_entry& e) { return e.name.starts_with(beginning); })) {
      return true;
    }
  }
  return false;
}

// A partition for whose mail there is no room now: everything waits. Anything else is the trouble
// of one mailbox, and its neighbours do not wait for it.
bool concerns_the_volume(const failure& f) {
  return f.reason == failure_reason::full;
}

} // namespace

// One replay() under way.
class recovery::run {
 public:
  run(const maildir::partition& where, parked_file& parked, const stored_recipient& tell,
      std::vector<logged_identity>& identities)
      : where_(where), restorer_(where), parked_(parked), tell_(tell), identities_(identities) {}

  // `file_it`: false when its files are known to be there.
  [[nodiscard]] result<void> replay(const delivery_record& d,
                                    const std::vector<std::uint32_t>& refused, bool file_it,
                                    maildir::restore_mode mode) {
    std::vector<std::size_t> wanted = without(d.mailboxes.size(), refused);
    ++done_.deliveries;
    if (file_it) {
      const result<void> filed = d.apart ? find(d, wanted) : file(d, refused, wanted, mode);
      if (!filed) {
        return filed;
      }
    }
    for (const std::size_t mailbox : wanted) {
      identities_.push_back(tell_(d, mailbox)); // what is parked will be there too
    }
    return {};
  }
  [[nodiscard]] const replayed& done() const { return done_; }

 private:
  [[nodiscard]] result<void> file(const delivery_record& d,
                                  const std::vector<std::uint32_t>& refused,
                                  const std::vector<std::size_t>& wanted,
                                  maildir::restore_mode mode) {
    const fs::message_spool message{std::string(d.message)};
    const auto results =
        restorer_.restore({.message = &message, .name = d.name, .sender = d.sender},
                          header_of(d.header), d.mailboxes, wanted, mode);
    std::vector<std::uint32_t> not_to_park = refused;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!results[i] && concerns_the_volume(results[i].error())) {
        return results[i].error();
      }
      if (results[i]) {
        not_to_park.push_back(static_cast<std::uint32_t>(wanted[i]));
        count(results[i]->what);
      } else {
        log::error("mail cannot be filed at recovery; it is parked",
                   {{"partition", where_.name()},
                    {"mailbox", d.mailboxes[wanted[i]]},
                    {"name", d.name},
                    {"failure", results[i].error()}});
      }
    }
    if (not_to_park.size() == d.mailboxes.size()) {
      return {};
    }
    ++done_.parked;
    return parked_.add(d, not_to_park);
  }

  // Leaves in `wanted` who has it. A message that was filed before its record was written is taken
  // out again when the record cannot be synced; then the record may be here all the same, and a
  // repeat must be stored.
  [[nodiscard]] result<void> find(const delivery_record& d, std::vector<std::size_t>& wanted) {
    std::vector<std::size_t> there;
    for (const std::size_t mailbox : wanted) {
      const result<bool> found = is_there(where_, d.mailboxes[mailbox], d.name + ",");
      if (!found) {
        return found.error();
      }
      if (*found) {
        there.push_back(mailbox);
      }
    }
    wanted = std::move(there);
    return {};
  }

  void count(maildir::restored::how how) {
    done_.filed += how == maildir::restored::how::filed ? 1U : 0U;
    done_.replaced += how == maildir::restored::how::replaced ? 1U : 0U;
  }

  const maildir::partition& where_;
  maildir::restorer restorer_;
  parked_file& parked_;
  const stored_recipient& tell_;
  std::vector<logged_identity>& identities_;
  replayed done_;
};

recovery::recovery(fs::file_system& files, const fs::handle& directory, const journal_index& index,
                   trust how, filed_marks& marks, settlements& open)
    : files_(files), directory_(directory), index_(index), how_(how), marks_(marks), open_(open) {}

result<void> recovery::collect() {
  for (const segment_file& s : index_.live) {
    auto file = files_.open_at(directory_, s.name, fs::open_mode::read);
    if (!file) {
      return fs::to_failure(file.error(), s.name);
    }
    sources_.push_back({s.name, std::move(*file), *s.header});
  }
  std::size_t source = 0;
  std::map<record_number, std::pair<std::string, task>> deliveries;
  std::vector<record_number> others;
  result<void> good;
  const auto visit = [&](const segment_file& s, const record_place& where,
                         std::string_view payload) {
    while (sources_[source].name != s.name) {
      ++source;
    }
    const result<record> r = decode_payload(where.type, payload);
    if (!r) {
      good = r.error();
      return false;
    }
    if (const auto* d = std::get_if<delivery_record>(&*r)) {
      deliveries.emplace(where.number, std::pair(d->partition, task{source, where, {}}));
      return true;
    }
    others.push_back(where.number);
    if (const auto* a = std::get_if<abort_record>(&*r)) {
      if (const auto found = deliveries.find(a->delivery); found != deliveries.end()) {
        auto& refused = found->second.second.refused;
        refused.insert(refused.end(), a->recipients.begin(), a->recipients.end());
      }
    }
    return true;
  };
  const auto read = for_each_record(files_, directory_, index_, index_.checkpoint, visit);
  if (!read || !good) {
    return read ? good : read;
  }
  open_.add(index_.next_record - index_.checkpoint);
  std::for_each(others.begin(), others.end(), [this](record_number n) { open_.settle(n); });
  const std::lock_guard lock(mutex_);
  pending_ = deliveries.size();
  for (auto& [number, found] : deliveries) {
    tasks_[found.first].push_back(std::move(found.second));
  }
  return {};
}

result<recovery::unread> recovery::read(const record_source& source, const task& t) {
  result<std::string> payload = read_payload(files_, source.file, source.header, t.where);
  if (!payload) {
    return payload.error();
  }
  unread again{std::move(*payload), {}};
  result<record> r = decode_payload(t.where.type, again.payload);
  if (!r) {
    return r.error();
  }
  again.delivery = std::get<delivery_record>(std::move(*r));
  return again;
}

result<std::vector<recovery::task>> recovery::take(const std::string& partition) {
  const std::lock_guard lock(mutex_);
  auto taken = tasks_.extract(partition);
  return taken ? std::move(taken.mapped()) : std::vector<task>();
}

void recovery::put_back(const std::string& partition, std::vector<task> rest) {
  const std::lock_guard lock(mutex_);
  if (!rest.empty()) {
    tasks_[partition] = std::move(rest);
  }
}

// Marked first, as every delivery: what is filed now is not filed again within this boot. Nothing
// was filed of a message apart: whether it is there is looked for every time.
void recovery::settle(const task& t) {
  if (t.where.type != record_type::delivery_apart) {
    marks_.set(t.where.number);
  }
  open_.settle(t.where.number);
  const std::lock_guard lock(mutex_);
  --pending_;
}

// A partition that was copied to another volume is not synced by this journal's checkpoints.
result<void> recovery::sync_elsewhere(const maildir::partition& where) {
  const auto here = files_.status(directory_);
  const auto there = files_.status(where.root());
  if (!here || !there) {
    return fs::to_failure(here ? there.error() : here.error(), where.path());
  }
  if (here->device == there->device) {
    return {};
  }
  const auto synced = files_.sync_file_system(where.root());
  return synced ? result<void>() : fs::to_failure(synced.error(), where.path());
}

result<replayed> recovery::replay(const maildir::partition& where, const stored_recipient& tell,
                                  std::uint64_t now, const identity_sink& log) {
  std::vector<logged_identity> identities;
  parked_file parked(files_, directory_, *index_.whose, where.id());
  run r(where, parked, tell, identities);
  result<std::vector<std::string>> names = list_parked(files_, directory_, where.id());
  if (!names) {
    return names.error();
  }
  for (auto name = names->begin(); name != names->end();) {
    const result<bool> done = replay_parked(r, *name);
    if (!done) {
      log(identities);
      return done.error();
    }
    name = *done ? name + 1 : names->erase(name);
  }
  std::vector<task> tasks = take(where.id()).value();
  result<void> good;
  std::size_t done = 0;
  for (; done < tasks.size() && good; ++done) {
    const task& t = tasks[done];
    const auto again = read(sources_[t.source], t);
    if (!again) {
      good = again.error();
      break;
    }
    good = r.replay(again->delivery, t.refused, !marks_.contains(t.where.number), mode_of(how_));
    if (!good) {
      break;
    }
  }
  // What was parked must be safe before the journal may forget it.
  if (const result<void> kept = parked.finish(now); !kept) {
    good = kept;
    done = 0;
  }
  if (const result<void> durable = sync_elsewhere(where); !durable) {
    good = durable;
    done = 0;
  }
  log(identities);
  std::for_each(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(done),
                [this](const task& t) { settle(t); });
  tasks.erase(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(done));
  put_back(where.id(), std::move(tasks));
  if (!good) {
    return good.error();
  }
  for (const std::string& name : *names) {
    marks_.set(mark_of(name));
  }
  const std::lock_guard lock(mutex_);
  emptied_.insert(names->begin(), names->end());
  return r.done();
}

// False: the file is to stay.
result<bool> recovery::replay_parked(run& r, const std::string& name) {
  const result<parked_header> header = look_at_header(files_, directory_, name);
  if (!header || *header == parked_header::none) {
    // Never finished: what it was to hold is still in the journal.
    return header ? result<bool>(true) : header.error();
  }
  if (*header == parked_header::unreadable) {
    log::error("a file of parked mail cannot be read; it is left alone", {{"file", name}});
    return false;
  }
  const result<record_source> source = open_parked(files_, directory_, name);
  if (!source) {
    return source.error();
  }
  std::vector<task> tasks;
  const auto visit = [&tasks](const record_place& where, std::string_view payload) {
    if (where.type != record_type::abort) {
      tasks.push_back({0, where, {}});
    } else if (const auto a = decode_payload(where.type, payload); a && !tasks.empty()) {
      tasks.back().refused = std::get<abort_record>(*a).recipients;
    }
    return true;
  };
  const auto scan = scan_segment(files_, source->file, source->header, 0, visit);
  if (!scan) {
    return scan.error();
  }
  // It was finished, so it is whole to its end, or damaged.
  if (scan->how != segment_end::clean || scan->end != source->header.size) {
    return transient_failure("parked mail cannot be read",
                             fmt::format("{}: {} at offset {}", name,
                                         scan->why.empty() ? "a group is missing" : scan->why,
                                         scan->why.empty() ? scan->end : scan->bad_offset),
                             "Keep a copy of the file, then remove it to go on without it.");
  }
  for (const task& t : tasks) {
    const auto again = read(*source, t);
    if (!again) {
      return again.error();
    }
    const delivery_record& d = again->delivery;
    const bool is_filed = d.apart ? d.size == known_to_be_filed : marks_.contains(mark_of(name));
    const auto done = r.replay(d, t.refused, !is_filed, maildir::restore_mode::rewrite);
    if (!done) {
      return done.error();
    }
  }
  return true;
}

std::vector<std::string> recovery::emptied() const {
  const std::lock_guard lock(mutex_);
  return {emptied_.begin(), emptied_.end()};
}

void recovery::forget_emptied(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    emptied_.erase(name);
  }
}

result<std::map<std::string, std::size_t>> recovery::park_rest(std::uint64_t now) {
  std::vector<std::string> partitions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, tasks] : tasks_) {
      partitions.push_back(partition);
    }
  }
  std::map<std::string, std::size_t> parked;
  for (const std::string& partition : partitions) {
    std::vector<task> tasks = take(partition).value();
    parked_file into(files_, directory_, *index_.whose, partition);
    result<void> good;
    for (auto t = tasks.begin(); t != tasks.end() && good; ++t) {
      auto again = read(sources_[t->source], *t);
      if (again && marks_.contains(t->where.number)) {
        again->delivery.apart = true; // only its identities are not known yet
        again->delivery.size = known_to_be_filed;
        again->delivery.message = {};
      }
      good = again ? into.add(again->delivery, t->refused) : result<void>(again.error());
    }
    good = good ? into.finish(now) : good;
    if (!good) {
      put_back(partition, std::move(tasks));
      return good.error();
    }
    std::for_each(tasks.begin(), tasks.end(), [this](const task& t) { settle(t); });
    parked[partition] = into.deliveries();
  }
  return parked;
}

std::size_t recovery::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

} // namespace homeward::journal
