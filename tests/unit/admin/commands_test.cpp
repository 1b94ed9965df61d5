// The commands on a real directory file, as a person and as a program uses them.

#include "tests/unit/admin/admin_support.hpp"

namespace homeward::admin {
namespace {

using testing::admin_test;
using ::testing::HasSubstr;
using ::testing::Not;

class commands : public admin_test {
 protected:
  void SetUp() override { make_directory(); }
};

TEST_F(commands, servers) {
  EXPECT_THAT(ok({"server", "list"}),
              HasSubstr("store2           1      0  127.0.0.1:2 unix:/run/s2"));
  EXPECT_THAT(ok({"server", "show", "store1"}), HasSubstr("store1/mail1 (1 user)"));
  ok({"server", "set", "store1", "--endpoint", "10.0.0.1:2424"});
  EXPECT_EQ(run({"--json", "server", "show", "store1"}).json()["endpoints"][0], "10.0.0.1:2424");
  auto r = run({"server", "remove", "store1", "--yes"});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("server store1 still has 1 partition"));
  ok({"server", "add", "empty"});
  EXPECT_THAT(ok({"server", "remove", "empty", "--yes"}), HasSubstr("no longer in the directory"));
  EXPECT_EQ(run({"server", "show", "empty"}).code, 2);
  r = run({"server", "add", "bad name"});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("is not a server name"));
  EXPECT_EQ(ok({"server", "list", "--names"}), "store1\nstore2\n");
}

TEST_F(commands, partitions) {
  EXPECT_THAT(ok({"partition", "add", "store1/mail2", "--weight", "3"}),
              HasSubstr("stored --init-partition mail2"));
  ok({"server", "add", "nfs"});
  EXPECT_THAT(ok({"partition", "add", "nfs/old", "--kind", "path", "--path", "/mnt/old"}),
              HasSubstr("no new users (weight 0)"));
  EXPECT_THAT(ok({"partition", "set", "store1/mail1", "--state", "offline"}),
              HasSubstr("waits in the MTA's queue"));
  EXPECT_EQ(ok({"partition", "list", "--names", "--server", "store1"}),
            "store1/mail1\nstore1/mail2\n");
  const auto all = run({"partition", "list", "--json"}).json();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0]["state"], "offline");
  EXPECT_EQ(all[0]["users"], 1);
  EXPECT_EQ(all[2]["weight"], 3);
  EXPECT_EQ(all[3]["path"], "/mnt/old");
  auto r = run({"partition", "remove", "store1/mail1", "--yes"});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("1 user still lives on partition store1/mail1"));
  EXPECT_EQ(run({"partition", "set", "store1/mail1"}).code, 64);
  EXPECT_EQ(run({"partition", "set", "store1/mail1", "--weight", "1001"}).code, 64);
  EXPECT_EQ(run({"partition", "show", "store1"}).code, 2);
  EXPECT_EQ(run({"partition", "add", "store9/x"}).code, 2);
  EXPECT_THAT(ok({"partition", "remove", "nfs/old", "--yes"}), HasSubstr("Its files stay"));
}

TEST_F(commands, users_are_placed_in_turn) {
  EXPECT_THAT(ok({"user", "add", "bob@example.org"}), HasSubstr("store2/mail1 (next in turn)"));
  EXPECT_THAT(ok({"user", "add", "eve@example.org"}), HasSubstr("store1/mail1 (next in turn)"));
  EXPECT_THAT(ok({"user", "add", "zoe@example.org", "--home", "store1/mail1"}),
              Not(HasSubstr("next in turn")));
  EXPECT_THAT(ok({"user", "add", "max@example.org"}), HasSubstr("store2/mail1"));
  const auto r = run({"user", "add", "bob@example.org"});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("there is a user bob@example.org already"));
  EXPECT_THAT(ok({"user", "add", "ida@example.org"}), HasSubstr("store1/mail1"))
      << "a refused one takes no turn";
}

