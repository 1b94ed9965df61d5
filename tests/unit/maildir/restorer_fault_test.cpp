// Restoring is interrupted at every call and begun anew, and every call fails in every way: what
// was good stays good, nobody else suffers, and the next attempt makes everything right.

#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "lib/maildir/restorer.hpp"

#include "tests/unit/maildir/restored_store.hpp"

namespace homeward::maildir {
namespace {

using fs::call;
using fs::crash_keeps;

constexpr std::array<restore_mode, 3> modes = {restore_mode::look, restore_mode::compare,
                                               restore_mode::rewrite};

// Five mailboxes: one without a Maildir, one whole, one whole and seen, one torn, one torn and
// seen.
const test::strings everybody = {"a@x", "b@x", "c@x", "d@x", "e@x"};

class restorer_fault_test : public test::restored_store {
 protected:
  const std::string text_ = stored("");
  const std::string file_ = stored_name(text_);

  // A fresh world.
  void set_up(restore_mode mode) {
    const std::string torn = mode == restore_mode::look ? text_ : text_.substr(0, 20);
    clear();
    if (memory_.status_at(partition_->root(), "x")) {
      for (const char* user : {"a", "b", "c", "d", "e"}) {
        remove_maildir(user);
      }
    }
    put("x/b/Maildir/new", file_, text_);
    put("x/c/Maildir/cur", file_ + ":2,S", text_);
    put("x/d/Maildir/new", file_, torn);
    put("x/e/Maildir/cur", file_ + ":2,RS", torn);
    EXPECT_TRUE(memory_.sync_file_system(partition_->root()));
    files_.reset();
  }
  void remove_maildir(const std::string& user) {
    for (const char* name_of_folder : {"tmp", "cur", "new"}) {
      const auto inner = memory_.open_at(
          partition_->root(), "x/" + user + "/Maildir/" + name_of_folder, fs::open_mode::directory);
      if (inner) {
        for (const auto& entry : memory_.list(*inner).value()) {
          EXPECT_TRUE(memory_.unlink_at(*inner, entry.name));
        }
        EXPECT_TRUE(memory_.remove_directory_at(folder("x/" + user + "/Maildir"), name_of_folder));
      }
    }
    if (memory_.open_at(partition_->root(), "x/" + user + "/Maildir", fs::open_mode::directory)) {
      EXPECT_TRUE(memory_.remove_directory_at(folder("x/" + user), "Maildir"));
    }
  }

  void expect_all_right(const std::string& when) {
    EXPECT_EQ(mail(), (test::visible_mail{{"x/a/Maildir/new/" + file_, text_},
                                          {"x/b/Maildir/new/" + file_, text_},
                                          {"x/c/Maildir/cur/" + file_ + ":2,S", text_},
                                          {"x/d/Maildir/new/" + file_, text_},
                                          {"x/e/Maildir/cur/" + file_ + ":2,RS", text_}}))
        << when;
    for (const char* user : {"a", "b", "c", "d", "e"}) {
      const fs::handle temporary = folder(fmt::format("x/{}/Maildir/tmp", user));
      for (const auto& entry : memory_.list(temporary).value()) {
        EXPECT_TRUE(entry.name.starts_with(restorer::temporary_prefix)) << when;
      }
    }
  }
  void expect_nothing_in_tmp(const std::string& when) {
    for (const char* user : {"b", "c", "d", "e"}) {
      EXPECT_EQ(in_temporary(fmt::format("x/{}/Maildir", user)), 0U) << when << ": " << user;
    }
  }
  // What a reader sees in the middle: whole messages, and those that were torn before.
  void expect_nothing_new_is_torn(const std::string& when) {
    for (const auto& [path, content] : mail()) {
      const bool was_torn = path.starts_with("x/d/") || path.starts_with("x/e/");
      EXPECT_TRUE(content == text_ || (was_torn && content == text_.substr(0, 20)))
          << when << ": " << path;
    }
    EXPECT_GE(mail().size(), 4U) << when;
  }
  void try_again(const std::string& when, restore_mode mode) {
    restorer r(*partition_);
    for (const auto& result : restore(r, everybody, mode)) {
      EXPECT_TRUE(result) << when << ": " << describe(result.error());
    }
    expect_all_right(when);
  }

