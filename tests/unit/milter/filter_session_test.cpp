#include <map>
#include <string>

#include <gtest/gtest.h>

#include "milter/filter/filter_session.hpp"

namespace homeward::milter {
namespace {

using namespace std::chrono_literals;

class set_clock final : public clock_source {
 public:
  [[nodiscard]] steady_time steady_now() const override { return {}; }
  [[nodiscard]] wall_time wall_now() const override { return {}; }
};

class told_facts final : public knowledge {
 public:
  [[nodiscard]] recipient_facts facts_of(const mail::address& recipient) const override {
    const auto found = facts.find(to_string(recipient));
    return found == facts.end() ? recipient_facts{} : found->second;
  }
  [[nodiscard]] bool has_domain(std::string_view /*domain*/) const override { return true; }
  [[nodiscard]] bool complete() const override { return true; }
  std::map<std::string, recipient_facts> facts;
};

recipient_facts living_on(const std::string& store, const std::string& partition) {
  return {.standing = recipient_standing::known,
          .mailbox = "x",
          .store = store,
          .partition = partition,
          .store_up = store_health::up};
}

class filter_session_test : public testing::Test {
 protected:
  filter_session_test() {
    settings->host = "mx1.example.org";
    known.facts["ann@example.org"] = living_on("store1", "mail1");
    known.facts["bob@example.org"] = living_on("store2", "mail1");
    known.facts["cat@example.org"] = living_on("store1", "mail1");
    known.facts["nobody@example.org"].standing = recipient_standing::unknown;
    session.connected("192.0.2.7");
  }

  void mail(std::string_view path = "<s@example.net>",
            std::vector<std::string_view> parameters = {}, std::string_view login = "") {
    session.mail({.path = path, .parameters = std::move(parameters), .authenticated = login});
  }
  // The code, or 0 for "go on".
  unsigned rcpt(std::string_view path, std::string_view mailer = "") {
    const filter_answer a = session.recipient({.path = path, .mailer = mailer});
    return a.reply ? a.reply->code.code : 0U;
  }
  std::string end() { return session.end_of_message().route; }

