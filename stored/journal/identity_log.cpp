#include "stored/journal/identity_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "stored/journal/little_endian.hpp"
#include "stored/journal/segment_format.hpp"

namespace homeward::journal {
namespace {

// Block: magic, CRC of what follows it, octets of the entries, number of entries, time.
constexpr std::uint32_t block_magic = 0x44495748; // "HWID"
constexpr std::size_t block_header = 24;
constexpr std::size_t crc_begins = 8;
constexpr std::size_t entry_fixed = 26;
constexpr std::size_t most_in_a_block = 4096;
constexpr std::size_t longest_origin = 255;

std::string encode_block(std::span<const logged_identity> identities, std::uint64_t now) {
  std::string entries;
  for (const logged_identity& i : identities) {
    const std::string_view origin = std::string_view(i.origin).substr(0, longest_origin);
    journal::append(entries, i.high);
    journal::append(entries, i.low);
    journal::append(entries, i.seconds);
    journal::append(entries, static_cast<std::uint16_t>(origin.size()));
    entries += origin;
  }
  std::string checked;
  journal::append(checked, static_cast<std::uint32_t>(entries.size()));
  journal::append(checked, static_cast<std::uint32_t>(identities.size()));
  journal::append(checked, now);
  checked += entries;
  std::string block;
  journal::append(block, block_magic);
  journal::append(block, crc32c(checked));
  return block + checked;
}

// The whole block at the start of `octets`, without its header's first part; nothing when it is not
// whole.
std::optional<std::string_view> whole_block(std::string_view octets) {
  if (octets.size() < block_header || journal::load<std::uint32_t>(octets, 0) != block_magic) {
    return std::nullopt;
  }
  const std::size_t size = journal::load<std::uint32_t>(octets, 8);
  if (size > octets.size() - block_header) {
    return std::nullopt;
  }
  const std::string_view checked = octets.substr(crc_begins, block_header - crc_begins + size);
  if (crc32c(checked) != journal::load<std::uint32_t>(octets, 4)) {
    return std::nullopt;
  }
  return octets.substr(0, block_header + size);
}

void visit_block(std::string_view block, const identity_visitor& visit) {
  const std::size_t count = journal::load<std::uint32_t>(block, 12);
  const auto logged_at = journal::load<std::uint64_t>(block, 16);
  std::size_t at = block_header;
  for (std::size_t i = 0; i < count && block.size() - at >= entry_fixed; ++i) {
    const std::size_t origin = journal::load<std::uint16_t>(block, at + 24);
    if (origin > block.size() - at - entry_fixed) {
      return;
    }
    visit({.high = journal::load<std::uint64_t>(block, at),
           .low = journal::load<std::uint64_t>(block, at + 8),
           .seconds = journal::load<std::uint64_t>(block, at + 16),
           .origin = std::string(block.substr(at + entry_fixed, origin))},
          logged_at);
    at += entry_fixed + origin;
  }
}

result<std::string> read_all(fs::file_system& files, const fs::handle& file,
                             const std::string& name) {
  const auto status = files.status(file);
  if (!status) {
    return fs::to_failure(status.error(), name);
  }
  std::string octets(static_cast<std::size_t>(status->size), '\0');
  const auto read = files.read(file, 0, octets);
  if (!read) {
    return fs::to_failure(read.error(), name);
  }
  octets.resize(*read);
  return octets;
}

} // namespace

identity_log::identity_log(fs::file_system& files, const fs::handle& directory,
                           std::uint64_t file_octets)
    : files_(files), directory_(directory), file_octets_(file_octets) {}

result<void> identity_log::load(const identity_visitor& visit) {
  const auto entries = files_.list(directory_);
  if (!entries) {
    return fs::to_failure(entries.error(), "journal directory");
  }
  for (const fs::directory_entry& e : *entries) {
    if (e.name.starts_with(identity_prefix)) {
      all_.push_back({.name = e.name});
    }
  }
  std::sort(all_.begin(), all_.end(),
            [](const log_file& a, const log_file& b) { return a.name < b.name; });
  for (log_file& f : all_) {
    if (const result<void> loaded = load_one(f, visit); !loaded) {
      return loaded;
    }
  }
  if (!all_.empty()) {
    const std::string_view digits =
        std::string_view(all_.back().name).substr(identity_prefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), next_number_);
    ++next_number_;
  }
  return {};
}

result<void> identity_log::load_one(log_file& f, const identity_visitor& visit) {
  const auto file = files_.open_at(directory_, f.name, fs::open_mode::read_write);
  if (!file) {
    return fs::to_failure(file.error(), f.name);
  }
  const result<std::string> octets = read_all(files_, *file, f.name);
  if (!octets) {
    return octets.error();
  }
  std::string_view left = *octets;
  while (const auto block = whole_block(left)) {
    f.newest = journal::load<std::uint64_t>(*block, 16);
    visit_block(*block, visit);
    left.remove_prefix(block->size());
  }
  f.used = octets->size() - left.size();
  if (!left.empty()) {
    // What was reserved and not used. If it fails, some space is kept until the file is pruned.
    (void)files_.truncate(*file, f.used);
  }
  return {};
}

result<void> identity_log::begin_file(std::uint64_t at_least) {
  const std::string name = fmt::format("{}{:08}", identity_prefix, next_number_);
  auto file = files_.open_at(directory_, name, fs::open_mode::create_new);
  if (!file) {
    return fs::to_failure(file.error(), name);
  }
  const std::uint64_t size = std::max(file_octets_, at_least);
  if (const auto reserved = files_.allocate(*file, size); !reserved) {
    (void)files_.unlink_at(directory_, name);
    return fs::to_failure(reserved.error(), name);
  }
  ++next_number_;
  all_.push_back({.name = name});
  current_ = std::move(*file);
  current_size_ = size;
  return {};
}

result<void> identity_log::append(std::span<const logged_identity> identities, std::uint64_t now) {
  while (!identities.empty()) {
    const auto part = identities.first(std::min(identities.size(), most_in_a_block));
    if (const result<void> added = append_block(part, now); !added) {
      return added;
    }
    identities = identities.subspan(part.size());
  }
  return {};
}

result<void> identity_log::append_block(std::span<const logged_identity> part, std::uint64_t now) {
  const std::string block = encode_block(part, now);
  if (!current_.is_open() || all_.back().used + block.size() > current_size_) {
    current_.close();
    if (const result<void> begun = begin_file(block.size()); !begun) {
      return begun;
    }
  }
  const std::array<std::string_view, 1> pieces = {block};
  if (const auto written = files_.write(current_, all_.back().used, pieces); !written) {
    return fs::to_failure(written.error(), all_.back().name);
  }
  all_.back().used += block.size();
  all_.back().newest = now;
  return {};
}

void identity_log::prune(identity_retention keep, std::uint64_t now) {
  const auto age = static_cast<std::uint64_t>(keep.age.count());
  std::uint64_t octets = 0;
  for (const log_file& f : all_) {
    octets += f.used;
  }
  while (all_.size() > (current_.is_open() ? 1U : 0U)) {
    const log_file& oldest = all_.front();
    const bool expired = oldest.newest + age < now;
    if (!expired && octets <= keep.octets.octets) {
      return;
    }
    if (!files_.unlink_at(directory_, oldest.name)) {
      return;
    }
    octets -= oldest.used;
    all_.pop_front();
  }
}

} // namespace homeward::journal
