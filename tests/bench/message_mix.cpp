#include "tests/bench/message_mix.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "lib/base/digest.hpp"

#include "tests/bench/crc32c.hpp"

namespace homeward::bench {

namespace {

constexpr std::size_t line_text = 72;
constexpr std::size_t largest_with_many_windows = 1U << 20U;

// splitmix64: well mixed and the same everywhere.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

// Lines of one length: no two alike, some that begin with a dot.
std::string lines_of_text(std::size_t count, std::string_view end) {
  static constexpr std::string_view letters =
      "etaoin shrdlu cmfwyp vbgkqj etaoin .,-0123456789 ETAOINS xzETAOI";
  static_assert(letters.size() == 64);
  std::string text;
  text.reserve(count * (line_text + end.size()));
  for (std::uint64_t line = 0; line < count; ++line) {
    for (std::uint64_t i = 0; i < line_text; i += 8) {
      std::uint64_t bits = mixed(line * 16 + i / 8);
      for (int n = 0; n < 8; ++n, bits >>= 6U) {
        text += letters[bits % 64];
      }
    }
    text += end;
  }
  return text;
}

// Of `lines` lines at `text` as they are with LF.
std::uint32_t checksum_of_lines(std::string_view text, std::size_t lines, std::size_t line_size) {
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < lines; ++i) {
    crc = crc32c(crc, text.substr(i * line_size, line_text));
    crc = crc32c(crc, "\n");
  }
  return crc;
}

std::string_view text_of(message_mix::line_end ends) {
  return ends == message_mix::line_end::lf ? "\n" : "\r\n";
}

void write_head(std::string& head, std::string_view identity, std::uint32_t crc,
                std::string_view end) {
  head.clear();
  fmt::format_to(std::back_inserter(head),
                 "X-Homeward-Id: {0}{2}"
                 "Message-ID: <{0}@bench.example>{2}"
                 "From: Bench <sender@bench.example>{2}"
                 "To: undisclosed-recipients:;{2}"
                 "Date: Sat, 01 Jan 2000 00:00:00 +0000{2}"
                 "Subject: message {0}{2}"
                 "X-Homeward-Bulk-CRC32C: {1:08x}{2}"
                 "{2}",
                 identity, crc, end);
}

} // namespace

message_mix::message_mix(std::vector<std::size_t> sizes, line_end ends, std::uint32_t run)
    : sizes_(std::move(sizes)), ends_(ends), run_(run) {
  const std::size_t largest = *std::max_element(sizes_.begin(), sizes_.end());
  windows_per_size_ = largest > largest_with_many_windows ? 1 : 64;
  text_ = lines_of_text(largest / line_text + windows_per_size_, text_of(ends_));
  std::string head;
  write_head(head, identity(0), 0, "\r\n");
  for (const std::size_t size : sizes_) {
    // The last line is "<identity>" and what is left over.
    const std::size_t lines =
        (size - head.size() - identity(0).size() - 2) / (line_text + std::size_t{2});
    for (std::size_t first = 0; first < windows_per_size_; ++first) {
      const auto text = std::string_view(text_).substr(first * line_size());
      windows_.push_back({lines, checksum_of_lines(text, lines, line_size())});
    }
  }
}

void message_mix::write(std::uint64_t number, message& m) const {
  const choice c = choose(number);
  const window& w = windows_[c.index];
  const std::string id = identity(number);
  const std::string_view end = text_of(ends_);
  write_head(m.head, id, w.crc, end);
  m.bulk = std::string_view(text_).substr(c.window * line_size(), w.lines * line_size());
  // Sizes are those with CR LF: one octet more for each of the head's 8 lines.
  const std::size_t head_size = m.head.size() + (ends_ == line_end::lf ? 8 : 0);
  m.tail = id;
  m.tail.append(c.size - head_size - w.lines * (line_text + 2) - id.size() - 2, '=');
  m.tail += end;
}

std::size_t message_mix::size_of(std::uint64_t number) const {
  return choose(number).size;
}

std::string message_mix::identity(std::uint64_t number) const {
  return fmt::format("r{:08x}n{:010}", run_, number);
}

std::string message_mix::mailbox(std::uint64_t number, unsigned mailboxes) {
  return fmt::format("u{:03}@bench.example", number % mailboxes);
}

message_mix::choice message_mix::choose(std::uint64_t number) const {
  const std::uint64_t bits = mixed(number);
  const std::size_t which = bits % sizes_.size();
  const std::size_t first = (bits >> 32U) % windows_per_size_;
  return {sizes_[which], first, which * windows_per_size_ + first};
}

std::size_t message_mix::line_size() const {
  return line_text + text_of(ends_).size();
}

bool write_ledger(const std::string& file, const message_mix& with_lf, unsigned mailboxes,
                  const std::vector<outcome>& outcomes) {
  static constexpr const char* words[] = {"unknown", "accepted", "refused"};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "w"),
                                                            &std::fclose);
  if (!out) {
    return false;
  }
  message m;
  for (std::uint64_t number = 0; number < outcomes.size(); ++number) {
    with_lf.write(number, m);
    sha256 digest;
    digest.update(m.head);
    digest.update(m.bulk);
    digest.update(m.tail);
    const std::string id = with_lf.identity(number);
    const std::string mailbox = message_mix::mailbox(number, mailboxes);
    fmt::print(out.get(),
               "{{\"offered\": \"{0}\", \"sha256\": \"{1}\", \"recipients\": [\"{2}\"], "
               "\"octets\": {3}}}\n"
               "{{\"answered\": \"{0}\", \"outcomes\": {{\"{2}\": [\"{4}\", \"\"]}}}}\n",
               id, to_hex(digest.finish()), mailbox, m.size(),
               words[static_cast<std::size_t>(outcomes[number])]);
  }
  return std::fflush(out.get()) == 0 && std::ferror(out.get()) == 0;
}

} // namespace homeward::bench
