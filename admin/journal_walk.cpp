#include "admin/journal_walk.hpp"

#include <algorithm>

#include "stored/journal/file_window.hpp"

namespace homeward::admin {

namespace {

using journal::block_size;
using journal::group_header_size;
using journal::record_header_size;

void walk_records(const journal::segment_header& header, const journal::group_header& group,
                  std::uint64_t group_offset, std::string_view octets, const walk_visitor& visit) {
  std::size_t at = group_header_size;
  for (std::uint32_t i = 0; i < group.records && at < octets.size(); ++i) {
    const std::string_view rest = octets.substr(at);
    const auto head = journal::decode_record_header(rest, header.whose.volume);
    if (!head || head->generation != header.generation || head->number != group.first_record + i) {
      return; // nobody knows where the next one begins
    }
    const std::string_view payload =
        rest.substr(record_header_size).substr(0, head->payload_octets);
    if (journal::is_whole(*head, payload)) {
      visit.record({.number = head->number,
                    .type = head->type,
                    .offset = group_offset + at,
                    .octets = head->payload_octets},
                   payload);
    }
    at += record_header_size + journal::record_padded(head->payload_octets);
  }
}

} // namespace

result<void> walk(fs::file_system& files, const fs::handle& segment,
                  const journal::segment_header& header, const walk_visitor& visit) {
  const auto status = files.status(segment);
  if (!status) {
    return fs::to_failure(status.error());
  }
  journal::file_window window(files, segment, status->size);
  for (std::uint64_t at = block_size; at + group_header_size <= status->size;) {
    const auto head = window.at(at, group_header_size);
    if (!head) {
      return fs::to_failure(head.error(), fmt::format("offset {}", at));
    }
    const auto group = journal::decode_group_header(*head, header.whose.volume);
    if (!group || group->generation != header.generation) {
      if (!visit.past_faults) {
        break;
      }
      at += block_size;
      continue;
    }
    if (visit.group) {
      visit.group(at, *group);
    }
    const std::uint64_t octets = group_header_size + std::uint64_t{group->octets};
    if (visit.record) {
      const auto all = window.at(at, octets);
      if (!all) {
        return fs::to_failure(all.error(), fmt::format("offset {}", at));
      }
      walk_records(header, *group, at, *all, visit);
    }
    at += journal::block_padded(octets);
  }
  return {};
}

} // namespace homeward::admin
