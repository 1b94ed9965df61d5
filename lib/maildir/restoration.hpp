#pragma once
// One file of a transaction that is restored, and the Maildirs that share it. Inside of
// lib/maildir; used by restorer.

#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/message_finder.hpp"
#include "lib/maildir/restorer.hpp"
#include "lib/maildir/shelf.hpp"
#include "lib/maildir/staged_file.hpp"
#include "lib/maildir/stored_form.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::maildir {

// What every restoration of a restorer shares. References of the restorer.
struct restoring_tools {
  const partition& where;
  shelf& maildirs;
  message_finder& finder;
  std::atomic<bool>& unnamed_files;
};

// One thread.
class restoration {
 public:
  // `trace`: the header lines to put first, each ending in LF.
  restoration(restoring_tools tools, const filing& what, std::string_view trace, restore_mode mode);

  // The Maildir at `path`. One after the other: the file is made when the first of them needs it.
  [[nodiscard]] result<restored> restore_in(const std::string& path);

 private:
  [[nodiscard]] result<void> measure();
  [[nodiscard]] fs::io_result<found_message> seen_too(const std::string& path,
                                                      const found_message& found);
  [[nodiscard]] fs::io_result<bool> is_good(const found_message& found);
  [[nodiscard]] result<restored> put_in_new(const std::string& path);
  [[nodiscard]] result<restored> replace(const std::string& path, const found_message& found);
  [[nodiscard]] result<void> stage(const std::string& path, const fs::handle& folder);
  [[nodiscard]] result<void> link(const std::string& path, const fs::handle& folder,
                                  const std::string& name);
  [[nodiscard]] failure failed(const fs::io_error& e, const std::string& path) const;
  [[nodiscard]] std::string temporary_name() const;

  restoring_tools tools_;
  fs::file_system& files_;
  const filing& what_;
  std::string_view trace_;
  restore_mode mode_;
  stored_size size_;
  std::string file_name_; // empty until it is measured
  staged_file file_;
};

} // namespace homeward::maildir
