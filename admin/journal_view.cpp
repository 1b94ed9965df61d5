#include "admin/journal_view.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "admin/journal_walk.hpp"

namespace homeward::admin {

namespace {

constexpr int attempts = 5;             // when the store is faster than we
constexpr std::uint64_t busy_gap = 100; // ms

bool has_moved_on(const failure& f) {
  return f.what == "the journal has moved on";
}

segment_view& view_of_segment(journal_view& v, const std::string& name) {
  return *std::find_if(v.segments.begin(), v.segments.end(),
                       [&](const segment_view& s) { return s.file.name == name; });
}

void list_segments_of(journal_view& v) {
  for (const auto& s : v.index.live) {
    v.segments.push_back({.file = s, .live = true});
  }
  for (const auto& s : v.index.unused) {
    v.segments.push_back({.file = s});
  }
  std::sort(v.segments.begin(), v.segments.end(),
            [](const segment_view& a, const segment_view& b) { return a.file.name < b.file.name; });
}

result<void> count_records(fs::file_system& files, const fs::handle& directory, journal_view& v) {
  return journal::for_each_record(
      files, directory, v.index, 0,
      [&](const journal::segment_file& in, const journal::record_place& where, std::string_view) {
        segment_view& segment = view_of_segment(v, in.name);
        ++segment.records;
        segment.last = where.number;
        v.index.next_record = std::max(v.index.next_record, where.number + 1); // it is at work
        if (where.number >= v.index.checkpoint) {
          backlog_view& of_type = v.backlog[where.type];
          ++of_type.records;
          of_type.octets += journal::record_header_size + journal::record_padded(where.octets);
          const bool delivery = where.type == journal::record_type::delivery ||
                                where.type == journal::record_type::delivery_apart;
          v.marked +=
              delivery && v.beside.marks && v.beside.marks->contains(where.number) ? 1U : 0U;
        }
        return true;
      });
}

// Groups of one segment, and how long those took that followed each other at once.
struct pace {
  std::uint64_t groups = 0;
  std::uint64_t milliseconds = 0;
};

result<void> count_groups(fs::file_system& files, const fs::handle& directory, segment_view& s,
                          groups_view& all, pace& busy) {
  const auto file = files.open_at(directory, s.file.name, fs::open_mode::read);
  if (!file && !s.live) {
    return {}; // a running store has given its space back
  }
  if (!file) {
    return fs::to_failure(file.error(), s.file.name);
  }
  std::uint64_t before = 0;
  const auto count = [&](std::uint64_t offset, const journal::group_header& g) {
    const std::uint64_t octets = journal::block_padded(journal::group_header_size + g.octets);
    s.used = s.live ? offset + octets : 0;
    all.records.add(g.records);
    all.octets.add(octets);
    if (g.previous_sync != 0) {
      all.sync.add(g.previous_sync);
    }
    if (before != 0 && g.written >= before && g.written - before <= busy_gap) {
      ++busy.groups;
      busy.milliseconds += g.written - before;
    }
    before = g.written;
  };
  return walk(files, *file, *s.file.header, {.group = count});
}

result<void> count_all_groups(fs::file_system& files, const fs::handle& directory,
                              journal_view& v) {
  pace busy;
  for (segment_view& s : v.segments) {
    if (!s.file.header) {
      continue;
    }
    if (const auto counted = count_groups(files, directory, s, v.groups, busy); !counted) {
      return counted;
    }
  }
  v.groups.records.sort();
  v.groups.octets.sort();
  v.groups.sync.sort();
  if (busy.milliseconds > 0) {
    v.groups.per_second =
        1000.0 * static_cast<double>(busy.groups) / static_cast<double>(busy.milliseconds);
  }
  return {};
}

result<journal_view> look_once(fs::file_system& files, const fs::handle& directory) {
  journal_view v;
  auto index = journal::read_index(files, directory, {});
  if (!index) {
    return index.error();
  }
  v.index = std::move(*index);
  auto beside = look_beside(files, directory);
  if (!beside) {
    return beside.error();
  }
  v.beside = std::move(*beside);
  list_segments_of(v);
  auto counted = count_records(files, directory, v);
  if (counted) {
    counted = count_all_groups(files, directory, v);
  }
  if (!counted) {
    return counted.error();
  }
  return v;
}

} // namespace

void distribution::sort() {
  std::sort(values_.begin(), values_.end());
}

double distribution::mean() const {
  const auto sum = std::accumulate(values_.begin(), values_.end(), std::uint64_t{0});
  return values_.empty() ? 0 : static_cast<double>(sum) / static_cast<double>(values_.size());
}

std::uint64_t distribution::at(double share) const {
  if (values_.empty()) {
    return 0;
  }
  const auto rank = std::ceil(share * static_cast<double>(values_.size()));
  return values_[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

result<journal_view> view_of(fs::file_system& files, const fs::handle& directory) {
  for (int attempt = 1;; ++attempt) {
    auto v = look_once(files, directory);
    // What a store is writing right now looks like a torn end.
    const bool again = v ? v->index.torn.has_value() : has_moved_on(v.error());
    if (!again || attempt == attempts) {
      return v;
    }
  }
}

std::string name_of(journal::record_type type) {
  switch (type) {
  case journal::record_type::delivery: return "delivery";
  case journal::record_type::delivery_apart: return "delivery_apart";
  case journal::record_type::abort: return "abort";
  case journal::record_type::checkpoint: return "checkpoint";
  }
  return "unknown";
}

} // namespace homeward::admin
