// homewardctl journal, on directories laid out octet by octet.

#include <fstream>
#include <iterator>

#include "stored/journal/identity_block.hpp"
#include "tests/unit/admin/admin_support.hpp"
#include "tests/unit/journal/journal_files.hpp"

namespace homeward::admin {
namespace {

using journal::abort_record;
using journal::checkpoint_record;
using journal::segment_writer;
using journal::test_delivery;
using journal::test_header;
using testing::admin_test;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class journal_tool : public admin_test {
 protected:
  journal_tool() {
    std::filesystem::create_directories(path("mail1/.homeward-journal"));
    std::filesystem::create_directories(path("out"));
  }
  void put(const std::string& name, const std::string& content) {
    write("mail1/.homeward-journal/" + name, content);
  }
  testing::run_result journal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "journal");
    return run(arguments);
  }
  testing::run_result verify() { return journal({"verify", path("mail1")}); }
  testing::run_result export_to_out(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"export", path("mail1"), path("out")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return journal(arguments);
  }
  std::string content(const std::string& name) {
    std::ifstream file(path("out/" + name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> exported() {
    std::vector<std::string> names;
    for (const auto& e : std::filesystem::directory_iterator(path("out"))) {
      names.push_back(e.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Records 1 to 6 in four groups.
  static segment_writer six_records() {
    segment_writer w(test_header(1, 1));
    w.group({test_delivery("one"), test_delivery("two")});
    auto apart = test_delivery("");
    apart.apart = true;
    apart.size = 9000000;
    w.synced_in(3000).group({apart});
    w.synced_in(5000).group({abort_record{.delivery = 1, .recipients = {1}}});
    w.synced_in(9000).group({checkpoint_record{.below = 2}, test_delivery("six\r\n\r\n")});
    return w;
  }
};

TEST_F(journal_tool, show_tells_all_figures) {
  put("segment-00000001", six_records().file());
  put("segment-00000002", std::string(65536, '\0'));
  const auto j = journal({"show", "--json", path("mail1")}).json();
  EXPECT_EQ(j["farm"], "farm");
  EXPECT_EQ(j["volume"], "10325476") << "no more: the volume id is a secret";
  EXPECT_EQ(j["checkpoint"], 2);
  EXPECT_EQ(j["next_record"], 7);
  EXPECT_EQ(j["backlog"]["delivery"]["records"], 2);
  EXPECT_EQ(j["backlog"]["delivery_apart"]["records"], 1);
  EXPECT_EQ(j["backlog"]["abort"]["records"], 1);
  EXPECT_EQ(j["groups"]["records"]["count"], 4);
  EXPECT_EQ(j["groups"]["records"]["max"], 2);
  EXPECT_EQ(j["groups"]["sync_microseconds"]["count"], 3);
  EXPECT_EQ(j["groups"]["sync_microseconds"]["median"], 5000);
  EXPECT_EQ(j["groups"]["sync_microseconds"]["max"], 9000);
  EXPECT_EQ(j["segments"][0]["state"], "live");
  EXPECT_EQ(j["segments"][0]["last_record"], 6);
  EXPECT_EQ(j["segments"][0]["used"], 5 * 4096);
  EXPECT_EQ(j["segments"][1]["state"], "unused");
  EXPECT_EQ(j["torn"], nullptr);
  EXPECT_THAT(ok({"journal", "show", path("mail1/.homeward-journal")}),
              AllOf(HasSubstr("2 deliveries"), HasSubstr("median 5.0 ms, p99 9.0 ms")));
}

TEST_F(journal_tool, a_note_leads_to_the_journal) {
  put("segment-00000001", six_records().file());
  std::filesystem::create_directories(path("mail2"));
  write("mail2/.homeward-journal-at", path("mail1/.homeward-journal") + '\n');
  EXPECT_THAT(ok({"journal", "verify", path("mail2/")}), HasSubstr("All is well."));
  EXPECT_EQ(journal({"show", path("out")}).code, 75);
  EXPECT_EQ(journal({"show", path("nowhere")}).code, 75);
}

TEST_F(journal_tool, verify_tells_torn_from_damaged) {
  std::string good = six_records().file();
  put("segment-00000001", good);
  EXPECT_EQ(verify().code, 0);
  std::string torn = good;
  torn[torn.find("six")] = 'S';
  put("segment-00000001", torn);
  auto r = verify();
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, AllOf(HasSubstr("segment-00000001 at offset"), HasSubstr("harmless")));
  std::string damaged = good;
  damaged[damaged.find("two")] = 'T';
  put("segment-00000001", damaged);
  r = verify();
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.out, AllOf(HasSubstr("DAMAGE: the journal is damaged"),
                           HasSubstr("segment-00000001 at offset"), HasSubstr("copy"),
                           HasSubstr("Records that can be read: 1, 3 to 6\n"),
                           HasSubstr("Records that cannot, between them: 2\n")));
  EXPECT_EQ(journal({"show", path("mail1")}).code, 2);
  const auto j = journal({"verify", "--json", path("mail1")}).json();
  EXPECT_EQ(j["unreadable"], nlohmann::json::parse("[[2, 2]]"));
}

TEST_F(journal_tool, verify_sees_records_that_make_no_sense) {
  segment_writer w(test_header(1, 1));
  w.group({test_delivery("one"), abort_record{.delivery = 1, .recipients = {2}}});
  w.group({abort_record{.delivery = 9, .recipients = {0}}});
  put("segment-00000001", w.file());
  const auto r = verify();
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.out, AllOf(HasSubstr("refuses recipient 2 of record 1, which has 2"),
                           HasSubstr("recipients of the later record 9")));
}

TEST_F(journal_tool, verify_reads_the_files_beside) {
  put("segment-00000001", six_records().file());
  const journal::logged_identity one{.high = 1, .low = 2, .seconds = 3, .origin = "mx1"};
  const std::string block = journal::encode_block(std::array{one}, 1795170000);
  put("identities-00000001", block + block + std::string(100, '\0'));
  EXPECT_EQ(verify().code, 0);
  put("identities-00000001", block + block.substr(0, 30));
  EXPECT_EQ(verify().code, 1);
  std::string first_is_bad = block + block;
  first_is_bad[40] ^= 1;
  put("identities-00000001", first_is_bad);
  EXPECT_EQ(verify().code, 2);
  put("identities-00000001", block);

  segment_writer parked(test_header(1, 1, 1, 3 * 4096));
  parked.group({test_delivery("parked")}).group({test_delivery("too")});
  const std::string name = "parked-0123456789abcdef0123456789abcdef-00c0ffee";
  put(name, parked.file());
  EXPECT_EQ(verify().code, 0);
  EXPECT_THAT(ok({"journal", "show", path("mail1")}),
              HasSubstr("0123456789abcdef0123456789abcdef           2"));
  put(name, std::string(3 * 4096, '\0'));
  EXPECT_EQ(verify().code, 1);
  put(name, std::string(4096, 'x') + parked.file().substr(4096));
  EXPECT_EQ(verify().code, 2);
  put(name, parked.file().substr(0, 2 * 4096));
  EXPECT_EQ(verify().code, 2);
  std::string bad = parked.file();
  bad[bad.find("parked")] = 'P';
  put(name, bad);
  EXPECT_EQ(verify().code, 2);
}

TEST_F(journal_tool, export_writes_octets_and_envelopes) {
  put("segment-00000001", six_records().file());
  const auto r = export_to_out();
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("3 messages written"), HasSubstr("1 envelope of large")));
  EXPECT_EQ(exported(), (std::vector<std::string>{"1.eml", "1.json", "2.eml", "2.json", "3.json",
                                                  "6.eml", "6.json"}));
  EXPECT_EQ(content("6.eml"), "six\r\n\r\n");
  const auto one = nlohmann::json::parse(content("1.json"));
  EXPECT_EQ(one["mailboxes"], nlohmann::json::parse(R"(["ann@example.org"])"));
  EXPECT_EQ(one["refused"], nlohmann::json::parse(R"(["bob@example.org"])"));
  EXPECT_EQ(one["sender"], "sender@example.org");
  EXPECT_EQ(one["name"], "1.a.b");
  const auto again = export_to_out();
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("is not empty"));
}

