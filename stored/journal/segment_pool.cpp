#include "stored/journal/segment_pool.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace homeward::journal {
namespace {

std::uint64_t number_of(const std::string& name) {
  std::uint64_t number = 0;
  const std::string_view digits = std::string_view(name).substr(segment_prefix.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

failure no_room(const fs::io_error& e, std::uint64_t octets) {
  failure f = fs::to_failure(e, "the journal's segments");
  f.advice = fmt::format("The journal reserves its space in advance and needs {} more: free some, "
                         "or set journal.segment_size lower.",
                         to_string(byte_count{octets}));
  return f;
}

} // namespace

segment_sizes fit(segment_sizes wanted, byte_count volume) {
  const std::uint64_t share = volume.octets / 16 / std::max<std::size_t>(wanted.count, 1);
  const std::uint64_t fitting = share / smallest_segment * smallest_segment;
  wanted.size.octets =
      std::clamp(fitting, smallest_segment, std::max(wanted.size.octets, smallest_segment));
  return wanted;
}

segment_pool::segment_pool(fs::file_system& files, const fs::handle& directory,
                           journal_identity whose, const journal_index& found)
    : files_(files), directory_(directory), whose_(std::move(whose)),
      next_generation_(found.next_generation) {
  for (const segment_file& s : found.live) {
    in_use_.push_back({s.name, {}, s.size, s.header ? s.header->first_record : 0});
  }
  for (const segment_file& s : found.unused) {
    unused_.push_back({s.name, {}, s.size, 0});
  }
  for (const auto* all : {&in_use_, &unused_}) {
    for (const segment& s : *all) {
      next_number_ = std::max(next_number_, number_of(s.name) + 1);
    }
  }
}

result<void> segment_pool::open_all() {
  for (auto* all : {&in_use_, &unused_}) {
    for (segment& s : *all) {
      if (s.file.is_open()) {
        continue;
      }
      auto opened = files_.open_at(directory_, s.name, fs::open_mode::read_write);
      if (!opened) {
        return fs::to_failure(opened.error(), s.name);
      }
      s.file = std::move(*opened);
    }
  }
  return {};
}

result<segment_pool::segment> segment_pool::make(std::uint64_t octets) {
  segment made{fmt::format("{}{:08}", segment_prefix, next_number_), {}, octets, 0};
  auto file = files_.open_at(directory_, made.name, fs::open_mode::create_new);
  if (!file) {
    return fs::to_failure(file.error(), made.name);
  }
  made.file = std::move(*file);
  ++next_number_;
  if (const auto ready = prepare(made.file, octets); !ready) {
    (void)files_.unlink_at(directory_, made.name);
    return no_room(ready.error(), octets);
  }
  return made;
}

// Written once, not only reserved: on ext4 and xfs the first sync of each reserved block would
// change the file's extents, and so wait for everything that was filed meanwhile.
fs::io_result<void> segment_pool::prepare(const fs::handle& file, std::uint64_t octets) {
  static constexpr std::array<char, std::size_t{256} * 1024> zeros{};
  auto done = files_.allocate(file, octets);
  for (std::uint64_t at = 0; done && at < octets; at += zeros.size()) {
    const std::string_view piece(zeros.data(), std::min<std::uint64_t>(zeros.size(), octets - at));
    done = files_.write(file, at, std::span(&piece, 1));
  }
  return done ? files_.sync_all(file) : done;
}

result<void> segment_pool::reserve(segment_sizes sizes) {
  const std::lock_guard lock(mutex_);
  if (const result<void> opened = open_all(); !opened) {
    return opened;
  }
  // A file that a crash left shorter than it was to be has never been used.
  for (segment& s : unused_) {
    if (s.size < smallest_segment) {
      if (const auto ready = prepare(s.file, sizes.size.octets); !ready) {
        return no_room(ready.error(), sizes.size.octets);
      }
      s.size = sizes.size.octets;
    }
  }
  bool any = false;
  while (in_use_.size() + unused_.size() < sizes.count || unused_.empty()) {
    result<segment> made = make(sizes.size.octets);
    if (!made) {
      return made.error();
    }
    unused_.push_back(std::move(*made));
    any = true;
  }
  if (any) {
    if (const auto durable = files_.sync_all(directory_); !durable) {
      return fs::to_failure(durable.error(), "journal directory");
    }
  }
  return {};
}

std::size_t segment_pool::release_spares() {
  const std::lock_guard lock(mutex_);
  std::size_t released = 0;
  while (unused_.size() > 1) {
    if (!files_.unlink_at(directory_, unused_.back().name)) {
      break;
    }
    unused_.pop_back();
    ++released;
  }
  return released;
}

result<std::optional<begun_segment>>
segment_pool::begin_next(record_number first_record, record_number checkpoint, wall_time now) {
  const std::lock_guard lock(mutex_);
  if (unused_.size() < (begun_one_ ? 2U : 1U)) {
    return std::optional<begun_segment>();
  }
  segment& next = unused_.front();
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string header = encode(segment_header{.whose = whose_,
                                                   .generation = next_generation_,
                                                   .first_record = first_record,
                                                   .checkpoint = checkpoint,
                                                   .size = next.size,
                                                   .begun = static_cast<std::uint64_t>(seconds)});
  const std::array<std::string_view, 1> pieces = {header};
  const auto written = files_.write(next.file, 0, pieces);
  const auto synced = written ? files_.sync_data(next.file) : written;
  if (!synced) {
    return fs::to_failure(synced.error(), next.name);
  }
  begun_one_ = true;
  next.first_record = first_record;
  in_use_.push_back(std::move(next));
  unused_.pop_front();
  const segment& begun = in_use_.back();
  return std::optional(begun_segment{&begun.file, begun.name, next_generation_++, begun.size});
}

std::size_t segment_pool::retire_below(record_number below) {
  const std::lock_guard lock(mutex_);
  std::size_t retired = 0;
  while (in_use_.size() > 1 && in_use_[1].first_record <= below) {
    unused_.push_back(std::move(in_use_.front()));
    in_use_.pop_front();
    ++retired;
  }
  return retired;
}

bool segment_pool::would_retire(record_number below) const {
  const std::lock_guard lock(mutex_);
  return in_use_.size() > 1 && in_use_[1].first_record <= below;
}

bool segment_pool::has_one_to_begin() const {
  const std::lock_guard lock(mutex_);
  return unused_.size() >= (begun_one_ ? 2U : 1U);
}

std::size_t segment_pool::unused() const {
  const std::lock_guard lock(mutex_);
  return unused_.size();
}

std::uint64_t segment_pool::octets_in_use() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t octets = 0;
  for (const segment& s : in_use_) {
    octets += s.size;
  }
  return octets;
}

std::uint64_t segment_pool::octets_in_all() const {
  const std::uint64_t used = octets_in_use();
  const std::lock_guard lock(mutex_);
  std::uint64_t octets = used;
  for (const segment& s : unused_) {
    octets += s.size;
  }
  return octets;
}

std::uint64_t segment_pool::smallest() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t octets = UINT64_MAX;
  for (const auto* all : {&in_use_, &unused_}) {
    for (const segment& s : *all) {
      octets = std::min(octets, s.size);
    }
  }
  return octets;
}

} // namespace homeward::journal
