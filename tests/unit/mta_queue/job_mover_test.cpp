// One move, step by step: what is left alone and why, in which order things happen, and that each
// failing call leaves the job where it can be delivered.

#include <cerrno>

#include "tests/unit/mta_queue/queue_fixture.hpp"

namespace homeward::mta_queue {
namespace {

using fs::call;

class job_mover_test : public test::queue_fixture {
 protected:
  void expect_skipped(const std::string& why, const std::string& from = "/one/q1",
                      const std::string& to = "/two/q1") {
    const auto outcome = move(from, to, "A");
    EXPECT_EQ(outcome.result, move_result::skipped);
    EXPECT_NE(outcome.why.find(why), std::string::npos) << outcome.why;
  }
};

TEST_F(job_mover_test, moves_envelope_body_and_transcript) {
  sendmail.receive("/one/q1", "A");
  sendmail.receive("/one/q1", "B");
  put("/one/q1", "xfA", "transcript");
  const auto outcome = move("/one/q1", "/two/q1", "A");
  EXPECT_EQ(outcome.result, move_result::moved);
  EXPECT_EQ(outcome.envelope.created, 1000);
  EXPECT_EQ(names("/one/q1"), "dfB qfB");
  EXPECT_EQ(names("/two/q1"), "dfA qfA xfA");
  EXPECT_EQ(sendmail.deliverable({"/two/q1"}, "A"), 1);
}

TEST_F(job_mover_test, uses_sub_directories_on_either_side) {
  for (const char* part : {"qf", "df", "xf"}) {
    disk.make_directories(std::string("/two/q2/") + part);
  }
  disk.make_directories("/two/q3/df");
  sendmail.receive("/one/q1", "A");
  put("/one/q1", "xfA", "transcript");
  EXPECT_EQ(move("/one/q1", "/two/q2", "A").result, move_result::moved);
  EXPECT_EQ(names("/two/q2"), "df(dfA) qf(qfA) xf(xfA)");
  EXPECT_EQ(move("/two/q2", "/two/q3", "A").result, move_result::moved);
  EXPECT_EQ(names("/two/q3"), "df(dfA) qfA xfA");
  EXPECT_EQ(move("/two/q3", "/one/q1", "A").result, move_result::moved);
  EXPECT_EQ(names("/one/q1"), "dfA qfA xfA");
  EXPECT_EQ(names("/two/q3"), "df()");
}

TEST_F(job_mover_test, makes_the_body_visible_before_the_envelope_and_syncs_in_between) {
  sendmail.receive("/one/q1", "A");
  const auto from = at_faulty("/one/q1");
  const auto to = at_faulty("/two/q1");
  faulty.reset();
  ASSERT_EQ(job_mover(faulty, 0).move(from, to, "A", [](const auto&) { return true; }).result,
            move_result::moved);
  std::vector<call> changes;
  for (const call c : faulty.calls()) {
    if (c == call::try_flock || c == call::link_name_at || c == call::sync_all ||
        c == call::rename_at || c == call::unlink_at) {
      changes.push_back(c);
    }
  }
  // The last rename is that of the transcript.
  EXPECT_EQ(changes,
            (std::vector<call>{call::try_flock, call::link_name_at, call::sync_all, call::rename_at,
                               call::sync_all, call::sync_all, call::rename_at, call::unlink_at}));
}

TEST_F(job_mover_test, leaves_a_job_alone_that_sendmail_works_on) {
  sendmail.receive("/one/q1", "A");
  const auto queue = at("/one/q1");
  const auto held = disk.open_at(queue.envelopes(), "qfA", fs::open_mode::read_write).value();
  ASSERT_TRUE(disk.try_flock(held));
  EXPECT_EQ(move("/one/q1", "/two/q1", "A").result, move_result::locked);
  EXPECT_EQ(move("/one/q1", "/two/q1", "B").result, move_result::gone);
  EXPECT_EQ(names("/two/q1"), "");
}

TEST_F(job_mover_test, leaves_a_job_alone_that_is_not_wanted) {
  sendmail.receive("/one/q1", "A", 5000);
  const auto outcome = job_mover(disk, 0).move(at("/one/q1"), at("/two/q1"), "A",
                                               [](const auto& q) { return q.created < 5000; });
  EXPECT_EQ(outcome.result, move_result::unwanted);
  EXPECT_EQ(names("/one/q1"), "dfA qfA");
}

TEST_F(job_mover_test, skips_what_is_wrong_and_says_why) {
  put("/one/q1", "qfA", "V8\nT1000\n");
  expect_skipped("not complete");
  const auto queue = at("/one/q1");
  const auto again = [&](std::string_view text) {
    (void)disk.unlink_at(queue.envelopes(), "qfA");
    put("/one/q1", "qfA", text);
  };
  again("");
  expect_skipped("not complete");
  again("V8\nT1000\nd/elsewhere\n.\n");
  expect_skipped("another queue group");
  again("V9\nT1000\n.\n");
  expect_skipped("newer sendmail");
  again("V8\nT1000\n.\n");
  expect_skipped("has no df");
  put("/one/q1", "dfA", "body");
  put("/one/q1", "tfA", "");
  expect_skipped("has a tf");
  ASSERT_TRUE(disk.unlink_at(queue.envelopes(), "tfA"));
  ASSERT_TRUE(disk.link_name_at(queue.envelopes(), "qfA", queue.envelopes(), "qfB"));
  expect_skipped("second name");
  ASSERT_TRUE(disk.unlink_at(queue.envelopes(), "qfB"));
  EXPECT_EQ(names("/two/q1"), "");
  EXPECT_EQ(move("/one/q1", "/two/q1", "A").result, move_result::moved);
}

TEST_F(job_mover_test, follows_no_symbolic_link) {
  disk.plant_symlink("/one/q1/qfA");
  expect_skipped("symbolic link");
}

TEST_F(job_mover_test, never_replaces_a_job_of_the_same_id) {
  for (const char* other : {"qfA", "hfA", "QfA"}) {
    sendmail.receive("/one/q1", "A");
    put("/two/q1", other, test::envelope_text("A", 7));
    put("/two/q1", "dfA", "another body");
    expect_skipped("same id");
    EXPECT_EQ(names("/one/q1"), "dfA qfA");
    disk.crash(fs::crash_keeps::everything, 1);
    for (const std::string name : {"qfA", "dfA"}) {
      (void)disk.unlink_at(at("/one/q1").envelopes(), name);
    }
    (void)disk.unlink_at(at("/two/q1").envelopes(), other);
    (void)disk.unlink_at(at("/two/q1").envelopes(), "dfA");
  }
  sendmail.receive("/one/q1", "A");
  put("/two/q1", "dfA", "another body");
  expect_skipped("not the same");
  expect_skipped("not the same", "/one/q1", "/two/q1");
}

TEST_F(job_mover_test, a_body_shared_with_other_queue_groups_is_moved_as_any) {
  sendmail.receive("/one/q1", "A");
  const auto queue = at("/one/q1");
  ASSERT_TRUE(disk.link_name_at(queue.data(), "dfA", queue.data(), "dfB"));
  put("/one/q1", "qfB", test::envelope_text("A"));
  EXPECT_EQ(move("/one/q1", "/two/q1", "A").result, move_result::moved);
  EXPECT_EQ(names("/one/q1"), "dfB qfB");
  EXPECT_EQ(names("/two/q1"), "dfA qfA");
}

TEST_F(job_mover_test, goes_on_where_a_killed_one_stopped) {
  sendmail.receive("/one/q1", "A");
  ASSERT_TRUE(disk.link_name_at(at("/one/q1").data(), "dfA", at("/two/q1").data(), "dfA"));
  EXPECT_EQ(move("/one/q1", "/two/q1", "A").result, move_result::moved);
  EXPECT_EQ(names("/one/q1") + "|" + names("/two/q1"), "|dfA qfA");
}

TEST_F(job_mover_test, copies_to_another_file_system) {
  for (const std::string id : {"A", "B"}) {
    disk.set_unnamed_files(id == "A");
    sendmail.receive("/one/q1", id);
    put("/one/q1", "xf" + id, "transcript");
    EXPECT_EQ(move("/one/q1", "/far/q1", id).result, move_result::moved);
    EXPECT_EQ(names("/one/q1") + "|" + names("/far/q1"), "|df" + id + " qf" + id);
    disk.crash(fs::crash_keeps::nothing, 1);
    EXPECT_EQ(names("/far/q1"), "df" + id + " qf" + id);
    sendmail.run("/far/q1");
    EXPECT_EQ(sendmail.delivered(id), 1);
    // The envelope is gone for good; its body was in no hurry.
    (void)disk.unlink_at(at("/one/q1").data(), "df" + id);
    (void)disk.unlink_at(at("/one/q1").transcripts(), "xf" + id);
    EXPECT_EQ(names("/one/q1"), "");
  }
}

TEST_F(job_mover_test, ends_a_copy_that_was_broken_off) {
  sendmail.receive("/one/q1", "A");
  put("/far/q1", "dfA", test::body_text("A"));
  put("/far/q1", "qfA", test::envelope_text("A"));
  EXPECT_EQ(move("/one/q1", "/far/q1", "A").result, move_result::moved);
  EXPECT_EQ(names("/one/q1") + "|" + names("/far/q1"), "|dfA qfA");
  sendmail.receive("/one/q1", "B");
  put("/far/q1", "dfB", "another");
  put("/far/q1", "qfB", test::envelope_text("B", 5));
  EXPECT_EQ(move("/one/q1", "/far/q1", "B").result, move_result::skipped);
}

TEST_F(job_mover_test, does_not_hand_an_envelope_of_somebody_else_to_the_runner) {
  sendmail.receive("/one/q1", "A");
  const auto outcome = move("/one/q1", "/far/q1", "A", 25);
  EXPECT_EQ(outcome.result, move_result::skipped);
  EXPECT_NE(outcome.why.find("uid 25"), std::string::npos);
  EXPECT_EQ(move("/one/q1", "/two/q1", "A", 25).result, move_result::moved);
}

// Every call of a move fails once: the job stays deliverable in exactly one place, and the next
// attempt brings it over.
TEST_F(job_mover_test, any_failing_call_leaves_the_job_deliverable) {
  for (const std::string to : {"/two/q1", "/far/q1"}) {
    int failures = 0;
    for (unsigned nth = 1; nth < 60; ++nth) {
      const std::string id = fmt::format("{}{}", to[1], nth);
      sendmail.receive("/one/q1", id);
      const auto from = at_faulty("/one/q1");
      const auto target = at_faulty(to);
      faulty.reset();
      faulty.plan({.nth = nth, .error = EIO});
      const auto outcome =
          job_mover(faulty, 0).move(from, target, id, [](const auto&) { return true; });
      faulty.reset();
      failures += outcome.result == move_result::failed ? 1 : 0;
      const int places = sendmail.deliverable({"/one/q1", to}, id);
      EXPECT_GE(places, 1) << to << ' ' << nth;
      EXPECT_LE(places, to == "/far/q1" ? 2 : 1) << to << ' ' << nth;
      if (outcome.result == move_result::failed && places == 1 &&
          sendmail.deliverable({"/one/q1"}, id) == 1) {
        EXPECT_EQ(move("/one/q1", to, id).result, move_result::moved) << to << ' ' << nth;
      }
    }
    EXPECT_GE(failures, 15) << to;
  }
}

} // namespace
} // namespace homeward::mta_queue
