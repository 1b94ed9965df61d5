#pragma once
// Deliveries that could not be filed when the store recovered: their partition did not come up, or
// one mailbox of it is broken. They are copied, with their octets, into files of their own in the
// journal directory, so that the journal can go on; they are filed when the partition is next
// opened. A parked file has the form of a segment. docs/format/journal.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/segment_format.hpp"

namespace homeward::journal {

// What is read from where: a segment in use or a parked file.
struct record_source {
  std::string name;
  fs::handle file;
  segment_header header;
};

// The parked files of a partition, oldest first.
[[nodiscard]] result<std::vector<std::string>>
list_parked(fs::file_system& files, const fs::handle& directory, std::string_view partition);
// Whether a header was ever written, and arrived.
enum class parked_header : unsigned char { none, unreadable, whole };
[[nodiscard]] result<parked_header>
look_at_header(fs::file_system& files, const fs::handle& directory, const std::string& name);
[[nodiscard]] result<record_source> open_parked(fs::file_system& files, const fs::handle& directory,
                                                const std::string& name);

// Writes one parked file: begin, add each delivery, finish. What is not finished is removed, or
// ignored by readers because its header is missing.
class parked_file {
 public:
  parked_file(fs::file_system& files, const fs::handle& directory, journal_identity whose,
              std::string_view partition);

  // `refused`: indexes of mailboxes for which nothing is to be done.
  [[nodiscard]] result<void> add(const delivery_record& delivery,
                                 const std::vector<std::uint32_t>& refused);
  // Makes it durable under its name. With nothing added: no file.
  [[nodiscard]] result<void> finish(std::uint64_t now);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t deliveries() const { return deliveries_; }

 private:
  [[nodiscard]] result<void> begin();
  [[nodiscard]] result<void> write(std::uint64_t offset, std::string_view octets);

  fs::file_system& files_;
  const fs::handle& directory_;
  journal_identity whose_;
  std::string partition_;
  std::string name_;
  fs::handle file_;
  group_builder builder_;
  record_number next_ = 1;
  std::uint64_t size_ = block_size;
  std::size_t deliveries_ = 0;
};

} // namespace homeward::journal