TEST_F(journal_tool, export_writes_what_is_asked_for) {
  put("segment-00000001", six_records().file());
  EXPECT_EQ(export_to_out({"--from", "3"}).code, 0);
  EXPECT_EQ(exported(), (std::vector<std::string>{"3.json", "6.eml", "6.json"}));
  std::filesystem::remove_all(path("out"));
  std::filesystem::create_directories(path("out"));
  EXPECT_EQ(export_to_out({"--mailbox", "eve@example.org"}).code, 0);
  EXPECT_EQ(export_to_out({"--partition", "fedcba"}).code, 0);
  EXPECT_EQ(exported(), std::vector<std::string>());
}

TEST_F(journal_tool, export_saves_what_damage_has_left) {
  std::string damaged = six_records().file();
  damaged[damaged.find("one")] = 'O';
  put("segment-00000001", damaged);
  put("segment-00000002", std::string(4096, 'x'));
  const auto r = export_to_out();
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.out, HasSubstr("2 messages written"));
  EXPECT_THAT(r.err, AllOf(HasSubstr("segment-00000002"), HasSubstr("the journal is damaged")));
  EXPECT_EQ(content("2.eml"), "two");
  EXPECT_EQ(content("6.eml"), "six\r\n\r\n");
}

// A number in a torn end was never acknowledged, and is given again by the next segment.
TEST_F(journal_tool, export_takes_no_number_from_a_torn_end) {
  segment_writer first(test_header(1, 1));
  first.group({test_delivery("one"), test_delivery("two")});
  first.group({test_delivery("never"), test_delivery("acknowledged")});
  std::string torn = first.file();
  torn[torn.find("never")] = 'N';
  put("segment-00000001", torn);
  segment_writer second(test_header(2, 3));
  second.group({test_delivery("three"), test_delivery("four")});
  second.group({test_delivery("five")});
  std::string damaged = second.file();
  damaged[damaged.find("three")] = 'T';
  put("segment-00000002", damaged);
  const auto r = export_to_out();
  EXPECT_EQ(r.code, 2) << r.err;
  EXPECT_THAT(r.out, HasSubstr("4 messages written"));
  EXPECT_EQ(content("4.eml"), "four");
  EXPECT_EQ(journal({"verify", "--json", path("mail1")}).json()["unreadable"],
            nlohmann::json::parse("[[3, 3]]"));
}

} // namespace
} // namespace homeward::admin
