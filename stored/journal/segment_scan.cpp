#include "stored/journal/segment_scan.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "stored/journal/file_window.hpp"
#include "stored/journal/record_codec.hpp"

namespace homeward::journal {

namespace {

failure unknown_type(record_number number, record_type type, std::uint64_t offset) {
  return transient_failure("the journal holds a record that this version does not know",
                           fmt::format("record {} at offset {} is of type {}", number, offset,
                                       static_cast<std::uint16_t>(type)),
                           "Use the newer version of Homeward that wrote it.");
}

class segment_scanner {
 public:
  segment_scanner(fs::file_system& files, const fs::handle& segment, std::uint64_t file_size,
                  const segment_header& header, record_number expected_next,
                  const record_visitor& visit)
      : window_(files, segment, file_size), file_size_(file_size), header_(header),
        expected_next_(expected_next), visit_(visit), group_first_(header.first_record) {
    out_.next_record = header.first_record;
    out_.end = block_size;
  }

  result<scanned> run();

 private:
  enum class step : unsigned char { whole, enough, bad };

  [[nodiscard]] result<step> read_group();
  [[nodiscard]] result<step> read_records(const group_header& group, std::string_view octets);
  [[nodiscard]] result<step> give(const record_header& head, std::uint64_t offset,
                                  std::string_view payload);
  [[nodiscard]] std::string wrong_with(const std::optional<record_header>& head,
                                       record_number number, std::string_view behind) const;
  [[nodiscard]] step bad(std::uint64_t offset, std::uint64_t until, std::string why);
  [[nodiscard]] result<void> judge();

