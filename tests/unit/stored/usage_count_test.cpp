#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "stored/quota/usage_count.hpp"

using namespace homeward;
using namespace homeward::stored;

namespace {

class usage_count_test : public testing::Test {
 protected:
  usage_count_test() {
    memory_.make_directories("/srv/mail1");
    EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1", {.name = "mail1"}, {}));
    where_ = std::make_unique<maildir::partition>(
        maildir::partition::open(files_, "/srv/mail1", "mail1").value());
    files_.reset();
  }

  static std::string folder(const std::string& name = "new") {
    return "/srv/mail1/x/ann/Maildir/" + name;
  }
  // A file of `size` octets.
  void put(const std::string& directory, const std::string& name, std::size_t size) {
    memory_.make_directories(directory);
    const auto at = memory_.open_directory(directory);
    const auto file = memory_.open_at(*at, name, fs::open_mode::create_new);
    const std::string content(size, 'x');
    const std::string_view piece = content;
    ASSERT_TRUE(memory_.write(*file, 0, {&piece, 1}));
  }
  result<mailbox_content> count(const names_left_out& left_out = {}) {
    return count_usage(*where_, "ann@x", left_out);
  }
  static std::string fault_of(const result<mailbox_content>& r) {
    return r ? "none" : describe(r.error());
  }

  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  std::unique_ptr<maildir::partition> where_;
};

} // namespace

TEST(size_in_name, is_what_stands_behind_s) {
  EXPECT_EQ(size_in_name("1.k.mx,S=123,W=130"), 123U);
  EXPECT_EQ(size_in_name("1.k.mx,S=123:2,S"), 123U);
  EXPECT_EQ(size_in_name("1.k.mx,W=130,S=0"), 0U);
  for (const char* none : {"1.k.mx", "", "1.k.mx,W=130", "1.k.mx:2,S=12", "1.k.mx,S=", "a,S=-1",
                           "a,S=12x", "a,S=99999999999999999999", "a,S=9223372036854775807"}) {
    EXPECT_FALSE(size_in_name(none)) << none;
  }
}

TEST_F(usage_count_test, a_maildir_that_is_not_there_is_empty) {
  EXPECT_EQ(count().value(), mailbox_content{});
  memory_.make_directories("/srv/mail1/x/ann/Maildir");
  EXPECT_EQ(count().value(), mailbox_content{});
}

TEST_F(usage_count_test, counts_the_inbox_and_every_folder) {
  put(folder(), "1.a.mx,S=100,W=110", 1);
  put(folder("cur"), "1.b.mx,S=20,W=22:2,RS", 1);
  put(folder(".Trash/cur"), "1.c.mx,S=3:2,T", 1);
  put(folder(".Archive.2025/new"), "1.d.mx,S=4", 1);
  EXPECT_EQ(count().value(), (mailbox_content{127, 4}));
}

TEST_F(usage_count_test, looks_at_files_whose_name_tells_no_size) {
  put(folder(), "1.a.mx", 7);
  put(folder("cur"), "1.b.mx:2,S", 11);
  put(folder("cur"), "1.c.mx,S=junk", 13);
  EXPECT_EQ(count().value(), (mailbox_content{31, 3}));
}

TEST_F(usage_count_test, leaves_out_what_is_no_message) {
  put(folder(), "1.a.mx,S=5", 1);
  put(folder(), ".nfs0001", 1);
  put(folder("tmp"), "1.b.mx,S=50", 1);
  put("/srv/mail1/x/ann/Maildir", "dovecot-uidlist", 500);
  put(folder("plain/new"), "1.c.mx,S=500", 1);
  memory_.make_directories(folder("cur/directory"));
  EXPECT_EQ(count().value(), (mailbox_content{5, 1}));
}

TEST_F(usage_count_test, a_message_that_is_met_twice_counts_once) {
  put(folder(), "1.a.mx,S=5", 1);
  put(folder("cur"), "1.a.mx,S=5:2,S", 1);
  EXPECT_EQ(count().value(), (mailbox_content{5, 1}));
}

TEST_F(usage_count_test, leaves_out_what_is_under_way_but_not_in_other_folders) {
  put(folder(), "1.a.mx,S=5", 1);
  put(folder(), "1.b.mx,S=50", 1);
  put(folder("cur"), "1.c.mx,S=500:2,", 1);
  put(folder(".Old/cur"), "1.c.mx,S=500:2,", 1);
  const auto left_out = [] { return std::unordered_set<std::string>{"1.b.mx", "1.c.mx"}; };
  EXPECT_EQ(count(left_out).value(), (mailbox_content{505, 2}));
}

TEST_F(usage_count_test, what_vanishes_meanwhile_does_not_count) {
  put(folder(), "1.a.mx", 5);
  put(folder("cur"), "1.b.mx", 6);
  files_.plan({.kind = fs::call::status_at, .nth = 1, .error = ENOENT});
  EXPECT_EQ(count().value(), (mailbox_content{6, 1}));
  put(folder(".Gone/cur"), "1.c.mx,S=7", 1);
  // new, cur, the root, .Gone/new (not there), .Gone/cur
  files_.plan({.kind = fs::call::open_at, .nth = 5, .error = ENOENT});
  EXPECT_EQ(count().value(), (mailbox_content{11, 2}));
}

// Every call fails once: nothing is believed to be empty because it could not be read.
TEST_F(usage_count_test, what_cannot_be_read_is_not_taken_for_empty) {
  put(folder(), "1.a.mx", 5);
  put(folder("cur"), "1.b.mx", 6);
  put(folder(".Trash/new"), "1.c.mx", 7);
  put(folder(".Trash/cur"), "1.d.mx", 8);
  files_.reset();
  ASSERT_EQ(count().value(), (mailbox_content{26, 4}));
  const std::size_t calls = files_.calls().size();
  ASSERT_GE(calls, 10U);
  for (const int error : {EACCES, EIO, ELOOP, ESTALE}) {
    for (unsigned nth = 1; nth <= calls; ++nth) {
      files_.reset();
      files_.plan({.kind = {}, .nth = nth, .error = error});
      EXPECT_NE(fault_of(count()), "none") << nth;
    }
  }
}

TEST_F(usage_count_test, a_mailbox_that_cannot_be_a_path_fails) {
  EXPECT_FALSE(count_usage(*where_, "", {}));
}
