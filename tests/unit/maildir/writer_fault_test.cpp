// Every call of a delivery fails once in every way: nothing half done may stay visible, nobody else
// may suffer, and the next delivery works.

#include <array>
#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::maildir {
namespace {

using fs::call;
using strings = std::vector<std::string>;

constexpr std::string_view message = "Subject: x\r\n\r\nbody\r\n";

struct errno_case {
  int error;
  failure_reason reason;
};
constexpr std::array<errno_case, 8> errors = {{{ENOSPC, failure_reason::full},
                                               {EDQUOT, failure_reason::quota},
                                               {EIO, failure_reason::temp},
                                               {EMFILE, failure_reason::temp},
                                               {EROFS, failure_reason::temp},
                                               {EACCES, failure_reason::temp},
                                               {ENOMEM, failure_reason::temp},
                                               {EFBIG, failure_reason::temp}}};

class writer_fault_test : public test::mail_store {
 protected:
  // Delivers with the nth call failing; false once there are no more calls to fail.
  bool fail_call(writer& w, unsigned nth, const errno_case& c, const strings& mailboxes) {
    files_.reset();
    files_.plan({.nth = nth, .error = c.error, .short_write = 7});
    const std::size_t handles = memory_.open_handles();
    const auto results = deliver(w, message, mailboxes);
    const bool struck = files_.calls().size() >= nth;
    EXPECT_EQ(memory_.open_handles(), handles) << "handles leak";
    std::size_t filed_mailboxes = 0;
    for (const auto& r : results) {
      if (r) {
        ++filed_mailboxes;
        continue;
      }
      EXPECT_EQ(r.error().kind, failure_kind::transient);
      EXPECT_EQ(r.error().reason, c.reason) << describe(r.error());
    }
    files_.reset();
    const test::visible_mail seen = mail();
    EXPECT_EQ(seen.size(), filed_mailboxes) << "call " << nth << ", errno " << c.error;
    for (const auto& [path, text] : seen) {
      EXPECT_NE(path.find(fmt::format(",S={},W={}", text.size(), test::wire_size(text))),
                std::string::npos);
      EXPECT_TRUE(text.ends_with("\n\nbody\n"));
    }
    for (std::size_t i = 0; i < results.size(); ++i) { // make room for the next round
      if (results[i]) {
        EXPECT_TRUE(w.withdraw(mailboxes[i], results[i]->file_name));
      }
    }
    return struck;
  }