  file_window window_;
  std::uint64_t file_size_;
  const segment_header& header_;
  record_number expected_next_;
  const record_visitor& visit_;
  scanned out_;
  record_number group_first_; // what the group at out_.end has to begin with
  bool traces_ = false;       // of a group of this generation at out_.end
  std::uint64_t looked_twice_at_ = 0;
};

result<scanned> segment_scanner::run() {
  for (;;) {
    const result<step> now = read_group();
    if (!now) {
      return now.error();
    }
    if (*now == step::enough) {
      return out_;
    }
    if (*now == step::whole) {
      continue;
    }
    if (const auto judged = judge(); !judged) {
      return judged.error();
    }
    // The store may be at work on this very group while we read. It writes a later one only when
    // this one is whole, so a second look tells damage from haste.
    if (out_.how != segment_end::damaged || looked_twice_at_ == out_.end) {
      return out_;
    }
    looked_twice_at_ = out_.end;
    out_.how = segment_end::clean;
    window_.forget();
  }
}

// The group at out_.end.
result<segment_scanner::step> segment_scanner::read_group() {
  if (expected_next_ != 0 && out_.next_record >= expected_next_) {
    return step::enough;
  }
  const auto head = window_.at(out_.end, group_header_size);
  if (!head) {
    return fs::to_failure(head.error(), fmt::format("offset {}", out_.end));
  }
  const auto group = decode_group_header(*head, header_.whose.volume);
  if (!group || group->generation != header_.generation) {
    traces_ = begins_like_group(*head, header_.generation);
    return bad(out_.end, out_.end + block_size,
               fmt::format("no valid group begins at offset {}, where record {} should be",
                           out_.end, out_.next_record));
  }
  traces_ = true;
  const std::uint64_t octets = group_header_size + std::uint64_t{group->octets};
  if (group->first_record != group_first_) {
    return bad(out_.end, out_.end + octets,
               fmt::format("the group at offset {} begins with record {} instead of {}", out_.end,
                           group->first_record, group_first_));
  }
  const auto all = window_.at(out_.end, octets);
  if (!all) {
    return fs::to_failure(all.error(), fmt::format("offset {}", out_.end));
  }
  return read_records(*group, *all);
}

// `octets` are fewer than the group says only where the file ends.
result<segment_scanner::step> segment_scanner::read_records(const group_header& group,
                                                            std::string_view octets) {
  const std::uint64_t until = out_.end + block_padded(group_header_size + group.octets);
  std::size_t at = group_header_size;
  for (record_number number = group_first_; number - group_first_ < group.records; ++number) {
    const std::string_view rest = octets.substr(std::min(at, octets.size()));
    const auto head = decode_record_header(rest, header_.whose.volume);
    const std::string_view behind = head ? rest.substr(record_header_size) : rest;
    if (std::string why = wrong_with(head, number, behind); !why.empty()) {
      return bad(out_.end + at, until,
                 fmt::format("record {} at offset {} {}", number, out_.end + at, why));
    }
    if (number >= out_.next_record) { // else it was given when we looked for the first time
      const auto given = give(*head, out_.end + at, behind.substr(0, head->payload_octets));
      if (!given || *given == step::enough) {
        return given;
      }
    }
    at += record_header_size + record_padded(head->payload_octets);
  }
  if (at != group_header_size + group.octets) {
    return bad(out_.end + at, until,
               fmt::format("the group at offset {} is not filled by its records", out_.end));
  }
  group_first_ = out_.next_record;
  out_.end = until;
  return step::whole;
}

// Empty when the record is the one that belongs here, whole.
std::string segment_scanner::wrong_with(const std::optional<record_header>& head,
                                        record_number number, std::string_view behind) const {
  if (!head) {
    return "has no valid header";
  }
  if (head->generation != header_.generation || head->number != number) {
    return fmt::format("has the header of record {} of generation {}", head->number,
                       head->generation);
  }
  if (head->payload_octets > behind.size()) {
    return fmt::format("is cut short: {} of {} octets are there", behind.size(),
                       head->payload_octets);
  }
  if (!is_whole(*head, behind.substr(0, head->payload_octets))) {
    return "does not match its checksum";
  }
  return {};
}

result<segment_scanner::step> segment_scanner::give(const record_header& head, std::uint64_t offset,
                                                    std::string_view payload) {
  if (expected_next_ != 0 && head.number >= expected_next_) {
    return step::enough;
  }
  if (!is_known(head.type)) {
    return unknown_type(head.number, head.type, offset);
  }
  ++out_.next_record;
  out_.last_group = out_.end;
  const record_place where{
      .number = head.number, .type = head.type, .offset = offset, .octets = head.payload_octets};
  return visit_(where, payload) ? step::whole : step::enough;
}

segment_scanner::step segment_scanner::bad(std::uint64_t offset, std::uint64_t until,
                                           std::string why) {
  out_.bad_offset = offset;
  out_.bad_octets = std::min(until, file_size_) - std::min(offset, file_size_);
  out_.why = std::move(why);
  return step::bad;
}

// Whether what cannot be read was ever synced. A group says below which record everything was
// synced before it was written; nobody who only sends mail can forge one.
result<void> segment_scanner::judge() {
  if (expected_next_ > out_.next_record) {
    out_.how = segment_end::damaged;
    out_.why += fmt::format("; the next segment begins with record {}", expected_next_);
    return {};
  }
  for (std::uint64_t at = out_.end; at + group_header_size <= file_size_; at += block_size) {
    const auto head = window_.at(at, group_header_size);
    if (!head) {
      return fs::to_failure(head.error(), fmt::format("offset {}", at));
    }
    const auto group = decode_group_header(*head, header_.whose.volume);
    if (!group || group->generation != header_.generation) {
      continue;
    }
    traces_ = true;
    if (group->durable_below > out_.next_record) {
      out_.how = segment_end::damaged;
      out_.why += fmt::format("; the group at offset {} proves that it was synced", at);
      return {};
    }
  }
  if (file_size_ < header_.size) {
    traces_ = true;
    out_.why += fmt::format("; the file is {} octets long instead of {}", file_size_, header_.size);
  }
  if (traces_) {
    out_.how = segment_end::torn;
  } else {
    out_.why.clear();
    out_.bad_offset = out_.bad_octets = 0;
  }
  return {};
}

} // namespace

result<scanned> scan_segment(fs::file_system& files, const fs::handle& segment,
                             const segment_header& header, record_number expected_next,
                             const record_visitor& visit) {
  const auto status = files.status(segment);
  if (!status) {
    return fs::to_failure(status.error());
  }
  return segment_scanner(files, segment, status->size, header, expected_next, visit).run();
}

result<std::string> read_payload(fs::file_system& files, const fs::handle& segment,
                                 const segment_header& header, const record_place& where) {
  std::array<char, record_header_size> octets{};
  const auto read = files.read(segment, where.offset, octets);
  if (!read) {
    return fs::to_failure(read.error(), fmt::format("offset {}", where.offset));
  }
  const auto head =
      decode_record_header(std::string_view(octets.data(), *read), header.whose.volume);
  if (head && head->generation == header.generation && head->number == where.number &&
      head->type == where.type && head->payload_octets == where.octets) {
    std::string payload(where.octets, '\0');
    const auto rest = files.read(segment, where.offset + record_header_size, payload);
    if (!rest) {
      return fs::to_failure(rest.error(), fmt::format("offset {}", where.offset));
    }
    payload.resize(*rest);
    if (is_whole(*head, payload)) {
      return payload;
    }
  }
  return transient_failure("a record of the journal cannot be read any more",
                           fmt::format("record {} at offset {}", where.number, where.offset));
}

} // namespace homeward::journal