  told_facts known;
  set_clock clock;
  sender_rate rate{clock};
  std::shared_ptr<filter_settings> settings = std::make_shared<filter_settings>();
  filter_session session{{.known = known, .rate = rate, .settings_now = [this] {
                            return std::make_shared<const filter_settings>(*settings);
                          }}};
};

TEST_F(filter_session_test, judges_each_recipient_and_stamps_the_route) {
  mail();
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  EXPECT_EQ(rcpt("<nobody@example.org>"), 550U);
  EXPECT_EQ(rcpt("<bob@example.org>"), 0U);
  EXPECT_EQ(rcpt("cat@example.org"), 0U) << "brackets are not needed";
  EXPECT_EQ(rcpt("<other@example.net>"), 0U);
  EXPECT_EQ(end(), "mx1.example.org; store1/mail1 (2 recipients),\n\tstore2/mail1 (1 recipient)");
}

TEST_F(filter_session_test, a_connection_carries_many_messages) {
  for (int i = 0; i < 3; ++i) {
    mail();
    EXPECT_TRUE(session.has_message());
    EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
    EXPECT_EQ(end(), "mx1.example.org; store1/mail1 (1 recipient)");
    EXPECT_FALSE(session.has_message());
  }
}

TEST_F(filter_session_test, an_abort_forgets_the_message) {
  mail();
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  session.aborted();
  EXPECT_FALSE(session.has_message());
  session.aborted();
  mail();
  EXPECT_EQ(rcpt("<bob@example.org>"), 0U);
  EXPECT_EQ(end(), "mx1.example.org; store2/mail1 (1 recipient)");
}

TEST_F(filter_session_test, a_second_mail_begins_anew) {
  mail("<first@example.net>");
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  mail("<second@example.net>");
  EXPECT_EQ(session.sender(), "second@example.net");
  EXPECT_EQ(rcpt("<bob@example.org>"), 0U);
  EXPECT_EQ(end(), "mx1.example.org; store2/mail1 (1 recipient)");
}

TEST_F(filter_session_test, what_comes_out_of_order_is_put_off) {
  EXPECT_EQ(rcpt("<ann@example.org>"), 451U);
  EXPECT_TRUE(session.end_of_message().reply);
  mail();
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  EXPECT_FALSE(session.end_of_message().reply);
  EXPECT_EQ(rcpt("<ann@example.org>"), 451U) << "the message has ended";
  EXPECT_EQ(session.end_of_message().reply->code, mail::reply_451_temporary_fault);
}

TEST_F(filter_session_test, a_new_connection_has_no_message) {
  mail();
  session.connected("192.0.2.8");
  EXPECT_FALSE(session.has_message());
  EXPECT_EQ(session.client_address(), "192.0.2.8");
}

TEST_F(filter_session_test, no_header_for_mail_that_is_not_ours) {
  mail();
  EXPECT_EQ(rcpt("<other@example.net>"), 0U);
  EXPECT_EQ(end(), "");
  settings->add_route = false;
  mail();
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  EXPECT_EQ(end(), "");
}

TEST_F(filter_session_test, what_it_cannot_read_passes) {
  mail();
  for (const char* path : {"", "<>", "<@>", "<a b@example.org>", "no at", "<x@example.org"}) {
    EXPECT_EQ(rcpt(path), 0U) << path;
  }
}

TEST_F(filter_session_test, the_announced_size_counts) {
  known.facts["ann@example.org"].usage =
      mailbox_usage{.used = byte_count{900}, .limit = byte_count{1000}};
  mail("<s@example.net>", {"BODY=8BITMIME", "size=100"});
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
  mail("<s@example.net>", {"SIZE=101"});
  EXPECT_EQ(rcpt("<ann@example.org>"), 452U);
}

TEST_F(filter_session_test, the_rate_counts_every_recipient) {
  rate.set_limit({.recipients = 2, .period = 100s});
  mail();
  EXPECT_EQ(rcpt("<other@example.net>"), 0U);
  EXPECT_EQ(rcpt("<nobody@example.org>"), 550U);
  EXPECT_EQ(rcpt("<ann@example.org>"), 450U);
  mail("<else@example.net>");
  EXPECT_EQ(rcpt("<ann@example.org>"), 0U);
}

TEST_F(filter_session_test, the_rate_may_count_those_who_logged_in) {
  rate.set_limit({.recipients = 1, .period = 100s, .only_authenticated = true});
  mail("<s@example.net>", {}, "ann");
  EXPECT_EQ(rcpt("<other@example.net>"), 0U);
  EXPECT_EQ(rcpt("<other@example.net>"), 450U);
  mail("<s@example.net>");
  EXPECT_EQ(rcpt("<other@example.net>"), 0U);
}

TEST_F(filter_session_test, without_a_directory_mail_that_leaves_this_host_passes) {
  known.facts["other@example.net"] = {.standing = recipient_standing::unavailable,
                                      .domain_is_ours = false};
  known.facts["ann@example.org"] = {.standing = recipient_standing::unavailable};
  mail();
  EXPECT_EQ(rcpt("<other@example.net>", "esmtp"), 0U);
  EXPECT_EQ(rcpt("<other@example.net>", "local"), 451U);
  EXPECT_EQ(rcpt("<other@example.net>"), 451U);
  EXPECT_EQ(rcpt("<ann@example.org>", "esmtp"), 451U) << "the domain is ours";
}

TEST_F(filter_session_test, a_message_keeps_the_settings_of_its_mail) {
  mail();
  settings->judged_by.unknown_user = reaction::pass;
  EXPECT_EQ(rcpt("<nobody@example.org>"), 550U);
  mail();
  EXPECT_EQ(rcpt("<nobody@example.org>"), 0U);
}

TEST(announced_size_test, is_a_number_or_nothing) {
  EXPECT_EQ(announced_size({}).octets, 0U);
  EXPECT_EQ(announced_size({"SIZE=12"}).octets, 12U);
  EXPECT_EQ(announced_size({"BODY=7BIT", "Size=12"}).octets, 12U);
  EXPECT_EQ(announced_size({"SIZE=18446744073709551615"}).octets, ~0ULL);
  for (const char* bad : {"SIZE", "SIZE=", "SIZE=-1", "SIZE=1x", "SIZE=99999999999999999999", ""}) {
    EXPECT_EQ(announced_size({bad}).octets, 0U) << bad;
  }
}

TEST(message_route_test, is_short_however_many_partitions_there_are) {
  message_route route;
  for (int i = 100; i < 100 + static_cast<int>(named_partitions) + 5; ++i) {
    route.add("store/mail" + std::to_string(i));
    route.add("store/mail" + std::to_string(i));
  }
  const std::string text = route.text("mx");
  EXPECT_TRUE(text.starts_with("mx; store/mail100 (2 recipients),\n\tstore/mail101")) << text;
  EXPECT_TRUE(text.ends_with(",\n\tand 5 more (10 recipients)")) << text;
}

} // namespace
} // namespace homeward::milter
