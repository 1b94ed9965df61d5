// Directories and patterns.

#include "lib/mta_queue/queue_directory.hpp"

#include "tests/unit/mta_queue/queue_fixture.hpp"

namespace homeward::mta_queue {
namespace {

class queue_directory_test : public test::queue_fixture {};

using names_list = std::vector<std::string>;

TEST_F(queue_directory_test, patterns_name_directories) {
  for (const char* path : {"/spool/mqueue/q1", "/spool/mqueue/q10", "/spool/mqueue/q2/qf",
                           "/spool/mqueue/store/q1", "/spool/mqueue2/q1", "/spool/mqueue/.q"}) {
    disk.make_directories(path);
  }
  put("/spool/mqueue", "qfile", "no directory");
  EXPECT_EQ(expand_pattern(disk, "/spool/mqueue/q*").value(),
            (names_list{"/spool/mqueue/q1", "/spool/mqueue/q10", "/spool/mqueue/q2"}));
  EXPECT_EQ(expand_pattern(disk, "/spool/mqueue*/q1/").value(),
            (names_list{"/spool/mqueue/q1", "/spool/mqueue2/q1"}));
  EXPECT_EQ(expand_pattern(disk, "/spool/mqueue").value(), (names_list{"/spool/mqueue"}));
  EXPECT_EQ(open_pattern(disk, "/spool/mqueue/q?")->size(), 2U);
}

TEST_F(queue_directory_test, patterns_that_mean_nothing_are_failures_with_advice) {
  for (const char* pattern : {"/spool/x*", "q*", "", "/*/nothing*"}) {
    const auto found = expand_pattern(disk, pattern);
    ASSERT_TRUE(found.has_error()) << pattern;
    EXPECT_FALSE(found.error().advice.empty()) << pattern;
  }
  const auto missing = open_pattern(disk, "/one/q9");
  ASSERT_TRUE(missing.has_error());
  EXPECT_NE(missing.error().what.find("/one/q9"), std::string::npos);
}

TEST_F(queue_directory_test, lists_what_sendmail_sees) {
  disk.make_directories("/one/split/qf");
  disk.make_directories("/one/split/df");
  for (const char* name : {"qfB", "qfA", "hfC", "QfD", "dfA", "tfE", "xfA"}) {
    put("/one/split", name, "");
  }
  // In the wrong place for a directory with sub-directories.
  const auto root = disk.open_directory("/one/split").value();
  ASSERT_TRUE(disk.open_at(root, "qfZ", fs::open_mode::create_new));
  ASSERT_TRUE(disk.open_at(root, "core", fs::open_mode::create_new));
  const auto listing = at("/one/split").list(disk).value();
  EXPECT_EQ(listing.envelopes, (names_list{"A", "B"}));
  EXPECT_EQ(listing.quarantined, names_list{"C"});
  EXPECT_EQ(listing.lost, names_list{"D"});
  EXPECT_EQ(listing.data, names_list{"A"});
  EXPECT_EQ(listing.temporary, names_list{"E"});
  EXPECT_EQ(listing.transcripts, names_list{"A"});
  EXPECT_EQ(listing.others, 2U);
  EXPECT_EQ(listing.messages(), 4U);
  EXPECT_EQ(at("/one/split").path_of(file_kind::data, "A"), "/one/split/df/dfA");
  EXPECT_EQ(at("/one/split").path_of(file_kind::transcript, "A"), "/one/split/xfA");
}

} // namespace
} // namespace homeward::mta_queue