TEST_F(commands, a_user_shown_listed_and_changed) {
  ok({"user", "add", "Bob@Example.ORG", "--quota", "5GiB", "--secondary", "store1/mail1", "--home",
      "store2/mail1"});
  auto j = run({"--json", "user", "show", "bob@example.org"}).json();
  EXPECT_EQ(j["mailbox"], "bob@example.org") << "the address rules are applied";
  EXPECT_EQ(j["quota"], 5368709120U);
  EXPECT_EQ(j["secondary"], "store1/mail1");
  EXPECT_THAT(ok({"user", "show", "bob@example.org"}),
              HasSubstr("example.org/bob/Maildir beneath partition mail1 on server store2"));
  EXPECT_THAT(ok({"user", "set", "bob@example.org", "--quota", "none", "--secondary", "none",
                  "--state", "disabled"}),
              HasSubstr("second copy none, quota none, disabled, epoch 2"));
  EXPECT_THAT(ok({"user", "list"}), HasSubstr("2 users"));
  EXPECT_EQ(ok({"user", "list", "b*", "--names"}), "bob@example.org\n");
  EXPECT_EQ(run({"user", "list", "--state", "disabled", "--json"}).json().size(), 1U);
  EXPECT_EQ(run({"user", "list", "nobody*", "--json"}).json().size(), 0U);
  EXPECT_EQ(run({"user", "set", "bob@example.org"}).code, 64);
  EXPECT_THAT(run({"user", "set", "bob@example.org", "--quota", "5 GB"}).err,
              HasSubstr("\"5 GB\" is not a size"));
  EXPECT_EQ(run({"user", "show", "nobody@example.org"}).code, 2);
  EXPECT_THAT(run({"user", "show", "no@body@example.org"}).err, HasSubstr("is not an address"));
}

TEST_F(commands, changing_a_home_says_that_mail_stays_and_asks) {
  const std::vector<std::string> move = {"user", "set", "ann@example.org", "--home",
                                         "store2/mail1"};
  auto r = run(move, "n\n");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err,
              HasSubstr("Mail that is already there is not moved: it stays at\n"
                        "  example.org/ann/Maildir beneath partition mail1 on server store1"));
  EXPECT_EQ(run({"--json", "user", "show", "ann@example.org"}).json()["home"], "store1/mail1");
  r = run(move);
  EXPECT_EQ(r.code, 2) << "nobody there to ask";
  EXPECT_THAT(r.err, HasSubstr("give --yes to confirm"));
  EXPECT_EQ(run(move, "y\n").code, 0);
  const auto j = run({"--json", "user", "show", "ann@example.org"}).json();
  EXPECT_EQ(j["home"], "store2/mail1");
  EXPECT_EQ(j["epoch"], 2);
}

TEST_F(commands, removing_a_user_says_what_happens_to_the_mail_and_asks) {
  auto r = run({"user", "remove", "ann@example.org"}, "no\n");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err,
              HasSubstr("No mail is deleted: what is stored stays at\n"
                        "  example.org/ann/Maildir beneath partition mail1 on server store1"));
  EXPECT_THAT(r.err, HasSubstr("Nothing was changed."));
  EXPECT_EQ(run({"user", "remove", "ann@example.org"}).code, 2);
  EXPECT_EQ(run({"user", "show", "ann@example.org"}).code, 0);
  r = run({"user", "remove", "ann@example.org"}, "yes\n");
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("Nothing was deleted: the mail lies at"));
  EXPECT_EQ(run({"user", "remove", "ann@example.org", "--yes"}).code, 2);
  r = run({"user", "add", "ann@example.org", "--home", "store1/mail1"});
  EXPECT_THAT(r.err, HasSubstr("a user ann@example.org was removed on"));
  EXPECT_EQ(run({"--json", "user", "show", "ann@example.org"}).json()["epoch"], 2);
}

TEST_F(commands, a_path_home_is_named_in_full) {
  ok({"server", "add", "nfs"});
  ok({"partition", "add", "nfs/old", "--kind", "path", "--path", "/mnt/old"});
  ok({"user", "add", "old@example.org", "--home", "nfs/old"});
  EXPECT_EQ(run({"--json", "user", "remove", "old@example.org", "--yes"}).json()["mail_lies"],
            "/mnt/old/example.org/old/Maildir");
}

