#pragma once
// A partition in memory for the writer's tests, and what a reader finds in it.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::maildir::test {

inline std::string read_all(fs::file_system& files, const fs::handle& file) {
  std::string octets(files.status(file).value().size, '\0');
  octets.resize(files.read(file, 0, octets).value());
  return octets;
}

// The message as it should lie in the Maildir.
inline std::string stored_text(std::string_view trace, std::string_view message) {
  std::string text(trace);
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (message[i] != '\r' || i + 1 == message.size() || message[i + 1] != '\n') {
      text += message[i];
    }
  }
  return text;
}

// W as a reader computes it over the file.
inline std::uint64_t wire_size(std::string_view stored) {
  std::uint64_t size = stored.size();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    size += stored[i] == '\n' && (i == 0 || stored[i - 1] != '\r') ? 1U : 0U;
  }
  return size;
}

// Maildir path and file name -> content, of everything that a reader can see in new/ and cur/.
using visible_mail = std::map<std::string, std::string>;

inline void collect(fs::file_system& files, const fs::handle& directory, const std::string& path,
                    visible_mail& found) {
  const auto entries = files.list(directory);
  ASSERT_TRUE(entries);
  for (const fs::directory_entry& entry : *entries) {
    const std::string inner = path.empty() ? entry.name : path + "/" + entry.name;
    if (entry.kind == fs::entry_kind::directory) {
      const auto next = files.open_at(directory, entry.name, fs::open_mode::directory);
      ASSERT_TRUE(next);
      collect(files, *next, inner, found);
    } else if (entry.kind == fs::entry_kind::file && !entry.name.starts_with('.') &&
               (path.ends_with("/new") || path.ends_with("/cur"))) {
      const auto file = files.open_at(directory, entry.name, fs::open_mode::read);
      ASSERT_TRUE(file);
      found[inner] = read_all(files, *file);
    }
  }
}

// All visible mail beneath `root`.
inline visible_mail mail_in(fs::file_system& files, std::string_view root) {
  visible_mail found;
  const auto opened = files.open_directory(root);
  EXPECT_TRUE(opened);
  if (opened) {
    collect(files, *opened, "", found);
  }
  return found;
}

// A partition "mail1" in /srv/mail1. `files` is what the writer uses, `memory` is what lies below.
class mail_store : public ::testing::Test {
 protected:
  explicit mail_store(fs::sync_promises promises = fs::sync_promises::linux_file_systems)
      : memory_(promises) {
    memory_.make_directories("/srv/mail1");
    EXPECT_TRUE(partition::initialise(files_, "/srv/mail1", {.name = "mail1"}, {}));
    partition_ = open();
  }
  std::unique_ptr<partition> open() {
    return std::make_unique<partition>(partition::open(files_, "/srv/mail1", "mail1").value());
  }
  // A reader's view, past the planned faults.
  visible_mail mail() { return mail_in(memory_, "/srv/mail1"); }

  static constexpr std::string_view name = "1795170000.0123456789abcdef.mx1";

  std::vector<result<filed>> deliver(writer& w, std::string_view octets,
                                     const std::vector<std::string>& mailboxes) {
    const fs::message_spool message{std::string(octets)};
    return w.deliver({.message = &message, .name = name, .sender = "sender@example.net"},
                     mailboxes);
  }

  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  std::unique_ptr<partition> partition_;
};

} // namespace homeward::maildir::test
