#pragma once
// What lies beside the segments of a journal: parked mail, the log of identities, filed marks,
// notes. Only looked at.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"

namespace homeward::admin {

enum class condition : unsigned char {
  whole,
  torn,    // being written when the machine or the process died; nobody relies on the rest
  damaged, // something that was synced cannot be read
};

struct parked_mail {
  std::string file;
  std::string partition; // its id
  std::size_t deliveries = 0;
  std::uint64_t octets = 0; // of the messages
  std::uint64_t since = 0;  // Unix seconds
  condition is = condition::whole;
  std::string why; // torn and damaged
};

struct identity_file {
  std::string file;
  std::uint64_t octets = 0; // of whole blocks
  std::size_t entries = 0;
  std::uint64_t oldest = 0; // Unix seconds; 0: none
  std::uint64_t newest = 0;
  condition is = condition::whole;
  std::string why; // torn and damaged
};

struct marks_file {
  bool believed = false; // by a start that came now: the same mount of the same boot
  std::string slots;     // as in the file

  [[nodiscard]] bool contains(journal::record_number n) const;
};

struct journal_beside {
  std::vector<parked_mail> parked;
  std::vector<identity_file> identities;
  std::optional<marks_file> marks;
  std::optional<std::string> failed; // the text of the note
  std::vector<std::string> torn;     // names of kept torn ends
};

// The failure is that of the disk. What a running store writes meanwhile is read again once before
// it is called torn or damaged.
[[nodiscard]] result<journal_beside> look_beside(fs::file_system& files,
                                                 const fs::handle& directory);

} // namespace homeward::admin
