#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "milter/lookup/session.hpp"
#include "tests/unit/bridge/small_directory.hpp"
#include "tests/unit/milter/known_facts.hpp"

namespace homeward::milter::lookup {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* farm = R"(
servers:
  - {name: store1, endpoints: ["store1.example:2400", "127.0.0.1:2400"]}
  - {name: store2, endpoints: ["[2001:db8::2]:2400"]}
  - {name: here, endpoints: ["unix:/run/homeward/stored.sock"]}
  - {name: nfs, endpoints: []}
partitions:
  - {server: store1, directory: mail1}
  - {server: store2, directory: mail1, state: offline}
  - {server: here, directory: mail1}
  - {server: nfs, directory: old, kind: path, path: /mnt/old}
users:
  - {mailbox: ann@example.org, home: store1/mail1}
  - {mailbox: bob@example.org, home: store2/mail1}
  - {mailbox: cat@example.org, home: here/mail1}
  - {mailbox: dan@example.org, home: nfs/old}
  - {mailbox: gone@example.org, home: store1/mail1, state: disabled}
  - {mailbox: rest@example.org, home: store1/mail1}
  - {mailbox: '"two words"@example.org', home: store1/mail1}
)";

class lookup_maps : public testing::Test {
 protected:
  lookup_maps() { known_.domains = {"example.org", "caught.example"}; }

  [[nodiscard]] std::shared_ptr<const maps> make() {
    return std::make_shared<const maps>(
        sources{known_,
                [this] { return rules_; },
                [this] { return directory_.view(); },
                {.of_stores = "homeward:unix:homeward/lmtp.sock", .of_path_homes = old_route_}});
  }
  [[nodiscard]] std::string ask(std::string_view map, std::string_view key) {
    return to_text(make()->ask(map, key));
  }

  homeward::tests::small_directory directory_;
  milter::tests::known_facts known_;
  std::string old_route_ = "virtual:";
  std::shared_ptr<const mail::address_rules> rules_ =
      std::make_shared<const mail::address_rules>(mail::address_rules{
          .default_domain = "example.org", .catch_all = {{"caught.example", "rest@example.org"}}});
};

TEST_F(lookup_maps, mailbox_is_found_by_the_address_rules) {
  directory_.write(farm);
  EXPECT_EQ(ask("mailbox", "ann@example.org"), "OK ann@example.org");
  EXPECT_EQ(ask("mailbox", "Ann+Lists@EXAMPLE.org"), "OK ann@example.org");
  EXPECT_EQ(ask("mailbox", "<ann@example.org>"), "OK ann@example.org");
  EXPECT_EQ(ask("mailbox", "ann@example.org."), "OK ann@example.org");
  EXPECT_EQ(ask("mailbox", "ann"), "OK ann@example.org");
  EXPECT_EQ(ask("mailbox", "typo+x@caught.example"), "OK rest@example.org");
  EXPECT_EQ(ask("mailbox", "\"two words\"@example.org"), "OK \"two words\"@example.org");
  EXPECT_EQ(ask("mailbox", "bob@example.org"), "OK bob@example.org") << "offline is not unknown";
}

TEST_F(lookup_maps, strangers_the_disabled_and_what_is_no_address_are_not_found) {
  directory_.write(farm);
  for (const char* map : {"mailbox", "transport", "home", "host"}) {
    for (const char* key : {"nobody@example.org", "ann@elsewhere.example", "gone@example.org", "",
                            "*", "<>", "a b@c", "@example.org", "two words@example.org"}) {
      EXPECT_EQ(ask(map, key), "NOTFOUND ") << map << ' ' << key;
    }
  }
}

TEST_F(lookup_maps, transport_is_that_of_the_settings) {
  directory_.write(farm);
  EXPECT_EQ(ask("transport", "ann@example.org"), "OK homeward:unix:homeward/lmtp.sock");
  EXPECT_EQ(ask("transport", "dan@example.org"), "OK virtual:");
  old_route_.clear();
  EXPECT_EQ(ask("transport", "dan@example.org"), "NOTFOUND ");
  EXPECT_EQ(ask("mailbox", "dan@example.org"), "OK dan@example.org");
}

TEST_F(lookup_maps, home_and_host_are_those_of_the_directory) {
  directory_.write(farm);
  EXPECT_EQ(ask("home", "ann@example.org"), "OK store1/mail1");
  EXPECT_EQ(ask("home", "dan@example.org"), "OK nfs/old");
  EXPECT_EQ(ask("home", "typo@caught.example"), "OK store1/mail1");
  EXPECT_EQ(ask("host", "ann@example.org"), "OK store1.example");
  EXPECT_EQ(ask("host", "bob@example.org"), "OK 2001:db8::2");
  EXPECT_EQ(ask("host", "cat@example.org"), "OK localhost");
  EXPECT_EQ(ask("host", "dan@example.org"), "NOTFOUND ") << "no server of ours";
}

