// Segments and journal directories, damaged at will: nothing crashes, reading twice gives the same,
// and what is read of a damaged segment is the beginning of what was written.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "stored/journal/journal_index.hpp"
#include "stored/journal/little_endian.hpp"

namespace {

using namespace homeward;
using namespace homeward::journal;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

struct seen {
  record_number number = 0;
  record_type type = record_type::delivery;
  std::uint64_t offset = 0;
  std::string payload;

  friend bool operator==(const seen&, const seen&) = default;
};

struct outcome {
  std::vector<seen> records;
  bool failed = false;
  std::string end;

  friend bool operator==(const outcome&, const outcome&) = default;
};

// A directory in memory.
class place {
 public:
  place() {
    memory_.make_directories("/journal");
    directory_ = *files_.open_directory("/journal");
  }
  void put(const std::string& name, std::string_view content) {
    const auto file = files_.open_at(directory_, name, fs::open_mode::create_new);
    const std::array<std::string_view, 1> pieces = {content};
    require(file && files_.write(*file, 0, pieces), "a file can be made");
  }
  fs::faulty_file_system& files() { return files_; }
  const fs::handle& directory() { return directory_; }

 private:
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_}; // counts calls
  fs::handle directory_;
};

segment_header header_of(const volume_id& volume, std::uint64_t generation, record_number first,
                         record_number checkpoint) {
  return {.whose = {.volume = volume, .farm = "farm"},
          .generation = generation,
          .first_record = first,
          .checkpoint = checkpoint,
          .size = 65536,
          .begun = 1};
}

outcome scan(place& p, const segment_header& header) {
  const auto file = p.files().open_at(p.directory(), "segment-00000001", fs::open_mode::read);
  outcome out;
  const std::size_t before = p.files().count(fs::call::read);
  const auto end = scan_segment(
      p.files(), *file, header, 0, [&](const record_place& w, std::string_view octets) {
        out.records.push_back({w.number, w.type, w.offset, std::string(octets)});
        return true;
      });
  // Inputs are below the 1 MiB that is read ahead: a first look, and at most a second one.
  require(p.files().count(fs::call::read) - before <= 6, "few reads");
  out.failed = !end;
  if (end) {
    out.end = fmt::format("{} {} {} {} {} {}", static_cast<int>(end->how), end->next_record,
                          end->end, end->bad_offset, end->bad_octets, end->why);
    require(end->next_record == header.first_record + out.records.size(), "the next number");
  }
  record_number expected = header.first_record;
  for (const seen& r : out.records) {
    require(r.number == expected++, "numbers follow each other");
    const auto again =
        read_payload(p.files(), *file, header,
                     {r.number, r.type, r.offset, static_cast<std::uint32_t>(r.payload.size())});
    require(again && *again == r.payload, "a record is read again");
  }
  return out;
}

outcome scan_twice(const segment_header& header, std::string_view content) {
  place p;
  p.put("segment-00000001", content);
  outcome first = scan(p, header);
  require(scan(p, header) == first, "a second scan gives the same");
  return first;
}

// Makes the checksums of whatever lies where groups and records might be right, so that the fields
// behind them are looked at.
void repair(std::string& content, const segment_header& header) {
  for (std::size_t at = block_size; at + group_header_size <= content.size(); at += block_size) {
    const std::string_view g = std::string_view(content).substr(at);
    group_header group{.generation = load<std::uint8_t>(g, 8) % 4U,
                       .first_record = load<std::uint8_t>(g, 16),
                       .durable_below = load<std::uint8_t>(g, 24),
                       .records = load<std::uint8_t>(g, 32),
                       .octets = load<std::uint32_t>(g, 36)};
    encode(group, header.whose.volume, &content[at]);
    std::size_t where = at + group_header_size;
    for (unsigned i = 0; i < group.records && where + record_header_size <= content.size(); ++i) {
      const std::string_view r = std::string_view(content).substr(where);
      record_header record{.generation = group.generation,
                           .number = group.first_record + i,
                           .payload_octets = load<std::uint32_t>(r, 16) % 8192,
                           .type = static_cast<record_type>(load<std::uint8_t>(r, 20) % 6)};
      record.payload_crc = crc32c(r.substr(record_header_size).substr(0, record.payload_octets));
      encode(record, header.whose.volume, &content[where]);
      where += record_header_size + record_padded(record.payload_octets);
    }
  }
}

void any_content(std::string_view input, bool repaired) {
  const segment_header header = header_of(volume_id{1, 2, 3}, 1, 1, 1);
  std::string content = encode(header);
  // One octet in 16 of a sparse input is enough to reach everything.
  for (std::size_t i = 0; i < input.size(); ++i) {
    content += input[i];
    if (input[i] == '\x7f' && content.size() < 200000) {
      content.append(block_padded(content.size()) - content.size(), '\0');
    }
  }
  if (repaired) {
    repair(content, header);
  }
  (void)scan_twice(header, content);
}

// Takes numbers from the front of the input; 0 when there are none left.
class numbers {
 public:
  explicit numbers(std::string_view input) : rest_(input) {}
  [[nodiscard]] bool any() const { return !rest_.empty(); }
  std::uint32_t next(std::size_t octets) {
    std::uint32_t n = 0;
    for (const char c : rest_.substr(0, octets)) {
      n = n << 8U | static_cast<std::uint8_t>(c);
    }
    rest_.remove_prefix(std::min(octets, rest_.size()));
    return n;
  }

