#include "lib/maildir/restoration.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/base/random.hpp"
#include "lib/base/sabotage.hpp"

namespace homeward::maildir {

namespace {

// A reader that moves the message while we look makes us look again.
constexpr int attempts = 3;

// What reading gives when the octets or the inode were damaged by a power cut: btrfs and ext4 find
// it by their checksums.
bool means_damage(int number) {
  return number == EIO || number == EUCLEAN || number == EBADMSG;
}

restore_mode effective(restore_mode mode) {
  const bool blind =
      mode == restore_mode::compare && sabotage::is_on(sabotage::fault::s3_existence_only_recovery);
  return blind ? restore_mode::look : mode;
}

} // namespace

restoration::restoration(restoring_tools tools, const filing& what, std::string_view trace,
                         restore_mode mode)
    : tools_(tools), files_(tools.where.files()), what_(what), trace_(trace),
      mode_(effective(mode)), file_(files_, tools_.maildirs, tools_.unnamed_files) {}

result<restored> restoration::restore_in(const std::string& path) {
  if (const auto measured = measure(); !measured) {
    return measured.error();
  }
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto found = tools_.finder.find(path, file_name_);
    if (!found) {
      return failed(found.error(), path);
    }
    if (found->at == found_message::place::nowhere) {
      return put_in_new(path);
    }
    if (found->at == found_message::place::taken_away) {
      return restored{.file_name = file_name_, .what = restored::how::was_there};
    }
    const auto seen = seen_too(path, *found);
    if (!seen) {
      return failed(seen.error(), path);
    }
    const bool twice = seen->at == found_message::place::in_cur;
    const found_message& to_keep = twice ? *seen : *found;
    const auto good = is_good(to_keep);
    if (!good && good.error().number == ENOENT) {
      continue;
    }
    if (!good) {
      return failed(good.error(), path);
    }
    auto outcome = *good ? restored{.file_name = file_name_, .what = restored::how::was_there}
                         : replace(path, to_keep);
    if (outcome && twice) {
      (void)files_.unlink_at(found->folder, found->name); // what stays is whole, too
    }
    return outcome;
  }
  return transient_failure("the message moves faster than it can be looked at",
                           escape(path) + ": " + file_name_);
}

result<void> restoration::measure() {
  if (!file_name_.empty()) {
    return {};
  }
  const auto size = measure_stored_form(trace_, *what_.message);
  if (!size) {
    return size.error();
  }
  size_ = *size;
  file_name_ = file_name_for(what_.name, size_);
  return {};
}

// After a power cut the message may be in new/ and in cur/. Then the reader's one stays: it has the
// flags.
fs::io_result<found_message> restoration::seen_too(const std::string& path,
                                                   const found_message& found) {
  if (found.at != found_message::place::in_new || mode_ == restore_mode::look) {
    return found_message{};
  }
  return tools_.finder.find_in_cur(path, file_name_);
}

// Whether what was found may stay as it is.
fs::io_result<bool> restoration::is_good(const found_message& found) {
  if (mode_ == restore_mode::look) {
    return true;
  }
  const auto status = files_.status_at(found.folder, found.name);
  if (!status) {
    return means_damage(status.error().number) ? fs::io_result<bool>(false) : status.error();
  }
  if (status->kind != fs::entry_kind::file) {
    return fs::io_error{status->kind == fs::entry_kind::directory ? EISDIR : ELOOP,
                        "look at a message"};
  }
  if (mode_ == restore_mode::rewrite || status->size != size_.octets) {
    return false;
  }
  const auto file = files_.open_at(found.folder, found.name, fs::open_mode::read);
  const auto same = file ? holds_stored_form(files_, *file, trace_, *what_.message) : file.error();
  if (!same && means_damage(same.error().number)) {
    return false;
  }
  return same;
}

result<restored> restoration::put_in_new(const std::string& path) {
  for (const std::string_view folder : {"tmp", "cur"}) {
    if (const auto complete = tools_.maildirs.open_or_make(path, folder); !complete) {
      return complete.error();
    }
  }
  const auto fresh = tools_.maildirs.open_new(path);
  if (!fresh) {
    return fresh.error();
  }
  if (const auto linked = link(path, *fresh, file_name_); !linked) {
    return linked.error();
  }
  tools_.finder.note(path, file_name_);
  return restored{.file_name = file_name_, .what = restored::how::filed};
}

// By a rename: at every moment the name is there, with the old octets or with the new ones.
result<restored> restoration::replace(const std::string& path, const found_message& found) {
  const auto temporary = tools_.maildirs.open_or_make(path, "tmp");
  if (!temporary) {
    return temporary.error();
  }
  const std::string name = temporary_name();
  if (const auto linked = link(path, *temporary, name); !linked) {
    return linked.error();
  }
  const auto renamed =
      files_.rename_at(*temporary, name, found.folder, found.name, fs::on_existing::replace);
  if (!renamed) {
    (void)files_.unlink_at(*temporary, name);
    file_.drop(); // a file that has lost its last name cannot get another
    return failed(renamed.error(), path);
  }
  return restored{.file_name = file_name_, .what = restored::how::replaced};
}

// Gives the file the name; makes it first, if no Maildir has needed it yet or if it cannot have
// another name there.
result<void> restoration::link(const std::string& path, const fs::handle& folder,
                               const std::string& name) {
  if (file_.handle().is_open()) {
    const auto linked = files_.link_at(file_.handle(), folder, name);
    if (linked) {
      return {};
    }
    if (linked.error().number != EMLINK && linked.error().number != EXDEV) {
      return failed(linked.error(), path);
    }
  }
  if (const auto staged = stage(path, folder); !staged) {
    file_.drop();
    return staged;
  }
  if (const auto linked = files_.link_at(file_.handle(), folder, name); !linked) {
    return failed(linked.error(), path);
  }
  return {};
}

result<void> restoration::stage(const std::string& path, const fs::handle& folder) {
  if (const auto created = file_.create(path, folder, temporary_name()); !created) {
    return failed(created.error(), path);
  }
  const auto written = write_stored_form(files_, file_.handle(), trace_, *what_.message);
  if (!written) {
    return written.error();
  }
  return {};
}

failure restoration::failed(const fs::io_error& e, const std::string& path) const {
  return fs::to_failure(e, escape(path));
}

std::string restoration::temporary_name() const {
  return fmt::format("{}{}.{}", restorer::temporary_prefix, what_.name, random_hex(8));
}

} // namespace homeward::maildir
