#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/maildir/partition.hpp"

namespace homeward::maildir {
namespace {

constexpr std::string_view identity_text = "homeward-partition 1\n"
                                           "name mail1\n"
                                           "id 0123456789abcdef0123456789abcdef\n"
                                           "path {domain}/{local}/Maildir\n"
                                           "created 2026-11-20T10:50:00Z\n";

TEST(identity, reads_the_golden_bytes_of_the_format_document) {
  std::ifstream document(HOMEWARD_SOURCE_DIR "/docs/format/partition.md");
  const std::string page((std::istreambuf_iterator<char>(document)), {});
  EXPECT_NE(page.find("```\n" + std::string(identity_text) + "```"), std::string::npos);
  const auto parsed = parse_identity(identity_text);
  ASSERT_TRUE(parsed) << describe(parsed.error());
  EXPECT_EQ(parsed->name, "mail1");
  EXPECT_EQ(parsed->id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(parsed->paths.text(), "{domain}/{local}/Maildir");
  EXPECT_EQ(format_identity(*parsed), identity_text);
}

TEST(identity, is_refused_when_damaged) {
  const std::string good(identity_text);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const std::array<std::string, 12> damaged = {"",
                                               "homeward-partition 1\n",
                                               good.substr(0, good.size() - 1),
                                               with("partition 1", "partition 2"),
                                               with("name mail1\n", ""),
                                               with("name mail1", "name ../x"),
                                               with("id 0123", "id 012X"),
                                               with("id 0123", "id 123"),
                                               with("{local}", "{locale}"),
                                               good + "owner root\n",
                                               good + "name mail1\n",
                                               good + "\n"};
  for (const std::string& text : damaged) {
    const auto parsed = parse_identity(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, failure_kind::transient);
    EXPECT_FALSE(parsed.error().advice.empty());
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(parse_identity(good.substr(0, cut))) << cut;
  }
}

class partition_test : public ::testing::Test {
 protected:
  partition_test() { memory_.make_directories("/srv/mail1"); }

  result<identity> initialise(bool adopt = false) {
    return partition::initialise(files_, "/srv/mail1", {.name = "mail1", .adopt_existing = adopt},
                                 wall_time(std::chrono::seconds(1795171800)));
  }
  result<partition> open(std::string_view name = "mail1") {
    return partition::open(files_, "/srv/mail1", name);
  }
  fs::handle root() { return memory_.open_directory("/srv/mail1").value(); }

  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
};

TEST_F(partition_test, is_made_once_and_opened_by_name) {
  const auto made = initialise();
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(made->created, "2026-11-20T10:50:00Z");
  EXPECT_EQ(made->id.size(), 32U);
  const auto opened = open();
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_EQ(opened->id(), made->id);
  EXPECT_EQ(opened->name(), "mail1");
  EXPECT_TRUE(opened->makes_maildirs());
  EXPECT_TRUE(opened->check());
  EXPECT_GT(opened->space().value().free.octets, 0U);
  EXPECT_FALSE(initialise()) << "never twice";
  EXPECT_FALSE(initialise(true)) << "not even when adopting";
}

TEST_F(partition_test, survives_a_power_cut_at_every_step_of_its_making) {
  for (unsigned step = 1; step < 20; ++step) {
    memory_.make_directories("/srv/mail" + std::to_string(step + 1));
    const std::string path = "/srv/mail" + std::to_string(step + 1);
    files_.reset();
    files_.cut_power_at(step);
    const bool said_done = partition::initialise(files_, path, {.name = "m"}, {}).has_value();
    const bool cut = files_.power_is_cut();
    memory_.crash(fs::crash_keeps::anything, step);
    files_.reset();
    const auto opened = partition::open(files_, path, "m");
    if (said_done) {
      EXPECT_TRUE(opened) << step;
    } else if (!opened) {
      EXPECT_NE(opened.error().what.find("no identity file"), std::string::npos)
          << "half an identity after step " << step << ": " << describe(opened.error());
    }
    if (!cut) {
      return;
    }
  }
  ADD_FAILURE() << "initialise takes more steps than this test knows";
}

TEST_F(partition_test, is_not_made_in_an_occupied_directory) {
  ASSERT_TRUE(files_.make_directory_at(root(), "lost+found"));
  ASSERT_TRUE(files_.make_directory_at(root(), "example.org"));
  const auto refused = initialise();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().cause.find("example.org"), std::string::npos);
  EXPECT_TRUE(initialise(true)) << "unless the Maildirs are to be adopted";
}

TEST_F(partition_test, may_have_lost_and_found) {
  ASSERT_TRUE(files_.make_directory_at(root(), "lost+found"));
  EXPECT_TRUE(initialise());
}

TEST_F(partition_test, is_not_made_under_a_bad_name_or_template) {
  for (const std::string_view bad : {"", ".x", "a/b", "a b", "\xC3\xBC"}) {
    EXPECT_FALSE(partition::initialise(files_, "/srv/mail1", {.name = std::string(bad)}, {}));
  }
  EXPECT_FALSE(partition::initialise(files_, "/srv/mail1",
                                     {.name = "mail1", .path_template = "../{local}"}, {}));
  EXPECT_TRUE(files_.list(root()).value().empty()) << "nothing was written";
}

TEST_F(partition_test, without_its_identity_is_an_unmounted_volume) {
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, failure_kind::transient);
  EXPECT_EQ(opened.error().reason, failure_reason::no_partition);
  EXPECT_NE(opened.error().advice.find("--init-partition"), std::string::npos);
  const auto absent = partition::open(files_, "/srv/absent", "mail1");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().reason, failure_reason::no_partition);
}

