#include "stored/journal/segment_format.hpp"

#include <algorithm>
#include <isa-l/crc.h>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "lib/base/sabotage.hpp"

#include "stored/journal/little_endian.hpp"
#include "stored/journal/record_codec.hpp"

namespace homeward::journal {

namespace {

constexpr std::string_view segment_magic = "HWJRNL1\n";
constexpr std::string_view group_magic = "HWGR";

// Where the fields lie; docs/format/journal.md has the same tables.
namespace segment_at {
constexpr std::size_t version = 8;
constexpr std::size_t volume = 16;
constexpr std::size_t generation = 32;
constexpr std::size_t first_record = 40;
constexpr std::size_t checkpoint = 48;
constexpr std::size_t size = 56;
constexpr std::size_t begun = 64;
constexpr std::size_t farm_octets = 72;
constexpr std::size_t farm = 74;
constexpr std::size_t crc = block_size - 4;
} // namespace segment_at

namespace group_at {
constexpr std::size_t crc = 4;
constexpr std::size_t generation = 8;
constexpr std::size_t first_record = 16;
constexpr std::size_t durable_below = 24;
constexpr std::size_t records = 32;
constexpr std::size_t octets = 36;
constexpr std::size_t written = 40;
constexpr std::size_t previous_sync = 48;
} // namespace group_at

namespace record_at {
constexpr std::size_t crc = 0;
constexpr std::size_t payload_crc = 4;
constexpr std::size_t number = 8;
constexpr std::size_t payload_octets = 16;
constexpr std::size_t type = 20;
constexpr std::size_t generation = 24;
} // namespace record_at

constexpr std::uint32_t crc_begin = 0xffffffff;
constexpr std::size_t crc_piece = std::size_t{1} << 30U; // isa-l counts in an int

// The state of the checksum after more octets; begins with crc_begin and is inverted at the end.
std::uint32_t crc_after(std::uint32_t state, std::string_view octets) {
  while (!octets.empty()) {
    const std::string_view piece = octets.substr(0, crc_piece);
    // isa-l reads only, but does not say so.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data()));
    state = crc32_iscsi(data, static_cast<int>(piece.size()), state);
    octets.remove_prefix(piece.size());
  }
  return state;
}

// Of a header: begins with the secret of the journal.
std::uint32_t header_crc(const volume_id& volume, std::string_view octets) {
  const std::string_view secret(reinterpret_cast<const char*>(volume.data()), volume.size());
  return ~crc_after(crc_after(crc_begin, secret), octets);
}

// Of a record.
bool is_right(std::uint32_t stored, std::uint32_t computed) {
  return stored == computed || sabotage::is_on(sabotage::fault::s6_no_crc_check);
}

failure no_segment(std::string why, std::string advice = {}) {
  return transient_failure("a segment of the journal cannot be read", std::move(why),
                           std::move(advice));
}

} // namespace

std::uint32_t crc32c(std::string_view octets) {
  return ~crc_after(crc_begin, octets);
}

std::string encode(const segment_header& h) {
  if (h.whose.farm.size() > max_farm_name) {
    throw std::length_error("the name of the farm is too long for a journal");
  }
  std::string block(block_size, '\0');
  block.replace(0, segment_magic.size(), segment_magic);
  store(&block[segment_at::version], format_version);
  std::copy(h.whose.volume.begin(), h.whose.volume.end(), &block[segment_at::volume]);
  store(&block[segment_at::generation], h.generation);
  store(&block[segment_at::first_record], h.first_record);
  store(&block[segment_at::checkpoint], h.checkpoint);
  store(&block[segment_at::size], h.size);
  store(&block[segment_at::begun], h.begun);
  store(&block[segment_at::farm_octets], static_cast<std::uint16_t>(h.whose.farm.size()));
  block.replace(segment_at::farm, h.whose.farm.size(), h.whose.farm);
  store(&block[segment_at::crc], crc32c(std::string_view(block).substr(0, segment_at::crc)));
  return block;
}

bool is_newer_format(std::string_view block) {
  return block.size() == block_size && block.starts_with(segment_magic) &&
         load<std::uint32_t>(block, segment_at::version) > format_version;
}

result<std::optional<segment_header>> decode_segment_header(std::string_view block) {
  if (block.size() != block_size) {
    return no_segment("its header is cut short");
  }
  if (block.find_first_not_of('\0') == std::string_view::npos) {
    return std::optional<segment_header>();
  }
  if (!block.starts_with(segment_magic)) {
    return no_segment("it does not begin as a segment of a journal does");
  }
  if (is_newer_format(block)) {
    return no_segment(fmt::format("its format version is {}, this program knows {}",
                                  load<std::uint32_t>(block, segment_at::version), format_version),
                      "Use the newer version of Homeward that wrote it.");
  }
  const std::size_t farm_octets = load<std::uint16_t>(block, segment_at::farm_octets);
  const auto crc = load<std::uint32_t>(block, segment_at::crc);
  if (crc != crc32c(block.substr(0, segment_at::crc)) ||
      load<std::uint32_t>(block, segment_at::version) != format_version ||
      farm_octets > max_farm_name) {
    return no_segment("the checksum of its header is wrong");
  }
  segment_header h;
  std::copy_n(block.data() + segment_at::volume, h.whose.volume.size(), h.whose.volume.begin());
  h.whose.farm = block.substr(segment_at::farm, farm_octets);
  h.generation = load<std::uint64_t>(block, segment_at::generation);
  h.first_record = load<std::uint64_t>(block, segment_at::first_record);
  h.checkpoint = load<std::uint64_t>(block, segment_at::checkpoint);
  h.size = load<std::uint64_t>(block, segment_at::size);
  h.begun = load<std::uint64_t>(block, segment_at::begun);
  return std::optional<segment_header>(std::move(h));
}

void encode(const group_header& h, const volume_id& volume, char* into) {
  std::fill_n(into, group_header_size, '\0');
  std::copy(group_magic.begin(), group_magic.end(), into);
  store(into + group_at::generation, h.generation);
  store(into + group_at::first_record, h.first_record);
  store(into + group_at::durable_below, h.durable_below);
  store(into + group_at::records, h.records);
  store(into + group_at::octets, h.octets);
  store(into + group_at::written, h.written);
  store(into + group_at::previous_sync, h.previous_sync);
  const std::string_view covered(into + group_at::generation,
                                 group_header_size - group_at::generation);
  store(into + group_at::crc, header_crc(volume, covered));
}

std::optional<group_header> decode_group_header(std::string_view octets, const volume_id& volume) {
  if (octets.size() < group_header_size || !octets.starts_with(group_magic)) {
    return std::nullopt;
  }
  octets = octets.substr(0, group_header_size);
  if (load<std::uint32_t>(octets, group_at::crc) !=
      header_crc(volume, octets.substr(group_at::generation))) {
    return std::nullopt;
  }
  return group_header{.generation = load<std::uint64_t>(octets, group_at::generation),
                      .first_record = load<std::uint64_t>(octets, group_at::first_record),
                      .durable_below = load<std::uint64_t>(octets, group_at::durable_below),
                      .records = load<std::uint32_t>(octets, group_at::records),
                      .octets = load<std::uint32_t>(octets, group_at::octets),
                      .written = load<std::uint64_t>(octets, group_at::written),
                      .previous_sync = load<std::uint32_t>(octets, group_at::previous_sync)};
}

bool begins_like_group(std::string_view octets) {
  return octets.starts_with(group_magic);
}

bool begins_like_group(std::string_view octets, std::uint64_t generation) {
  return octets.size() >= group_header_size && begins_like_group(octets) &&
         load<std::uint64_t>(octets, group_at::generation) == generation;
}

void encode(const record_header& h, const volume_id& volume, char* into) {
  std::fill_n(into, record_header_size, '\0');
  store(into + record_at::payload_crc, h.payload_crc);
  store(into + record_at::number, h.number);
  store(into + record_at::payload_octets, h.payload_octets);
  store(into + record_at::type, static_cast<std::uint16_t>(h.type));
  store(into + record_at::generation, h.generation);
  const std::string_view covered(into + record_at::payload_crc,
                                 record_header_size - record_at::payload_crc);
  store(into + record_at::crc, header_crc(volume, covered));
}

std::optional<record_header> decode_record_header(std::string_view octets,
                                                  const volume_id& volume) {
  if (octets.size() < record_header_size) {
    return std::nullopt;
  }
  octets = octets.substr(0, record_header_size);
  if (!is_right(load<std::uint32_t>(octets, record_at::crc),
                header_crc(volume, octets.substr(record_at::payload_crc)))) {
    return std::nullopt;
  }
  return record_header{.generation = load<std::uint64_t>(octets, record_at::generation),
                       .number = load<std::uint64_t>(octets, record_at::number),
                       .payload_octets = load<std::uint32_t>(octets, record_at::payload_octets),
                       .type =
                           static_cast<record_type>(load<std::uint16_t>(octets, record_at::type)),
                       .payload_crc = load<std::uint32_t>(octets, record_at::payload_crc)};
}

bool is_whole(const record_header& h, std::string_view payload) {
  return payload.size() == h.payload_octets && is_right(h.payload_crc, crc32c(payload));
}

void group_builder::begin(std::uint64_t generation, record_number first_record) {
  header_ = group_header{.generation = generation, .first_record = first_record};
  buffer_.assign(group_header_size, '\0');
}

record_number group_builder::add(const record& r) {
  const std::size_t at = buffer_.size();
  const std::size_t octets = payload_size(r);
  buffer_.append(record_header_size, '\0');
  append_payload(buffer_, r);
  const std::string_view payload = std::string_view(buffer_).substr(at + record_header_size);
  const record_header h{.generation = header_.generation,
                        .number = header_.first_record + header_.records,
                        .payload_octets = static_cast<std::uint32_t>(octets),
                        .type = type_of(r),
                        .payload_crc = crc32c(payload)};
  encode(h, volume_, &buffer_[at]);
  buffer_.append(record_padded(payload.size()) - payload.size(), '\0');
  ++header_.records;
  return h.number;
}

std::string_view group_builder::finish(record_number durable_below, std::uint64_t written,
                                       std::uint32_t previous_sync) {
  header_.durable_below = durable_below;
  header_.written = written;
  header_.previous_sync = previous_sync;
  header_.octets = static_cast<std::uint32_t>(buffer_.size() - group_header_size);
  encode(header_, volume_, buffer_.data());
  buffer_.append(block_padded(buffer_.size()) - buffer_.size(), '\0');
  return buffer_;
}

std::size_t group_builder::room_for(const record& r) {
  return record_header_size + record_padded(payload_size(r));
}

} // namespace homeward::journal
