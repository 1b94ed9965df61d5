// Bodies without an envelope.

#include "lib/mta_queue/leftovers.hpp"

#include "tests/unit/mta_queue/queue_fixture.hpp"

namespace homeward::mta_queue {
namespace {

class leftovers_test : public test::queue_fixture {
 protected:
  repair_report repair(const repair_options& options) {
    std::vector<queue_directory> opened;
    for (const char* path : {"/one/q1", "/two/q1", "/far/q1"}) {
      opened.push_back(at(path));
    }
    return repair_leftovers(disk, opened, options).value();
  }

  void second_name(const std::string& from, const std::string& to) {
    ASSERT_TRUE(disk.link_name_at(at(from).data(), "dfA", at(to).data(), "dfA"));
  }
};

TEST_F(leftovers_test, second_names_of_either_side_are_removed) {
  sendmail.receive("/one/q1", "A");
  second_name("/one/q1", "/two/q1"); // killed after the link
  EXPECT_EQ(repair({.dry_run = true, .now = 1000}).second_names, 1U);
  EXPECT_EQ(names("/two/q1"), "dfA");
  EXPECT_EQ(repair({.now = 1000}).second_names, 1U);
  EXPECT_EQ(names("/one/q1") + "|" + names("/two/q1"), "dfA qfA|");
  second_name("/one/q1", "/two/q1");
  ASSERT_TRUE(disk.rename_at(at("/one/q1").envelopes(), "qfA", at("/two/q1").envelopes(), "qfA",
                             fs::on_existing::refuse)); // killed after the rename
  EXPECT_EQ(repair({.now = 1000}).second_names, 1U);
  EXPECT_EQ(names("/one/q1") + "|" + names("/two/q1"), "|dfA qfA");
}

TEST_F(leftovers_test, nothing_is_touched_while_the_job_is_locked) {
  sendmail.receive("/one/q1", "A");
  second_name("/one/q1", "/two/q1");
  const auto held = disk.open_at(at("/one/q1").envelopes(), "qfA", fs::open_mode::read_write);
  ASSERT_TRUE(disk.try_flock(*held));
  EXPECT_EQ(repair({.remove_orphans = true, .now = 1000000}).second_names, 0U);
  EXPECT_EQ(names("/two/q1"), "dfA");
}

TEST_F(leftovers_test, another_body_of_the_same_id_is_no_second_name) {
  sendmail.receive("/one/q1", "A");
  put("/two/q1", "dfA", test::body_text("A"));
  const auto report = repair({.remove_orphans = true, .now = 1000000});
  EXPECT_EQ(report.second_names + report.orphans_removed, 0U);
  EXPECT_EQ(names("/two/q1"), "dfA");
}

TEST_F(leftovers_test, orphans_go_only_when_asked_and_old) {
  put("/one/q1", "dfA", "12345");
  EXPECT_EQ(repair({.remove_orphans = false, .now = 1000000}).orphans_kept, 1U);
  EXPECT_EQ(repair({.remove_orphans = true, .now = 1000 + 86400}).orphans_kept, 1U);
  const auto elsewhere =
      repair({.remove_orphans = true, .now = 1000000, .is_known_elsewhere = [](const auto& id) {
                return id == "A";
              }});
  EXPECT_EQ(elsewhere.kept, std::vector<std::string>{"/one/q1/dfA"});
  const auto removed = repair({.remove_orphans = true, .now = 1000 + 86401});
  EXPECT_EQ(removed.orphans_removed, 1U);
  EXPECT_EQ(removed.octets_freed, 5U);
  EXPECT_EQ(names("/one/q1"), "");
}

TEST_F(leftovers_test, a_body_with_any_envelope_is_none) {
  for (const char* envelope : {"qfA", "hfB", "QfC", "tfD"}) {
    put("/one/q1", envelope, test::envelope_text("A"));
    put("/one/q1", std::string("df") + envelope[2], "body");
  }
  const auto report = repair({.remove_orphans = true, .now = 1000000});
  EXPECT_EQ(report.orphans_removed, 0U);
  EXPECT_EQ(names("/one/q1"), "QfC dfA dfB dfC dfD hfB qfA tfD");
}

} // namespace
} // namespace homeward::mta_queue