  // Interrupts at the nth call; false once there are no more calls.
  bool interrupt(unsigned nth, restore_mode mode) {
    set_up(mode);
    const std::string when = fmt::format("mode {}, call {}", static_cast<int>(mode), nth);
    {
      restorer r(*partition_);
      files_.cut_power_at(nth);
      (void)restore(r, everybody, mode);
    }
    const bool interrupted = files_.power_is_cut();
    files_.reset();
    expect_nothing_new_is_torn(when);
    try_again(when, mode);
    return interrupted;
  }
  // The same, and the power is cut before the second attempt.
  bool interrupt_and_crash(unsigned nth, restore_mode mode, crash_keeps keeps) {
    set_up(mode);
    {
      restorer r(*partition_);
      files_.cut_power_at(nth);
      (void)restore(r, everybody, mode);
    }
    const bool interrupted = files_.power_is_cut();
    files_.reset();
    memory_.crash(keeps, nth);
    partition_ = open();
    try_again(fmt::format("call {}, then a crash", nth), restore_mode::compare);
    return interrupted;
  }

  // The nth call fails; false once there are no more calls.
  bool fail(unsigned nth, restore_mode mode, int error) {
    set_up(mode);
    const std::string when =
        fmt::format("mode {}, call {}, errno {}", static_cast<int>(mode), nth, error);
    const std::size_t handles = memory_.open_handles();
    std::size_t failures = 0;
    {
      restorer r(*partition_);
      files_.plan({.nth = nth, .error = error, .short_write = 7});
      for (const auto& result : restore(r, everybody, mode)) {
        if (!result) {
          ++failures;
          EXPECT_EQ(result.error().kind, failure_kind::transient) << when;
        }
      }
    }
    const bool struck = files_.calls().size() >= nth;
    if (struck && files_.calls()[nth - 1] != call::unlink_at) {
      expect_nothing_in_tmp(when);
    }
    EXPECT_LE(failures, 1U) << when << ": one call is one mailbox's";
    EXPECT_EQ(memory_.open_handles(), handles) << when << ": handles leak";
    files_.reset();
    expect_nothing_new_is_torn(when);
    try_again(when, mode);
    return struck;
  }
};

constexpr unsigned many = 400;

TEST_F(restorer_fault_test, interrupted_at_any_call_and_begun_again) {
  for (const bool unnamed : {true, false}) {
    memory_.set_unnamed_files(unnamed);
    for (const restore_mode mode : modes) {
      unsigned nth = 1;
      while (interrupt(nth, mode)) {
        ASSERT_LT(++nth, many);
      }
      EXPECT_GT(nth, 20U);
    }
  }
}

TEST_F(restorer_fault_test, interrupted_by_a_power_cut_and_begun_again) {
  for (const crash_keeps keeps :
       {crash_keeps::nothing, crash_keeps::anything, crash_keeps::everything}) {
    for (const restore_mode mode : {restore_mode::compare, restore_mode::rewrite}) {
      unsigned nth = 1;
      while (interrupt_and_crash(nth, mode, keeps)) {
        ASSERT_LT(++nth, many);
      }
      EXPECT_GT(nth, 20U);
    }
  }
}

TEST_F(restorer_fault_test, every_call_fails_in_every_way) {
  for (const bool unnamed : {true, false}) {
    memory_.set_unnamed_files(unnamed);
    for (const int error : {ENOSPC, EDQUOT, EIO, EMFILE, EROFS, EACCES, ENOMEM, ENOENT}) {
      for (const restore_mode mode : modes) {
        unsigned nth = 1;
        while (fail(nth, mode, error)) {
          ASSERT_LT(++nth, many);
        }
        EXPECT_GT(nth, 20U);
      }
    }
  }
}

TEST_F(restorer_fault_test, a_full_volume_fails_for_all_and_damages_nothing) {
  set_up(restore_mode::rewrite);
  memory_.set_capacity(byte_count{1});
  {
    restorer r(*partition_);
    for (const auto& result : restore(r, everybody, restore_mode::rewrite)) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().reason, failure_reason::full);
    }
  }
  expect_nothing_new_is_torn("full");
  memory_.set_capacity(1_GiB);
  try_again("room again", restore_mode::rewrite);
}

} // namespace
} // namespace homeward::maildir
