#pragma once
// One file, given a name in the Maildirs of several mailboxes: the steps of a filing in their
// order, with what is taken back when one fails. Inside of lib/maildir; used by writer.

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/shelf.hpp"
#include "lib/maildir/staged_file.hpp"
#include "lib/maildir/stored_form.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::maildir {

// What every batch of a writer shares. References of the writer.
struct filing_tools {
  const partition& where;
  const filing_settings& settings;
  shelf& maildirs;
  std::atomic<bool>& unnamed_files;
};

// Used once, by one thread.
class batch {
 public:
  // `trace`: the header lines to put first, each ending in LF.
  batch(filing_tools tools, const filing& what, std::string trace);

  // Files into the Maildirs at `paths` (all different, relative to the partition). One
  // result per path.
  [[nodiscard]] std::vector<result<filed>> run(const std::vector<std::string>& paths);

 private:
  // Where one Maildir of the batch stands.
  struct place {
    std::string path;
    enum class state : unsigned char {
      open,
      named,
      repeat,
      needs_own_file,
      failed
    } at = state::open;
    failure why = {};
  };

  [[nodiscard]] bool stage(place& p);
  [[nodiscard]] result<void> write_content();
  void name_in(place& p, bool staged_here);
  [[nodiscard]] fs::io_result<void> link_in(place& p, fs::handle& new_directory);
  void take_as_repeat(place& p, const fs::handle& new_directory);
  [[nodiscard]] result<bool> equals_ours(const fs::handle& other) const;
  void sync_last();
  void fail_all(const failure& why);
  void take_back(place& p, failure why);
  [[nodiscard]] result<filed> outcome(const place& p) const;

  filing_tools tools_;
  fs::file_system& files_;
  const filing& what_;
  std::string trace_;
  std::vector<place> places_;
  fs::handle staged_directory_; // new/ of the place in which the file was made
  staged_file file_;
  std::string file_name_;
  stored_size size_;
  bool file_is_gone_ = false; // the only name it had was taken back
};

} // namespace homeward::maildir
