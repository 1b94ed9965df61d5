#include "admin/journal_salvage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "admin/journal_walk.hpp"
#include "admin/output.hpp"
#include "stored/journal/segment_files.hpp"

namespace homeward::admin {

namespace {

// By generation, those of the newest one's journal.
std::vector<journal::segment_file> of_one_journal(const std::vector<journal::found_segment>& found,
                                                  salvaged& out) {
  std::vector<journal::segment_file> used;
  for (const auto& f : found) {
    if (f.file.header) {
      used.push_back(f.file);
    } else if (f.unreadable != "its header is empty" && !f.unreadable.empty()) {
      out.passed_over.push_back(fmt::format("{}: {}", f.file.name, f.unreadable));
    }
  }
  std::sort(used.begin(), used.end(), [](const auto& a, const auto& b) {
    return a.header->generation < b.header->generation;
  });
  std::erase_if(used, [&, newest = used.empty() ? journal::segment_file{}
                                                : used.back()](const journal::segment_file& s) {
    const bool other = s.header->whose != newest.header->whose;
    if (other) {
      out.passed_over.push_back(s.name + ": of another journal");
    }
    return other;
  });
  return used;
}

} // namespace

result<salvaged> salvage(fs::file_system& files, const fs::handle& directory,
                         const salvage_visitor& visit) {
  const auto found = journal::list_segments(files, directory);
  if (!found) {
    return found.error();
  }
  salvaged out;
  const auto used = of_one_journal(*found, out);
  for (std::size_t i = 0; i < used.size(); ++i) {
    const auto file = files.open_at(directory, used[i].name, fs::open_mode::read);
    if (!file) {
      out.passed_over.push_back(fs::to_failure(file.error(), used[i].name).cause);
      continue;
    }
    // A torn end may hold numbers that were given again: those of the next segment count.
    const journal::record_number next =
        i + 1 < used.size() ? used[i + 1].header->first_record : ~journal::record_number{0};
    const auto give = [&](const journal::record_place& where, std::string_view payload) {
      if (where.number < next) {
        visit(used[i].name, where, payload);
      }
    };
    const auto walked =
        walk(files, *file, *used[i].header, {.group = {}, .record = give, .past_faults = true});
    if (!walked) {
      out.passed_over.push_back(fmt::format("{}: {}", used[i].name, walked.error().cause));
    }
  }
  return out;
}

std::string to_string(const std::vector<record_range>& ranges) {
  std::vector<std::string> words;
  for (const record_range& r : ranges) {
    words.push_back(r.first == r.last ? std::to_string(r.first)
                                      : fmt::format("{} to {}", r.first, r.last));
  }
  return words.empty() ? "none" : join(words, ", ");
}

void readable_numbers::add(journal::record_number n) {
  if (ranges_.empty() || ranges_.back().last + 1 != n) {
    ranges_.push_back({n, n});
  }
  ranges_.back().last = n;
}

std::vector<record_range> readable_numbers::gaps() const {
  std::vector<record_range> gaps;
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].first > ranges_[i - 1].last + 1) {
      gaps.push_back({ranges_[i - 1].last + 1, ranges_[i].first - 1});
    }
  }
  return gaps;
}

} // namespace homeward::admin
