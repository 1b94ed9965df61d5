#pragma once
// Which records were settled, as far as the page cache knows: the file "filed", never synced. It
// tells a stored that starts after a kill what its predecessor had already put into the Maildirs,
// so that nothing a reader has since moved or deleted comes back. It is believed only while the
// file system is the same mount of the same boot: a power cut loses files and marks independently
// of each other. docs/format/journal.md.

#include <cstddef>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/record.hpp"

namespace homeward::journal {

// How much of what the Maildirs show is to be believed of records without a mark.
enum class trust : unsigned char {
  compare = 0, // a power cut may have come: by size and octets
  marks = 1,   // all of it: a recovery in this instance has come to its end
  rewrite = 2, // nothing: a sync has failed
};

// set() from any thread; the others from one thread.
class filed_marks {
 public:
  // Opens the file, makes it when it is missing. `directory` must stay open as long as this.
  [[nodiscard]] static result<filed_marks> open(fs::file_system& files,
                                                const fs::handle& directory);

  // Whether what contains() says can be believed: it was begun in `instance` (lib/fs), which is
  // not empty.
  [[nodiscard]] bool is_of(const std::string& instance) const;
  // Whether it was begun in another one, for certain.
  [[nodiscard]] bool is_of_another(const std::string& instance) const;
  [[nodiscard]] trust rest() const { return rest_; }
  // As the file was when it was opened, or forgotten: later set() calls are not seen.
  [[nodiscard]] bool contains(record_number n) const;

  // No mark is believed any more; those that are set from now on are of `instance`.
  [[nodiscard]] result<void> forget(const std::string& instance, trust rest);
  // The recovery has come to its end: trust::marks from now on.
  [[nodiscard]] result<void> complete();

  // After all recipients are settled and before any of them is answered. An error is nothing to
  // stop for: the record is looked for at the next start.
  void set(record_number n);

 private:
  filed_marks(fs::file_system& files, fs::handle file) : files_(&files), file_(std::move(file)) {}
  [[nodiscard]] result<void> load();
  [[nodiscard]] result<void> clear();
  [[nodiscard]] result<void> begin_anew();
  [[nodiscard]] result<void> write_rest(trust rest);
  [[nodiscard]] result<void> write(std::uint64_t offset, std::string_view octets);

  fs::file_system* files_;
  fs::handle file_;
  std::string instance_;
  trust rest_ = trust::compare;
  std::vector<record_number> slots_;
};

} // namespace homeward::journal
