#include "stored/journal/journal_index.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "stored/journal/record_codec.hpp"
#include "stored/journal/segment_files.hpp"

namespace homeward::journal {

namespace {

constexpr int attempts = 5; // to read the journal of a running store while nothing is recycled

failure damage(std::string_view name, std::uint64_t offset, std::string_view why) {
  return transient_failure(
      "the journal is damaged", fmt::format("{} at offset {}: {}", name, offset, why),
      "Acknowledged mail may be in there: copy the whole directory first. Then bring the file back "
      "from the mirror or a repaired disk, or go on without it as docs/format/journal.md, "
      "\"Damage\", says.");
}

failure mixed(std::string cause) {
  return transient_failure("the segments are of different journals", std::move(cause),
                           "Move the files that do not belong here out of the directory.");
}

failure with_name(std::string_view name, failure f) {
  f.cause = fmt::format("{}: {}", name, f.cause);
  return f;
}

// Puts the index together from the segments that were found.
class index_maker {
 public:
  index_maker(fs::file_system& files, const fs::handle& directory)
      : files_(files), directory_(directory) {}

  [[nodiscard]] result<journal_index> make(const std::vector<found_segment>& found,
                                           std::string_view expected_farm);

 private:
  [[nodiscard]] result<void> sort(const std::vector<found_segment>& found);
  [[nodiscard]] result<void> check_whose(std::string_view expected_farm);
  [[nodiscard]] result<void> check_order() const;
  [[nodiscard]] result<void> check_unreadable() const;
  [[nodiscard]] result<void> find_live();
  [[nodiscard]] result<scanned> scan(const segment_file& segment, record_number expected_next);
  [[nodiscard]] failure missing(record_number first, record_number next,
                                const std::string& where) const;

