#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"

#include "lmtp-bridge/delivery/path_homes.hpp"
#include "tests/unit/bridge/small_directory.hpp"

namespace homeward::bridge {
namespace {

namespace files = std::filesystem;
namespace sp = store_protocol;

class path_homes_test : public testing::Test {
 protected:
  void SetUp() override {
    where_.id = {"nfs", "home"};
    where_.kind = directory::partition_kind::path;
    where_.path = folder_.path + "/home";
    make_maildir("ann");
  }
  void make_maildir(const std::string& user) const {
    for (const char* part : {"tmp", "new", "cur"}) {
      files::create_directories(maildir(user) + "/" + part);
    }
  }
  [[nodiscard]] std::string maildir(const std::string& user) const {
    return where_.path + "/example.org/" + user + "/Maildir";
  }
  [[nodiscard]] std::vector<std::string> messages(const std::string& user) const {
    std::vector<std::string> all;
    for (const auto& entry : files::directory_iterator(maildir(user) + "/new")) {
      std::ifstream in(entry.path(), std::ios::binary);
      all.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return all;
  }
  std::vector<sp::outcome> deliver(const std::vector<std::string>& mailboxes) {
    sp::envelope e;
    e.size.octets = message_.size();
    e.name = {.seconds = 1, .key = "k1", .origin = "mx"};
    e.sender = "x@y.org";
    e.has_sender = true;
    for (const std::string& m : mailboxes) {
      e.recipients.push_back({.mailbox = m});
    }
    return homes_.deliver(where_, e, message_);
  }

  tests::temporary_folder folder_;
  fs::real_file_system files_;
  path_homes homes_{files_, maildir::path_template()};
  directory::partition where_;
  fs::message_spool message_{std::string("Subject: x\r\n\r\nhello\r\n")};
};

TEST_F(path_homes_test, files_into_an_existing_maildir) {
  const auto o = deliver({"ann@example.org"});
  ASSERT_TRUE(o[0]) << describe(o[0].error());
  EXPECT_EQ(o[0]->name, "1.k1.mx");
  ASSERT_EQ(messages("ann").size(), 1U);
  EXPECT_EQ(messages("ann")[0],
            "Return-Path: <x@y.org>\nDelivered-To: ann@example.org\nSubject: x\n\nhello\n");
}

TEST_F(path_homes_test, the_same_attempt_again_makes_no_second_copy) {
  ASSERT_TRUE(deliver({"ann@example.org"})[0]);
  const auto again = deliver({"ann@example.org"});
  ASSERT_TRUE(again[0]) << describe(again[0].error());
  EXPECT_TRUE(again[0]->repeat);
  EXPECT_EQ(messages("ann").size(), 1U);
}

TEST_F(path_homes_test, a_missing_maildir_is_try_later_and_is_not_made) {
  const auto o = deliver({"nobody@example.org", "ann@example.org"});
  EXPECT_FALSE(o[0]);
  EXPECT_EQ(o[0].error().kind, failure_kind::transient);
  EXPECT_TRUE(o[1]);
  EXPECT_FALSE(files::exists(where_.path + "/example.org/nobody"));
}

TEST_F(path_homes_test, a_tree_that_is_not_mounted_is_try_later_and_comes_back_by_itself) {
  ASSERT_TRUE(deliver({"ann@example.org"})[0]);
  files::rename(where_.path, where_.path + ".away");
  const auto away = deliver({"ann@example.org"});
  EXPECT_FALSE(away[0]);
  EXPECT_EQ(away[0].error().kind, failure_kind::transient);
  EXPECT_FALSE(files::exists(where_.path));
  files::rename(where_.path + ".away", where_.path);
  EXPECT_TRUE(deliver({"ann@example.org"})[0]);
}

} // namespace
} // namespace homeward::bridge