  void fail_every_call(const filing_settings& settings, const strings& mailboxes) {
    for (const errno_case& c : errors) {
      writer w(*partition_, settings);
      unsigned nth = 1;
      while (fail_call(w, nth, c, mailboxes)) {
        ++nth;
        ASSERT_LT(nth, 100U);
      }
      EXPECT_GE(nth, 4U);
      for (const auto& r : deliver(w, message, mailboxes)) {
        ASSERT_TRUE(r) << "the next delivery works";
        EXPECT_TRUE(w.withdraw(mailboxes[0], r->file_name));
      }
      for (const std::string& mailbox : mailboxes) {
        for (const auto& [path, text] : mail()) {
          EXPECT_TRUE(w.withdraw(mailbox, path.substr(path.rfind('/') + 1)));
        }
      }
    }
  }
};

const strings one = {"ann@example.org"};
const strings three = {"ann@example.org", "bob@example.net", "root"};

TEST_F(writer_fault_test, late_recipe) {
  fail_every_call({.recipe = sync_recipe::late}, one);
  fail_every_call({.recipe = sync_recipe::late}, three);
}

TEST_F(writer_fault_test, strict_recipe) {
  fail_every_call({.recipe = sync_recipe::strict}, one);
  fail_every_call({.recipe = sync_recipe::strict}, three);
}

TEST_F(writer_fault_test, no_recipe) {
  fail_every_call({.recipe = sync_recipe::none}, three);
}

TEST_F(writer_fault_test, a_file_each) {
  fail_every_call({.recipe = sync_recipe::strict, .header = delivered_to::always}, three);
}

TEST_F(writer_fault_test, without_unnamed_files) {
  memory_.set_unnamed_files(false);
  fail_every_call({.recipe = sync_recipe::late}, three);
}

TEST_F(writer_fault_test, a_failed_late_sync_takes_every_name_back) {
  writer w(*partition_, {.recipe = sync_recipe::late});
  files_.reset();
  files_.plan({.kind = call::sync_all, .error = EIO});
  for (const auto& r : deliver(w, message, three)) {
    EXPECT_FALSE(r);
  }
  EXPECT_TRUE(mail().empty());
  EXPECT_EQ(files_.count(call::sync_all), 1U) << "a failed sync is never tried again";
}

TEST_F(writer_fault_test, what_cannot_be_taken_back_is_said) {
  writer w(*partition_, {.recipe = sync_recipe::late});
  files_.plan({.kind = call::sync_all, .error = EIO});
  files_.plan({.kind = call::unlink_at, .error = EIO, .for_ever = true});
  const auto results = deliver(w, message, one);
  ASSERT_FALSE(results[0]);
  EXPECT_NE(results[0].error().cause.find("still visible"), std::string::npos);
  EXPECT_EQ(mail().size(), 1U);
}

TEST_F(writer_fault_test, a_strict_sync_of_one_directory_fails_one_mailbox) {
  {
    writer w(*partition_, {.recipe = sync_recipe::late});
    for (std::size_t i = 0; i < three.size(); ++i) { // make the Maildirs
      ASSERT_TRUE(w.withdraw(three[i], deliver(w, message, {three[i]})[0]->file_name));
    }
  }
  writer w(*partition_, {.recipe = sync_recipe::strict});
  files_.reset();
  files_.plan({.kind = call::sync_all, .nth = 3, .error = EIO}); // file, first, second
  const auto results = deliver(w, message, three);
  EXPECT_TRUE(results[0]);
  EXPECT_FALSE(results[1]);
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(mail().size(), 2U);
}

TEST_F(writer_fault_test, the_only_name_taken_back_does_not_spoil_the_neighbours) {
  writer w(*partition_, {.recipe = sync_recipe::strict});
  for (const auto& r : deliver(w, "Subject: first\r\n\r\n", three)) { // makes the Maildirs
    ASSERT_TRUE(r);
  }
  for (std::size_t i = 0; i < three.size(); ++i) {
    const std::string path = mail().begin()->first;
    ASSERT_TRUE(w.withdraw(three[i], path.substr(path.rfind('/') + 1)));
  }
  files_.reset();
  files_.plan({.kind = call::sync_all, .nth = 2, .error = EIO}); // file, first new/
  const auto results = deliver(w, message, three);
  EXPECT_FALSE(results[0]);
  EXPECT_TRUE(results[1]);
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(mail().size(), 2U);
}

TEST_F(writer_fault_test, a_repeat_is_not_reported_when_its_sync_fails_and_stays) {
  writer w(*partition_, {.recipe = sync_recipe::late, .taken = when_taken::is_repeat});
  ASSERT_TRUE(deliver(w, message, one)[0]);
  files_.reset();
  files_.plan({.kind = call::sync_all, .error = EIO});
  EXPECT_FALSE(deliver(w, message, one)[0]);
  EXPECT_EQ(mail().size(), 1U) << "an earlier attempt may have been acknowledged";
}

TEST_F(writer_fault_test, a_full_volume_refuses_and_heals) {
  writer w(*partition_, {});
  memory_.set_capacity(byte_count{500});
  const auto refused = deliver(w, std::string(1000, 'x'), three);
  for (const auto& r : refused) {
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().reason, failure_reason::full);
  }
  EXPECT_TRUE(mail().empty());
  memory_.set_capacity(byte_count{5000});
  EXPECT_TRUE(deliver(w, std::string(1000, 'x'), three)[0]);
}

} // namespace
} // namespace homeward::maildir
