#pragma once
// The messages that all contestants of the filing benchmark get: message number N is the same in
// every run but for its identity, so a ledger can be written afterwards, at no cost while it
// counts.
//
// The bulk of a message is a window into one text made beforehand and is never copied; only the
// headers and the last line are its own. Each carries its identity in both and the CRC32C of the
// bulk. The ledger is in the format of tests/support/maildir_ledger.py.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace homeward::bench {

// One message, in the order of its pieces. `bulk` lives as long as the mix.
struct message {
  std::string head;
  std::string_view bulk;
  std::string tail;

  [[nodiscard]] std::size_t size() const { return head.size() + bulk.size() + tail.size(); }
};

class message_mix {
 public:
  enum class line_end { lf, cr_lf };

  // `sizes` are octets with CR LF line ends, at least 1024 each; all are equally frequent. With lf
  // the same messages as a Maildir holds them. `run` makes identities unique.
  message_mix(std::vector<std::size_t> sizes, line_end ends, std::uint32_t run);

  // Safe from several threads. Uses the memory that `m` has.
  void write(std::uint64_t number, message& m) const;

  [[nodiscard]] std::size_t size_of(std::uint64_t number) const; // with CR LF
  // Always of the same length; fit for the key in a NAME of the storage protocol.
  [[nodiscard]] std::string identity(std::uint64_t number) const;
  [[nodiscard]] static std::string mailbox(std::uint64_t number, unsigned mailboxes);

 private:
  struct choice {
    std::size_t size;
    std::size_t window; // number of the bulk's first line
    std::size_t index;  // into windows_
  };
  struct window {
    std::size_t lines;
    std::uint32_t crc;
  };
  [[nodiscard]] choice choose(std::uint64_t number) const;
  [[nodiscard]] std::size_t line_size() const;

  std::vector<std::size_t> sizes_;
  line_end ends_;
  std::uint32_t run_;
  std::size_t windows_per_size_;
  std::string text_;
  std::vector<window> windows_; // for each size, for each first line
};

enum class outcome : std::uint8_t { unknown, accepted, refused };

// Writes what became of messages 0, 1, 2, ...; false if the file cannot be written.
bool write_ledger(const std::string& file, const message_mix& with_lf, unsigned mailboxes,
                  const std::vector<outcome>& outcomes);

} // namespace homeward::bench
