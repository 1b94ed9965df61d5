#pragma once
// A journal directory in memory for tests, made octet by octet with the code under test, and
// tampered with at will.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"

#include "stored/journal/journal_index.hpp"
#include "stored/journal/record_codec.hpp"
#include "stored/journal/segment_format.hpp"
#include "stored/journal/segment_scan.hpp"

namespace homeward::journal {

inline constexpr volume_id test_volume = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe,
                                          0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

inline segment_header test_header(std::uint64_t generation, record_number first_record,
                                  record_number checkpoint = 1, std::uint64_t size = 65536) {
  return {.whose = {.volume = test_volume, .farm = "farm"},
          .generation = generation,
          .first_record = first_record,
          .checkpoint = checkpoint,
          .size = size,
          .begun = 1795170000};
}

inline delivery_record test_delivery(std::string_view message, std::string name = "1.a.b") {
  return {.received = 1795170000123,
          .header = header_rule::always,
          .partition = "0123456789abcdef0123456789abcdef",
          .name = std::move(name),
          .sender = "sender@example.org",
          .mailboxes = {"ann@example.org", "bob@example.org"},
          .apart = false,
          .size = message.size(),
          .message = message};
}

[[nodiscard]] inline char flipped(char octet, std::size_t bit) {
  return static_cast<char>(static_cast<unsigned char>(octet) ^ (1U << bit));
}

// Lays out a segment: groups one behind the other, zeros up to the size its header gives.
class segment_writer {
 public:
  explicit segment_writer(const segment_header& header)
      : header_(header), octets_(encode(header)), builder_(header.whose.volume),
        next_(header.first_record) {}

  segment_writer& group(const std::vector<record>& records) { return group(records, next_); }
  segment_writer& group(const std::vector<record>& records, record_number durable_below) {
    starts_.push_back(octets_.size());
    builder_.begin(header_.generation, next_);
    for (const record& r : records) {
      next_ = builder_.add(r) + 1;
    }
    octets_ += builder_.finish(durable_below, 1795170000456, previous_sync_);
    return *this;
  }
  // What the next groups say of the one before them, in microseconds.
  segment_writer& synced_in(std::uint32_t previous_sync) {
    previous_sync_ = previous_sync;
    return *this;
  }
  // As if this were the file before its present use.
  segment_writer& over(const std::string& earlier) {
    if (earlier.size() > octets_.size()) {
      octets_ += earlier.substr(octets_.size());
    }
    return *this;
  }
  [[nodiscard]] std::string file() const {
    std::string all = octets_;
    all.resize(std::max<std::size_t>(all.size(), header_.size), '\0');
    return all;
  }
  [[nodiscard]] const std::string& octets() const { return octets_; } // without zeros at the end
  [[nodiscard]] const std::vector<std::size_t>& starts() const { return starts_; } // of groups
  [[nodiscard]] record_number next_record() const { return next_; }
  [[nodiscard]] const segment_header& header() const { return header_; }

 private:
  segment_header header_;
  std::string octets_;
  group_builder builder_;
  record_number next_;
  std::uint32_t previous_sync_ = 0;
  std::vector<std::size_t> starts_;
};

// What a scan gave.
struct seen_record {
  record_place where;
  std::string payload;

  friend bool operator==(const seen_record& a, const seen_record& b) {
    return a.where.number == b.where.number && a.where.type == b.where.type &&
           a.where.offset == b.where.offset && a.payload == b.payload;
  }
};

struct scan_outcome {
  std::vector<seen_record> records;
  scanned end;
};

class journal_files {
 public:
  journal_files() {
    files_.make_directories("/journal");
    directory_ = *files_.open_directory("/journal");
  }

  void put(const std::string& name, const std::string& content) {
    (void)files_.unlink_at(directory_, name);
    const auto file = files_.open_at(directory_, name, fs::open_mode::create_new);
    const std::array<std::string_view, 1> pieces = {content};
    ASSERT_TRUE(file && files_.write(*file, 0, pieces));
  }
  void put(const std::string& name, const segment_writer& segment) { put(name, segment.file()); }
  void remove(const std::string& name) { ASSERT_TRUE(files_.unlink_at(directory_, name)); }
  void overwrite(const std::string& name, std::uint64_t offset, std::string_view octets) {
    const auto file = files_.open_at(directory_, name, fs::open_mode::read_write);
    const std::array<std::string_view, 1> pieces = {octets};
    ASSERT_TRUE(file && files_.write(*file, offset, pieces));
  }
  [[nodiscard]] std::string get(const std::string& name) {
    const auto file = files_.open_at(directory_, name, fs::open_mode::read);
    if (!file) {
      return "no such file: " + name;
    }
    std::string content(files_.status(*file)->size, '\0');
    content.resize(*files_.read(*file, 0, content));
    return content;
  }
  [[nodiscard]] std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const fs::directory_entry& entry : *files_.list(directory_)) {
      all.push_back(entry.name);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  [[nodiscard]] result<journal_index> index(std::string_view farm = {}) {
    return read_index(files_, directory_, farm);
  }
  // The whole of a failed read_index(), to look for words in.
  [[nodiscard]] std::string refusal(std::string_view farm = {}) {
    const auto read = index(farm);
    return read ? "it was read" : describe(read.error());
  }
  [[nodiscard]] std::vector<seen_record> records(const journal_index& index, record_number from) {
    std::vector<seen_record> all;
    const auto read = for_each_record(
        files_, directory_, index, from,
        [&](const segment_file&, const record_place& where, std::string_view payload) {
          all.push_back({where, std::string(payload)});
          return true;
        });
    EXPECT_TRUE(read) << describe(read.error());
    return all;
  }

  // Scans octets as a segment with the header; failures are for tests that call scan_segment.
  [[nodiscard]] scan_outcome scan(const std::string& content, const segment_header& header,
                                  record_number expected_next = 0) {
    put("scanned", content);
    const auto file = files_.open_at(directory_, "scanned", fs::open_mode::read);
    scan_outcome out;
    const auto read = scan_segment(files_, *file, header, expected_next,
                                   [&](const record_place& where, std::string_view payload) {
                                     out.records.push_back({where, std::string(payload)});
                                     return true;
                                   });
    EXPECT_TRUE(read) << describe(read.error());
    out.end = read ? *read : scanned{};
    return out;
  }

  fs::forgetting_file_system& files() { return files_; }
  const fs::handle& directory() { return directory_; }

 private:
  fs::forgetting_file_system files_;
  fs::handle directory_;
};

} // namespace homeward::journal
