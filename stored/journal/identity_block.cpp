#include "stored/journal/identity_block.hpp"

#include "stored/journal/little_endian.hpp"
#include "stored/journal/segment_format.hpp"

namespace homeward::journal {
namespace {

// Block: magic, CRC of what follows it, octets of the entries, number of entries, time.
constexpr std::uint32_t block_magic = 0x44495748; // "HWID"
constexpr std::size_t block_header = 24;
constexpr std::size_t crc_begins = 8;
constexpr std::size_t logged_at_begins = 16;
constexpr std::size_t entry_fixed = 26;
constexpr std::size_t longest_origin = 255;

} // namespace

std::string encode_block(std::span<const logged_identity> identities, std::uint64_t logged_at) {
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
  journal::append(checked, logged_at);
  checked += entries;
  std::string block;
  journal::append(block, block_magic);
  journal::append(block, crc32c(checked));
  return block + checked;
}

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

std::uint64_t time_of_block(std::string_view block) {
  return journal::load<std::uint64_t>(block, logged_at_begins);
}

void visit_block(std::string_view block, const identity_visitor& visit) {
  const std::size_t count = journal::load<std::uint32_t>(block, 12);
  const std::uint64_t at_that_time = time_of_block(block);
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
          at_that_time);
    at += entry_fixed + origin;
  }
}

} // namespace homeward::journal
