#pragma once
// What stored is compared with: the least code that files a message durably, in two ways, without
// network, settings, quota, identities or recovery. They call the kernel directly, so nothing of
// lib/ can make them slow, and keep handles of all directories, which a mail server does not.
//
// A call that fails ends the process: there is nothing to measure then.

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/message_mix.hpp"

namespace homeward::bench {

// The Maildirs u000, u001, ... below ROOT/bench.example, made new, with open handles.
class maildirs {
 public:
  maildirs(const std::string& root, unsigned mailboxes);
  ~maildirs();
  maildirs(const maildirs&) = delete;
  maildirs& operator=(const maildirs&) = delete;

  struct handles {
    int tmp;
    int fresh; // new/
  };
  [[nodiscard]] const handles& of(std::uint64_t number) const {
    return open_[number % open_.size()];
  }
  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(open_.size()); }

 private:
  std::vector<handles> open_;
};

class bare_writer {
 public:
  virtual ~bare_writer() = default;

  // Returns when the message is durable and in the Maildir of `number`. From the thread of each
  // client; `client` counts from 0.
  virtual void deliver(unsigned client, std::uint64_t number, const std::string& name,
                       const message& m) = 0;
};

// The recipe of the mail servers that sync per message: file in tmp/, fsync, rename into new/,
// fsync of new/.
[[nodiscard]] std::unique_ptr<bare_writer> make_strict_writer(const maildirs& where);

// Group commit: one thread writes what gathered with one pwritev and one fdatasync to segments that
// were written out before and are used in turn. Meanwhile the clients file without sync. A segment
// is used again only after a syncfs that began when all its messages were filed; there is one at
// least every 5 s. So it keeps as much through a power cut as a store with a journal does.
struct group_settings {
  std::string directory; // where the segments lie, on the volume of the Maildirs
  unsigned clients = 1;  // at most 200
  unsigned segments = 4; // of 64 MiB, at least 3
};
[[nodiscard]] std::unique_ptr<bare_writer> make_group_writer(const maildirs& where,
                                                             const group_settings& settings);

// Ends the process with the step and errno.
[[noreturn]] void die(const std::string& step);

} // namespace homeward::bench