TEST_F(commands, locate_explains) {
  const auto r = run({"locate", "Ann+lists@EXAMPLE.org"});
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("ann+lists@example.org: no such user"));
  EXPECT_THAT(r.out, HasSubstr("ann@example.org: found"));
  EXPECT_THAT(r.out, HasSubstr("store1/mail1 (active), epoch 1"));
  EXPECT_THAT(r.out, HasSubstr("handed to stored on store1"));
  ok({"partition", "set", "store1/mail1", "--state", "offline"});
  EXPECT_THAT(ok({"locate", "<ann@example.org>"}),
              HasSubstr("\"try later\": the partition is offline"));
  ok({"user", "set", "ann@example.org", "--state", "disabled"});
  EXPECT_THAT(ok({"locate", "ann@example.org"}), HasSubstr("refused for good"));
}

TEST_F(commands, locate_nobody) {
  auto r = run({"locate", "ann@example.net"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("Nobody has the address ann@example.net"));
  EXPECT_THAT(r.out, HasSubstr("There is: ann@example.org"));
  r = run({"locate", "ann@example.net", "--json"});
  EXPECT_EQ(r.code, 1);
  EXPECT_TRUE(r.json()["mailbox"].is_null());
  EXPECT_EQ(run({"locate", "a b"}).code, 2);
}

TEST_F(commands, import_is_all_or_nothing) {
  const auto file =
      write("passwd", "bob:x:1000:1:::\nann:x:1001:1:::\neve:x:1002:1:::\nbad line\n");
  const std::vector<std::string> import = {"user",     "import",      "--format", "passwd",
                                           "--domain", "example.org", file};
  auto r = run(import);
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err,
              HasSubstr(file + ":2: there is a user ann@example.org already, on store1/mail1"));
  EXPECT_THAT(r.err, HasSubstr(file + ":4: there are 1 fields where passwd has 7"));
  EXPECT_THAT(r.out, HasSubstr("2 users not imported: nothing was changed; 2 lines with problems"));
  EXPECT_EQ(run({"user", "list", "--json"}).json().size(), 1U);

  auto keep = import;
  keep.emplace_back("--keep-going");
  r = run(keep);
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("2 users imported"));
  EXPECT_EQ(run({"user", "list", "--json"}).json().size(), 3U);
}

TEST_F(commands, import_dry_run_and_json) {
  const auto file = write("users.csv", "mailbox,home,quota\nbob@example.org,,\neve@example.org,"
                                       "store1/mail1,1 GiB\nann@example.org,,\n");
  auto r = run({"--json", "user", "import", "--format", "csv", file, "--dry-run", "--skip-existing",
                "--quota", "7 MiB"});
  EXPECT_EQ(r.code, 0);
  const auto j = r.json();
  EXPECT_EQ(j["imported"], false);
  EXPECT_EQ(j["existing"], 1);
  EXPECT_EQ(j["users"][0]["home"], "store2/mail1") << "next in turn";
  EXPECT_EQ(j["users"][0]["quota"], 7U << 20U);
  EXPECT_EQ(j["users"][1]["quota"], 1U << 30U);
  EXPECT_EQ(run({"user", "list", "--json"}).json().size(), 1U);
  EXPECT_EQ(run({"user", "import", "--format", "csv", file, "--skip-existing"}).code, 0);
  EXPECT_EQ(run({"--json", "user", "show", "bob@example.org"}).json()["home"], "store2/mail1")
      << "the dry run took no turn";
}

TEST_F(commands, import_from_the_standard_input_and_from_nowhere) {
  terminal_ = false;
  EXPECT_EQ(run({"user", "import", "--format", "csv", "-"}, "bob@example.org\n").code, 0);
  EXPECT_EQ(run({"user", "show", "bob@example.org"}).code, 0);
  const auto r = run({"user", "import", "--format", "csv", path("missing")});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("cannot read"));
  EXPECT_EQ(run({"user", "import", "--format", "xml", "-"}).code, 64);
}