  fs::file_system& files_;
  const fs::handle& directory_;
  std::vector<segment_file> used_; // by generation
  std::vector<found_segment> unreadable_;
  journal_index out_;
};

result<journal_index> index_maker::make(const std::vector<found_segment>& found,
                                        std::string_view expected_farm) {
  auto good = sort(found);
  if (good) {
    good = check_whose(expected_farm);
  }
  if (good) {
    good = check_order();
  }
  if (good) {
    good = check_unreadable();
  }
  if (good && !used_.empty()) {
    good = find_live();
  }
  if (!good) {
    return good.error();
  }
  return std::move(out_);
}

result<void> index_maker::sort(const std::vector<found_segment>& found) {
  for (const found_segment& f : found) {
    if (f.file.header) {
      used_.push_back(f.file);
      continue;
    }
    out_.unused.push_back(f.file);
    if (!f.unreadable.empty()) {
      unreadable_.push_back(f);
    }
  }
  std::sort(used_.begin(), used_.end(), [](const segment_file& a, const segment_file& b) {
    return a.header->generation < b.header->generation;
  });
  return {};
}

result<void> index_maker::check_whose(std::string_view expected_farm) {
  for (const segment_file& s : used_) {
    const journal_identity& whose = s.header->whose;
    if (!out_.whose) {
      out_.whose = whose;
    }
    if (whose != *out_.whose) {
      return mixed(fmt::format("{} at offset 0: it is of another volume or farm (\"{}\") than {} "
                               "(\"{}\")",
                               s.name, escape(whose.farm), used_.front().name,
                               escape(out_.whose->farm)));
    }
    if (!expected_farm.empty() && whose.farm != expected_farm) {
      return transient_failure(
          "the journal belongs to another farm",
          fmt::format("{} at offset 0: it is of the farm \"{}\", the settings say \"{}\"", s.name,
                      escape(whose.farm), escape(expected_farm)),
          "Correct the setting \"farm\", or mount the right volume.");
    }
  }
  return {};
}

result<void> index_maker::check_order() const {
  for (std::size_t i = 1; i < used_.size(); ++i) {
    const segment_header& earlier = *used_[i - 1].header;
    const segment_header& later = *used_[i].header;
    if (earlier.generation == later.generation) {
      return mixed(fmt::format("{} at offset 0: it has the generation {}, as {} has", used_[i].name,
                               later.generation, used_[i - 1].name));
    }
    if (earlier.first_record > later.first_record) {
      return damage(used_[i].name, 0,
                    fmt::format("it begins with record {}, the earlier {} with record {}",
                                later.first_record, used_[i - 1].name, earlier.first_record));
    }
  }
  return {};
}

// A crash may tear a header that is being written. Then no group of that use is there, and what an
// earlier use left is older than the last segment that can be read.
result<void> index_maker::check_unreadable() const {
  for (const found_segment& f : unreadable_) {
    if (!out_.whose) {
      const auto any = holds_any_group(files_, directory_, f.file);
      if (!any) {
        return any.error();
      }
      if (*any) {
        return damage(f.file.name, 0, f.unreadable);
      }
      continue;
    }
    const auto newest = newest_group(files_, directory_, f.file, out_.whose->volume);
    if (!newest) {
      return newest.error();
    }
    if (*newest > used_.back().header->generation) {
      return damage(f.file.name, 0,
                    fmt::format("{}, and it holds records of generation {}, the newest of all",
                                f.unreadable, *newest));
    }
  }
  return {};
}

// From the newest segment back to the one that holds the checkpoint.
result<void> index_maker::find_live() {
  out_.next_generation = used_.back().header->generation + 1;
  out_.checkpoint = used_.back().header->checkpoint;
  std::size_t first = used_.size();
  while (first == used_.size() || used_[first].header->first_record > out_.checkpoint) {
    const bool newest = first == used_.size();
    if (first == 0) {
      return missing(out_.checkpoint, used_[0].header->first_record, "before " + used_[0].name);
    }
    --first;
    const auto read = scan(used_[first], newest ? 0 : used_[first + 1].header->first_record);
    if (!read) {
      return read.error();
    }
    if (newest) {
      out_.next_record = read->next_record;
      out_.torn = read->how == segment_end::torn ? std::optional(*read) : std::nullopt;
      out_.unproved = read->last_group;
      out_.unproved_end = read->last_group == read->end ? read->bad_offset : read->end;
    }
  }
  if (out_.checkpoint > out_.next_record) {
    return damage(used_.back().name, block_size,
                  fmt::format("records up to {} were settled, but {} is the last one here",
                              out_.checkpoint - 1, out_.next_record - 1));
  }
  const auto live = used_.begin() + static_cast<std::ptrdiff_t>(first);
  out_.unused.insert(out_.unused.begin(), used_.begin(), live);
  out_.live.assign(live, used_.end());
  return {};
}

result<scanned> index_maker::scan(const segment_file& segment, record_number expected_next) {
  const auto file = files_.open_at(directory_, segment.name, fs::open_mode::read);
  if (!file) {
    return fs::to_failure(file.error(), segment.name);
  }
  std::optional<failure> bad;
  const auto visit = [&](const record_place& where, std::string_view payload) {
    if (where.type != record_type::checkpoint) {
      return true;
    }
    const auto r = decode_payload(where.type, payload);
    if (!r) {
      bad = damage(segment.name, where.offset, r.error().cause);
      return false;
    }
    out_.checkpoint = std::max(out_.checkpoint, std::get<checkpoint_record>(*r).below);
    return true;
  };
  const auto read = scan_segment(files_, *file, *segment.header, expected_next, visit);
  if (!read) {
    return with_name(segment.name, read.error());
  }
  if (bad) {
    return *bad;
  }
  if (read->how == segment_end::damaged) {
    const auto next = std::find(used_.begin(), used_.end(), segment) + 1;
    if (next != used_.end() && next->header->generation > segment.header->generation + 1) {
      return missing(
          read->next_record, expected_next,
          fmt::format("behind offset {} of {}, before {}", read->end, segment.name, next->name));
    }
    return damage(segment.name, read->bad_offset, read->why);
  }
  return read;
}

failure index_maker::missing(record_number first, record_number next,
                             const std::string& where) const {
  std::string cause =
      fmt::format("records {} to {} are nowhere: a segment is missing {}", first, next - 1, where);
  for (const found_segment& f : unreadable_) {
    cause += fmt::format("; {} at offset 0: {}", f.file.name, f.unreadable);
  }
  failure f = damage({}, 0, {});
  f.what = "a part of the journal is missing";
  f.cause = std::move(cause);
  return f;
}

result<fs::handle> open_unchanged(fs::file_system& files, const fs::handle& directory,
                                  const segment_file& segment) {
  auto file = files.open_at(directory, segment.name, fs::open_mode::read);
  if (!file) {
    return fs::to_failure(file.error(), segment.name);
  }
  const auto now = read_segment_header(files, *file, segment.name);
  if (!now || *now != segment.header) {
    return transient_failure("the journal has moved on", segment.name + " is in use again",
                             "Read it anew.");
  }
  return std::move(*file);
}

} // namespace

result<journal_index> read_index(fs::file_system& files, const fs::handle& directory,
                                 std::string_view expected_farm) {
  for (int attempt = 1;; ++attempt) {
    const auto found = list_segments(files, directory);
    if (!found) {
      return found.error();
    }
    auto index = index_maker(files, directory).make(*found, expected_farm);
    if (index) {
      return index;
    }
    // A segment that the store began to use again meanwhile looks like damage.
    const auto again = list_segments(files, directory);
    if (attempt == attempts || !again || *again == *found) {
      return index;
    }
  }
}

result<void> for_each_record(fs::file_system& files, const fs::handle& directory,
                             const journal_index& index, record_number from,
                             const journal_visitor& visit) {
  bool wanted = true;
  for (std::size_t i = 0; i < index.live.size() && wanted; ++i) {
    const segment_file& segment = index.live[i];
    const bool last = i + 1 == index.live.size();
    const record_number next = last ? 0 : index.live[i + 1].header->first_record;
    if (!last && next <= from) {
      continue;
    }
    const auto file = open_unchanged(files, directory, segment);
    if (!file) {
      return file.error();
    }
    const auto give = [&](const record_place& where, std::string_view payload) {
      wanted = where.number < from || visit(segment, where, payload);
      return wanted;
    };
    const auto read = scan_segment(files, *file, *segment.header, next, give);
    if (!read) {
      return with_name(segment.name, read.error());
    }
    if (read->how == segment_end::damaged) {
      const auto unchanged = open_unchanged(files, directory, segment);
      return unchanged ? damage(segment.name, read->bad_offset, read->why) : unchanged.error();
    }
  }
  return {};
}

} // namespace homeward::journal