TEST_F(partition_test, of_another_name_is_refused) {
  ASSERT_TRUE(initialise());
  const auto opened = open("mail2");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, failure_reason::no_partition);
  EXPECT_NE(opened.error().cause.find("mail1"), std::string::npos);
}

TEST_F(partition_test, with_a_damaged_identity_or_a_link_in_its_place_is_refused) {
  const fs::handle file =
      files_.open_at(root(), identity_file_name, fs::open_mode::create_new).value();
  const std::string_view garbage = "homeward-partition 1\nname ma";
  ASSERT_TRUE(files_.write(file, 0, {&garbage, 1}));
  ASSERT_FALSE(open());
  EXPECT_EQ(open().error().reason, failure_reason::no_partition);
  ASSERT_TRUE(files_.unlink_at(root(), identity_file_name));
  memory_.plant_symlink("/srv/mail1/.homeward-partition");
  ASSERT_FALSE(open());
  EXPECT_EQ(open().error().kind, failure_kind::transient);
}

TEST_F(partition_test, read_only_is_refused_at_start_and_noticed_later) {
  ASSERT_TRUE(initialise());
  const auto opened = open();
  ASSERT_TRUE(opened);
  memory_.set_read_only(true);
  EXPECT_FALSE(open());
  const auto checked = opened->check();
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().what.find("read-only"), std::string::npos);
}

TEST_F(partition_test, notices_when_another_directory_takes_its_place) {
  ASSERT_TRUE(initialise());
  const auto opened = open();
  ASSERT_TRUE(opened);
  const fs::handle srv = memory_.open_directory("/srv").value();
  ASSERT_TRUE(memory_.rename_at(srv, "mail1", srv, "away", fs::on_existing::refuse));
  EXPECT_FALSE(opened->check());
  ASSERT_TRUE(memory_.make_directory_at(srv, "mail1"));
  const auto checked = opened->check();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().reason, failure_reason::no_partition);
  ASSERT_TRUE(memory_.remove_directory_at(srv, "mail1"));
  ASSERT_TRUE(memory_.rename_at(srv, "away", srv, "mail1", fs::on_existing::refuse));
  EXPECT_TRUE(opened->check());
  ASSERT_TRUE(memory_.unlink_at(root(), identity_file_name));
  EXPECT_FALSE(opened->check()) << "identity removed";
}

TEST_F(partition_test, every_failing_call_is_a_transient_failure) {
  ASSERT_TRUE(initialise());
  for (unsigned nth = 1; nth < 10; ++nth) {
    files_.reset();
    files_.plan({.nth = nth, .error = EIO});
    const auto opened = open();
    if (opened) {
      EXPECT_GT(nth, 3U);
      return;
    }
    EXPECT_EQ(opened.error().kind, failure_kind::transient);
  }
}

TEST_F(partition_test, a_plain_one_needs_no_identity_and_makes_nothing) {
  const auto opened = partition::open_plain(files_, "/srv/mail1", "nfs1", path_template());
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->makes_maildirs());
  EXPECT_TRUE(opened->check());
  EXPECT_EQ(opened->id(), "");
  EXPECT_TRUE(files_.list(root()).value().empty());
  EXPECT_FALSE(partition::open_plain(files_, "/srv/absent", "nfs1", path_template()));
}

} // namespace
} // namespace homeward::maildir