TEST_F(commands, import_to_an_unknown_home_is_a_problem_of_its_line) {
  const auto file = write("users.csv", "bob@example.org,store9/mail1\n");
  const auto r = run({"user", "import", "--format", "csv", file});
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr(":1: there is no partition store9/mail1"));
}

TEST_F(commands, backup_restore_and_check) {
  EXPECT_THAT(ok({"directory", "backup", path("b.db")}), HasSubstr("Backed up to"));
  ok({"user", "remove", "ann@example.org", "--yes"});
  auto r = run({"directory", "restore", path("b.db")}, "n\n");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("now:    0 users on 2 partitions"));
  EXPECT_THAT(r.err, HasSubstr("backup: 1 user on 2 partitions"));
  EXPECT_EQ(run({"directory", "restore", path("b.db"), "--yes"}).code, 0);
  EXPECT_EQ(run({"user", "show", "ann@example.org"}).code, 0);
  EXPECT_THAT(ok({"directory", "check"}), HasSubstr("no errors"));
  EXPECT_EQ(run({"directory", "backup", path("directory.db")}).code, 2) << "not over itself";
  EXPECT_EQ(run({"directory", "init"}).code, 2) << "not over an existing one";

  write("directory.db", std::string(5000, 'x'));
  r = run({"directory", "check"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("error: "));
  EXPECT_THAT(r.out, HasSubstr("homewardctl directory restore"));
  EXPECT_EQ(run({"user", "list"}).code, 75);
  r = run({"directory", "restore", path("b.db"), "--yes"});
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("The damaged file was kept as"));
  EXPECT_EQ(run({"user", "show", "ann@example.org"}).code, 0);
}