 private:
  std::string_view rest_;
};

// The secret depends on the whole input, as nobody who writes a message can know it: a fuzzer that
// learns a checksum from one run must not be able to use it in the next.
volume_id secret_of(std::string_view input) {
  volume_id volume{};
  std::uint64_t mixed = crc32c(input);
  for (std::uint8_t& octet : volume) {
    mixed = mixed * 6364136223846793005U + 1442695040888963407U;
    octet = static_cast<std::uint8_t>(mixed >> 56U);
  }
  return volume;
}

record make_record(numbers& in) {
  static const std::string octets(9000, 'm');
  switch (in.next(1) % 4) {
  case 0: return checkpoint_record{.below = in.next(1) % 32};
  case 1: return abort_record{.delivery = in.next(1), .recipients = {in.next(1)}};
  default: {
    const std::size_t size = in.next(2) % octets.size();
    return delivery_record{
        .mailboxes = {"a"}, .size = size, .message = std::string_view(octets).substr(0, size)};
  }
  }
}

std::string make_segment(const segment_header& header, numbers& in) {
  std::string content = encode(header);
  group_builder builder(header.whose.volume);
  record_number next = header.first_record;
  for (std::uint32_t groups = in.next(1) % 4; groups != 0; --groups) {
    const record_number first = next;
    builder.begin(header.generation, first);
    for (std::uint32_t records = 1 + in.next(1) % 3; records != 0; --records) {
      next = builder.add(make_record(in)) + 1;
    }
    content += builder.finish(first, 2);
  }
  return content;
}

void damage(std::string& content, numbers& in, std::size_t from) {
  for (std::uint32_t changes = in.next(1) % 8; changes != 0 && content.size() > from; --changes) {
    const std::size_t at = from + in.next(3) % (content.size() - from);
    switch (in.next(1) % 4) {
    case 0: content[at] = static_cast<char>(in.next(1)); break;
    case 1: content.replace(at, 512, std::min<std::size_t>(512, content.size() - at), '\0'); break;
    case 2:
      content[at] = static_cast<char>(load<std::uint8_t>(content, at) ^ (1U << in.next(1) % 8));
      break;
    default: content.resize(at); break;
    }
  }
}

void damaged_segment(std::string_view input) {
  numbers in(input);
  const segment_header header = header_of(secret_of(input), 1 + in.next(1), 1 + in.next(1), 1);
  std::string content = make_segment(header, in);
  const outcome whole = scan_twice(header, content);
  require(!whole.failed, "what was written is read");
  damage(content, in, block_size);
  const outcome left = scan_twice(header, content);
  require(!left.failed && left.records.size() <= whole.records.size(), "no more than was written");
  require(std::equal(left.records.begin(), left.records.end(), whole.records.begin()),
          "what is read is the beginning of what was written");
}

// Everything an index says, or the words of the refusal.
std::string index_text(place& p, std::vector<record_number>* given) {
  const auto index = read_index(p.files(), p.directory(), "farm");
  if (!index) {
    return describe(index.error());
  }
  std::string text =
      fmt::format("{} {} {}", index->checkpoint, index->next_record, index->next_generation);
  for (const segment_file& s : index->live) {
    text += " " + s.name;
  }
  const auto read =
      for_each_record(p.files(), p.directory(), *index, 0,
                      [&](const segment_file&, const record_place& w, std::string_view) {
                        given->push_back(w.number);
                        return true;
                      });
  require(read.has_value(), "what was indexed is read");
  require(given->empty() || given->back() + 1 == index->next_record, "up to the next number");
  require(given->empty() || given->front() <= index->checkpoint ||
              given->front() == index->live.front().header->first_record,
          "from the checkpoint on");
  for (std::size_t i = 1; i < given->size(); ++i) {
    require((*given)[i] == (*given)[i - 1] + 1, "without a gap");
  }
  require(secure_last_group(p.files(), p.directory(), *index).has_value(), "the end is secured");
  require(keep_torn_end(p.files(), p.directory(), *index).has_value(), "the torn end is kept");
  return text;
}

void damaged_directory(std::string_view input) {
  numbers in(input);
  const volume_id volume = secret_of(input);
  place p;
  for (unsigned number = 1; in.any() && number < 6; ++number) {
    const record_number first = 1 + in.next(1) % 16;
    const segment_header header = header_of(volume, 1 + in.next(1) % 6, first, 1 + in.next(1) % 16);
    std::string content = make_segment(header, in);
    damage(content, in, 0);
    p.put(fmt::format("segment-{:08}", number), content);
  }
  std::vector<record_number> first;
  std::vector<record_number> second;
  const std::string once = index_text(p, &first);
  require(index_text(p, &second) == once && first == second, "a second look gives the same");
}

} // namespace

// The first octet chooses what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) {
    return 0;
  }
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
  case 0: any_content(input, false); break;
  case 1: any_content(input, true); break;
  case 2: damaged_segment(input); break;
  default: damaged_directory(input); break;
  }
  return 0;
}
