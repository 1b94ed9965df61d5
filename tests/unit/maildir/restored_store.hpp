#pragma once
// A partition in memory in which a restorer's tests put what a crash or a reader has left.

#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lib/maildir/restorer.hpp"

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::maildir::test {

using strings = std::vector<std::string>;

class restored_store : public mail_store {
 protected:
  static constexpr std::string_view message = "Subject: x\r\n\r\nbody\r\n";

  // The file with "Delivered-To: <owner>", or without.
  static std::string stored(std::string_view owner) {
    const std::string line =
        owner.empty() ? std::string() : "Delivered-To: " + std::string(owner) + "\n";
    return stored_text("Return-Path: <sender@example.net>\n" + line, message);
  }
  static std::string stored_name(std::string_view text, std::string_view of = name) {
    return fmt::format("{},S={},W={}", of, text.size(), wire_size(text));
  }

  std::vector<result<restored>> restore_named(restorer& r, std::string_view of,
                                              const strings& mailboxes, restore_mode mode,
                                              delivered_to header = delivered_to::never,
                                              std::vector<std::size_t> wanted = {}) {
    if (wanted.empty()) {
      wanted.resize(mailboxes.size());
      std::iota(wanted.begin(), wanted.end(), 0U);
    }
    const fs::message_spool spool{std::string(message)};
    return r.restore({.message = &spool, .name = of, .sender = "sender@example.net"}, header,
                     mailboxes, wanted, mode);
  }
  std::vector<result<restored>> restore(restorer& r, const strings& mailboxes, restore_mode mode,
                                        delivered_to header = delivered_to::never,
                                        std::vector<std::size_t> wanted = {}) {
    return restore_named(r, name, mailboxes, mode, header, std::move(wanted));
  }

  void make_maildir(const std::string& path) {
    for (const char* folder : {"/tmp", "/cur", "/new"}) {
      memory_.make_directories("/srv/mail1/" + path + folder);
    }
  }
  // `directory` is "<Maildir>/new" or "<Maildir>/cur"; the Maildir is made whole.
  void put(const std::string& directory, const std::string& file_name, std::string_view octets) {
    make_maildir(directory.substr(0, directory.rfind('/')));
    const auto file =
        memory_.open_at(partition_->root(), directory + "/" + file_name, fs::open_mode::create_new);
    ASSERT_TRUE(file);
    ASSERT_TRUE(memory_.write(*file, 0, {&octets, 1}));
    ASSERT_TRUE(memory_.sync_file_system(partition_->root()));
  }
  fs::handle folder(const std::string& path) {
    return memory_.open_at(partition_->root(), path, fs::open_mode::directory).value();
  }
  void move(const std::string& from, const std::string& old_name, const std::string& to,
            const std::string& new_name) {
    ASSERT_TRUE(
        memory_.rename_at(folder(from), old_name, folder(to), new_name, fs::on_existing::refuse));
  }
  std::uint32_t links(const std::string& directory, const std::string& file_name) {
    return memory_.status_at(folder(directory), file_name).value().links;
  }
  std::size_t in_temporary(const std::string& maildir) {
    return memory_.list(folder(maildir + "/tmp")).value().size();
  }
  // No mail in any Maildir.
  void clear() {
    for (const auto& [path, text] : mail()) {
      const std::size_t slash = path.rfind('/');
      EXPECT_TRUE(memory_.unlink_at(folder(path.substr(0, slash)), path.substr(slash + 1)));
    }
  }
};

} // namespace homeward::maildir::test