TEST_F(commands, export_reads_back_as_a_static_directory) {
  write("static.yaml", ok({"directory", "export"}));
  const auto r = run({"--directory", path("static.yaml"), "--json", "user", "list"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.json()[0]["home"], "store1/mail1");
  EXPECT_THAT(ok({"--directory", path("static.yaml"), "directory", "check"}),
              HasSubstr("no errors"));
  const auto refused = run({"--directory", path("static.yaml"), "user", "add", "bob@example.org"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("yourself"));
  EXPECT_THAT(ok({"directory", "export", "--format", "csv"}),
              HasSubstr("ann@example.org,store1/mail1,,,active\n"));
  write("broken.yaml", "users: 1\n");
  EXPECT_EQ(run({"--directory", path("broken.yaml"), "directory", "check"}).code, 1);
}

TEST_F(commands, publish_works_for_both_engines) {
  ok({"directory", "publish", path("p.db"), "--mode", "0640"});
  EXPECT_EQ(run({"--directory", path("p.db"), "user", "show", "ann@example.org"}).code, 0);
  write("static.yaml", ok({"directory", "export"}));
  ok({"--directory", path("static.yaml"), "directory", "publish", path("q.db")});
  EXPECT_EQ(run({"--directory", path("q.db"), "user", "show", "ann@example.org"}).code, 0);
  EXPECT_EQ(run({"directory", "publish", path("p.db"), "--mode", "rw"}).code, 64);
  EXPECT_EQ(run({"directory", "publish", path("directory.db")}).code, 2) << "not over itself";
}

TEST_F(commands, the_directory_is_found_in_the_settings) {
  const auto file = write("bridge.yaml", "lmtp: {anything: 1}\n"
                                         "directory:\n  file: " +
                                             path("directory.db") +
                                             "\naddresses:\n  default_domain: example.org\n"
                                             "  recipient_delimiter: \"-\"\n");
  variables_.clear();
  EXPECT_EQ(run({"--settings", file, "locate", "ann-lists"}).code, 0);
  EXPECT_EQ(run({"--settings", file, "locate", "ann+lists"}).code, 1);
}

TEST_F(commands, locate_knows_catch_alls) {
  ok({"user", "add", "rest@example.org"});
  const auto file = write("bridge.yaml", "directory:\n  file: " + path("directory.db") +
                                             "\naddresses:\n  catch_all:\n"
                                             "    - {domain: example.org, mailbox: "
                                             "rest@example.org}\n"
                                             "    - {domain: example.net, mailbox: "
                                             "absent@example.net}\n");
  auto r = run({"--settings", file, "--json", "locate", "typo+x@example.org"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.json()["looked_up"],
            nlohmann::json::array({"typo+x@example.org", "typo@example.org", "rest@example.org"}));
  EXPECT_EQ(r.json()["mailbox"], "rest@example.org");
  r = run({"--settings", file, "--json", "locate", "ann+x@example.net"});
  EXPECT_EQ(r.code, 1);
  EXPECT_EQ(r.json()["similar"], nlohmann::json::array({"ann@example.org"}))
      << "people of the name that was asked for, not of the catch-all";
}

TEST_F(commands, a_settings_file_with_a_mistake_stops_the_command) {
  const auto file = write("bridge.yaml", "directory:\n  fiel: x\n");
  const auto r = run({"--settings", file, "user", "list"});
  EXPECT_EQ(r.code, 78);
  EXPECT_THAT(r.err, HasSubstr(file + ":2: directory.fiel: is not a known setting; did you mean"));
  EXPECT_EQ(run({"--settings", path("missing.yaml"), "user", "list"}).code, 78);
}

TEST_F(commands, an_unreachable_directory_is_a_passing_fault) {
  const auto r = run({"--directory", path("missing.db"), "--json", "user", "list"});
  EXPECT_EQ(r.code, 75);
  EXPECT_THAT(r.err, HasSubstr("homewardctl directory init"));
  EXPECT_EQ(r.json()["error"]["what"], "the user directory is not available");
}

TEST_F(commands, wrong_command_lines_are_answered_with_what_was_meant) {
  auto r = run({"usr", "list"});
  EXPECT_EQ(r.code, 64);
  EXPECT_THAT(r.err, HasSubstr("\"usr\" is not known to `homewardctl`; did you mean user?"));
  r = run({"user", "lits"});
  EXPECT_THAT(r.err, HasSubstr("\"lits\" is not known to `homewardctl user`; did you mean list?"));
  r = run({"user", "list", "--jsno"});
  EXPECT_THAT(r.err, HasSubstr("did you mean --json?"));
  r = run({"user", "show"});
  EXPECT_THAT(r.err, HasSubstr("mailbox is required"));
  EXPECT_THAT(r.err, HasSubstr("See `homewardctl user show --help`"));
  EXPECT_EQ(run({}).code, 64);
}

TEST_F(commands, help_teaches) {
  EXPECT_THAT(ok({"--help"}), HasSubstr("homewardctl directory init"));
  for (const char* command : {"server", "partition", "user", "directory", "locate", "completion"}) {
    EXPECT_THAT(ok({command, "--help"}), HasSubstr("Example")) << command;
  }
  EXPECT_THAT(ok({"--version"}), HasSubstr(HOMEWARD_VERSION));
}

TEST_F(commands, the_manual_page_has_every_command) {
  const std::string page = ok({"--manual"});
  EXPECT_THAT(page, HasSubstr(".TH \"HOMEWARDCTL\" 8"));
  for (const char* command : {"server add", "partition set", "user import", "directory publish",
                              "deliver\\-test", "status"}) {
    EXPECT_THAT(page, HasSubstr(command));
  }
}

TEST_F(commands, the_packaged_completion_is_what_the_program_prints) {
  std::ifstream in(std::string(HOMEWARD_SOURCE_DIR) + "/packaging/completion/homewardctl.bash");
  const std::string packaged{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(packaged, ok({"completion", "bash"}))
      << "homewardctl completion bash > packaging/completion/homewardctl.bash";
}

TEST_F(commands, an_address_cannot_steer_the_terminal) {
  const auto r = run({"user", "show", "\x1b[31m@example.org"});
  EXPECT_EQ(r.err.find('\x1b'), std::string::npos);
}

} // namespace
} // namespace homeward::admin