TEST_F(lookup_maps, domain_is_one_with_users) {
  directory_.write(farm);
  EXPECT_EQ(ask("domain", "Example.ORG"), "OK example.org");
  EXPECT_EQ(ask("domain", "example.org."), "OK example.org");
  EXPECT_EQ(ask("domain", "ann@example.org"), "OK example.org");
  EXPECT_EQ(ask("domain", "caught.example"), "OK caught.example");
  EXPECT_EQ(ask("domain", "sub.example.org"), "NOTFOUND ");
  EXPECT_EQ(ask("domain", ""), "NOTFOUND ");
}

TEST_F(lookup_maps, nothing_is_not_found_before_the_directory_was_read) {
  known_.is_complete = false;
  known_.domains = {"named.example"};
  for (const char* map : {"mailbox", "transport", "home", "host"}) {
    for (const char* key : {"ann@example.org", "a b", "ann@elsewhere.example"}) {
      EXPECT_THAT(ask(map, key), StartsWith("TEMP the user directory is not available")) << map;
    }
  }
  EXPECT_THAT(ask("domain", "example.org"), StartsWith("TEMP "));
  EXPECT_EQ(ask("domain", "named.example"), "OK named.example");
  EXPECT_EQ(ask("transport", "*"), "NOTFOUND ") << "there never is a default";
}

TEST_F(lookup_maps, a_map_that_there_is_not_bounces_nothing) {
  directory_.write(farm);
  for (const char* map : {"mailboxes", "", "MAILBOX", "a\nb"}) {
    EXPECT_THAT(ask(map, "nobody@example.org"), StartsWith("TEMP there is no map \"")) << map;
  }
  EXPECT_THAT(ask("x", "y"), HasSubstr("known are mailbox, transport, home, host, domain"));
}

std::string frame(std::string_view text) {
  std::string out;
  append_netstring(out, text);
  return out;
}

// Everything that is answered to a stream in pieces of `step` octets.
std::string answers_to(session& s, std::string_view stream, std::size_t step) {
  std::string all;
  while (!stream.empty() && !s.ended()) {
    std::string_view piece = stream.substr(0, step);
    stream.remove_prefix(piece.size());
    while (!piece.empty() && !s.ended()) {
      std::string out;
      const std::size_t taken = s.receive(piece, out);
      EXPECT_GT(taken, 0U);
      EXPECT_LT(out.size(), answering::enough_output + 2000);
      piece.remove_prefix(taken);
      all += out;
    }
  }
  return all;
}

using lookup_session = lookup_maps;

TEST_F(lookup_session, answers_in_order_however_the_octets_come) {
  directory_.write(farm);
  const std::string stream = frame("mailbox ann@example.org") +
                             frame("mailbox nobody@example.org") + frame("home bob@example.org") +
                             frame("nonsense") + frame("") + frame("domain example.org") +
                             frame("mailbox ");
  const std::string expected =
      frame("OK ann@example.org") + frame("NOTFOUND ") + frame("OK store2/mail1");
  session whole(make());
  const std::string all = answers_to(whole, stream, stream.size());
  EXPECT_THAT(all, StartsWith(expected));
  EXPECT_THAT(all, HasSubstr("TEMP there is no map \"nonsense\""));
  EXPECT_TRUE(all.ends_with(frame("OK example.org") + frame("NOTFOUND ")));
  for (std::size_t step = 1; step <= 40; ++step) {
    session s(make());
    EXPECT_EQ(answers_to(s, stream, step), all) << "in pieces of " << step;
    EXPECT_TRUE(s.idle());
    EXPECT_FALSE(s.ended());
  }
}

TEST_F(lookup_session, five_thousand_at_once_are_answered_in_order_and_in_bounded_memory) {
  directory_.write(farm);
  std::string stream;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const bool exists = i % 3 != 0;
    stream += frame(exists ? fmt::format("mailbox ann+{}@example.org", i)
                           : fmt::format("mailbox no{}@example.org", i));
    expected += frame(exists ? "OK ann@example.org" : "NOTFOUND ");
  }
  session s(make());
  EXPECT_EQ(answers_to(s, stream, stream.size()), expected);
}

TEST_F(lookup_session, ends_at_what_is_no_netstring_after_answering_what_came_before) {
  directory_.write(farm);
  session s(make());
  EXPECT_EQ(answers_to(s, frame("mailbox ann@example.org") + "GET / HTTP/1.1\r\n\r\n", 5),
            frame("OK ann@example.org"));
  EXPECT_TRUE(s.ended());
  EXPECT_EQ(s.fault(), "a length was expected");
  session unfinished(make());
  EXPECT_EQ(answers_to(unfinished, "23:mailbox ann@example.org;", 1), "") << "not a whole request";
  EXPECT_EQ(unfinished.fault(), "no comma after the request");
  session bounded(make(), 30);
  EXPECT_EQ(answers_to(bounded, frame("mailbox " + std::string(100, 'a')), 3), "");
  EXPECT_EQ(bounded.fault(), "the request is too long");
}

TEST_F(lookup_session, is_idle_only_between_requests) {
  directory_.write(farm);
  session s(make());
  std::string out;
  EXPECT_TRUE(s.idle());
  EXPECT_EQ(s.receive("12:mail", out), 7U);
  EXPECT_FALSE(s.idle());
}

} // namespace
} // namespace homeward::milter::lookup
