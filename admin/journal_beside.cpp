#include "admin/journal_beside.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "admin/opened_journal.hpp"
#include "stored/journal/identity_block.hpp"
#include "stored/journal/little_endian.hpp"
#include "stored/journal/parked_records.hpp"
#include "stored/journal/record_codec.hpp"
#include "stored/journal/segment_scan.hpp"

namespace homeward::admin {

namespace {

// parked-<partition id>-<digits>
std::string partition_in(const std::string& parked_name) {
  const std::size_t begin = journal::parked_prefix.size();
  const std::size_t end = parked_name.rfind('-');
  return end > begin && end != std::string::npos ? parked_name.substr(begin, end - begin) : "";
}

void count_parked(parked_mail& seen, const journal::record_place& where, std::string_view payload) {
  const auto r = journal::decode_payload(where.type, payload);
  if (!r) {
    seen.is = condition::damaged;
    seen.why =
        fmt::format("record {} at offset {}: {}", where.number, where.offset, r.error().cause);
  } else if (const auto* d = std::get_if<journal::delivery_record>(&*r)) {
    // Without its octets it was filed long ago, and is there for the sake of its identities.
    seen.deliveries += d->apart ? 0U : 1U;
    seen.octets += d->message.size();
  }
}

// The header is written last; without one the mail that was to be parked is in the journal still.
bool was_never_finished(fs::file_system& files, const fs::handle& directory,
                        const std::string& name) {
  std::array<char, journal::block_size> block{};
  const auto file = files.open_at(directory, name, fs::open_mode::read);
  const auto read = file ? files.read(*file, 0, block) : fs::io_result<std::size_t>(file.error());
  return read &&
         std::string_view(block.data(), *read).find_first_not_of('\0') == std::string_view::npos;
}

parked_mail look_at_parked(fs::file_system& files, const fs::handle& directory,
                           const std::string& name) {
  parked_mail seen{.file = name, .partition = partition_in(name)};
  const auto source = journal::open_parked(files, directory, name);
  if (!source) {
    seen.is = was_never_finished(files, directory, name) ? condition::torn : condition::damaged;
    seen.why = source.error().cause.empty() ? source.error().what : source.error().cause;
    return seen;
  }
  seen.since = source->header.begun;
  const auto scanned =
      journal::scan_segment(files, source->file, source->header, 0,
                            [&](const journal::record_place& where, std::string_view payload) {
                              count_parked(seen, where, payload);
                              return true;
                            });
  if (!scanned || scanned->how != journal::segment_end::clean ||
      scanned->end < source->header.size) {
    seen.is = condition::damaged;
    seen.why = !scanned               ? scanned.error().cause
               : scanned->why.empty() ? fmt::format("no group begins at offset {}", scanned->end)
                                      : scanned->why;
  }
  return seen;
}

// Whether a whole block begins somewhere behind `octets`' first one.
bool has_later_block(std::string_view octets) {
  for (std::size_t at = 1; (at = octets.find("HWID", at)) != std::string_view::npos; ++at) {
    if (journal::whole_block(octets.substr(at))) {
      return true;
    }
  }
  return false;
}

result<identity_file> look_at_identities(fs::file_system& files, const fs::handle& directory,
                                         const std::string& name) {
  identity_file seen{.file = name};
  const auto octets = read_whole(files, directory, name);
  if (!octets) {
    return octets.error();
  }
  std::string_view left = *octets;
  while (const auto block = journal::whole_block(left)) {
    journal::visit_block(*block,
                         [&](const journal::logged_identity&, std::uint64_t) { ++seen.entries; });
    seen.newest = journal::time_of_block(*block);
    seen.oldest = seen.oldest == 0 ? seen.newest : seen.oldest;
    left.remove_prefix(block->size());
  }
  seen.octets = octets->size() - left.size();
  if (left.find_first_not_of('\0') != std::string_view::npos) {
    seen.is = has_later_block(left) ? condition::damaged : condition::torn;
    seen.why = fmt::format("the block at offset {} is not whole", seen.octets);
  }
  return seen;
}

result<marks_file> look_at_marks(fs::file_system& files, const fs::handle& directory) {
  const auto octets = read_whole(files, directory, std::string(journal::filed_marks_name));
  const auto now = files.instance(directory);
  if (!octets || !now) {
    return octets ? fs::to_failure(now.error(), "journal directory") : octets.error();
  }
  marks_file seen;
  const std::string head = octets->substr(0, journal::filed_layout::longest_instance);
  const std::string instance = head.substr(0, ::strnlen(head.data(), head.size()));
  seen.believed = !instance.empty() && instance == *now;
  if (octets->size() > journal::filed_layout::slots_begin) {
    seen.slots = octets->substr(journal::filed_layout::slots_begin);
  }
  return seen;
}

result<void> look_at(fs::file_system& files, const fs::handle& directory, const std::string& name,
                     journal_beside& seen) {
  if (name.starts_with(journal::parked_prefix)) {
    seen.parked.push_back(look_at_parked(files, directory, name));
  } else if (name.starts_with(journal::identity_prefix)) {
    auto looked = look_at_identities(files, directory, name);
    if (looked && looked->is != condition::whole) {
      looked = look_at_identities(files, directory, name); // a store may have been writing it
    }
    if (!looked) {
      return looked.error();
    }
    seen.identities.push_back(std::move(*looked));
  } else if (name == journal::filed_marks_name) {
    auto looked = look_at_marks(files, directory);
    if (!looked) {
      return looked.error();
    }
    seen.marks = std::move(*looked);
  } else if (name == journal::failed_note_name) {
    auto text = read_whole(files, directory, name);
    if (!text) {
      return text.error();
    }
    seen.failed = text->substr(0, text->find('\n'));
  } else if (name.starts_with(journal::torn_prefix)) {
    seen.torn.push_back(name);
  }
  return {};
}

} // namespace

bool marks_file::contains(journal::record_number n) const {
  const std::size_t at = n % journal::filed_layout::slots * sizeof n;
  return at + sizeof n <= slots.size() && journal::load<std::uint64_t>(slots, at) == n;
}

result<journal_beside> look_beside(fs::file_system& files, const fs::handle& directory) {
  const auto entries = files.list(directory);
  if (!entries) {
    return fs::to_failure(entries.error(), "journal directory");
  }
  std::vector<std::string> names;
  for (const fs::directory_entry& e : *entries) {
    names.push_back(e.name);
  }
  std::sort(names.begin(), names.end());
  journal_beside seen;
  for (const std::string& name : names) {
    const auto looked = look_at(files, directory, name, seen);
    // A running store removes such files when it needs them no more.
    if (!looked && files.status_at(directory, name)) {
      return looked.error();
    }
  }
  return seen;
}

} // namespace homeward::admin
