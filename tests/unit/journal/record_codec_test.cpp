#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "stored/journal/record_codec.hpp"
#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

std::string payload_of(const record& r) {
  std::string out;
  append_payload(out, r);
  return out;
}

std::string why_not(record_type type, std::string_view payload) {
  const auto decoded = decode_payload(type, payload);
  return decoded ? "it was read" : decoded.error().cause;
}

std::vector<record> examples() {
  static const std::string message = "Subject: x\r\n\r\n\0body\r\n";
  delivery_record apart = test_delivery("");
  apart.apart = true;
  apart.size = 100'000'000;
  delivery_record bare;
  delivery_record rule = test_delivery(message);
  rule.header = header_rule::never;
  rule.sender = "";
  rule.mailboxes = {""};
  rule.name = std::string(65535, 'n');
  return {test_delivery(message),
          apart,
          bare,
          rule,
          abort_record{.delivery = 7, .recipients = {0, 5, 0xffffffff}},
          abort_record{},
          checkpoint_record{.below = std::numeric_limits<std::uint64_t>::max()}};
}

TEST(record_codec, reads_what_it_wrote) {
  for (const record& r : examples()) {
    const std::string payload = payload_of(r);
    EXPECT_EQ(payload.size(), payload_size(r));
    const auto decoded = decode_payload(type_of(r), payload);
    ASSERT_TRUE(decoded) << describe(decoded.error());
    EXPECT_EQ(*decoded, r);
    EXPECT_EQ(payload_of(*decoded), payload);
  }
}

TEST(record_codec, the_message_is_a_view_of_the_payload) {
  const std::string payload = payload_of(test_delivery("hello"));
  const auto decoded = decode_payload(record_type::delivery, payload);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<delivery_record>(*decoded).message.data(),
            payload.data() + payload.size() - 5);
}

TEST(record_codec, appends_behind_what_is_there) {
  std::string out = "before";
  append_payload(out, checkpoint_record{.below = 1});
  EXPECT_EQ(out, std::string("before\1\0\0\0\0\0\0\0", 14));
}

TEST(record_codec, refuses_every_shorter_and_a_longer_payload) {
  for (const record& r : examples()) {
    const std::string payload = payload_of(r);
    for (std::size_t octets = 0; octets<payload.size(); octets += payload.size()> 999 ? 97 : 1) {
      EXPECT_FALSE(decode_payload(type_of(r), payload.substr(0, octets)));
    }
    EXPECT_FALSE(decode_payload(type_of(r), payload + "x"));
  }
}

TEST(record_codec, says_what_is_wrong) {
  const std::string delivery = payload_of(test_delivery("hello"));
  const std::string abort = payload_of(abort_record{.delivery = 7, .recipients = {1}});
  const std::string below = payload_of(checkpoint_record{});
  EXPECT_EQ(why_not(record_type::checkpoint, below.substr(1)), "its payload is cut short");
  EXPECT_EQ(why_not(record_type::checkpoint, below + "xy"),
            "2 octets are left over behind its payload");
  EXPECT_EQ(why_not(record_type::delivery, delivery + "x"),
            "it speaks of a message of 5 octets and holds 6");
  EXPECT_EQ(why_not(record_type::delivery_apart, delivery),
            "5 octets are left over behind its payload");
  EXPECT_EQ(why_not(record_type::abort, abort + "abcd"),
            "4 octets are left over behind its payload");
  EXPECT_EQ(why_not(static_cast<record_type>(5), below),
            "its type 5 is none that this version knows");
}

TEST(record_codec, refuses_a_header_rule_it_does_not_know) {
  const std::string good = payload_of(test_delivery("hello"));
  for (const auto& [at, value] :
       {std::pair{8, '\0'}, {8, '\4'}, {8, '\xff'}, {9, '\1'}, {15, 'x'}}) {
    std::string payload = good;
    payload[static_cast<std::size_t>(at)] = value;
    EXPECT_EQ(why_not(record_type::delivery, payload),
              "its header rule is none that this version knows");
  }
}

TEST(record_codec, believes_no_count_that_cannot_be) {
  std::string abort = payload_of(abort_record{.delivery = 7, .recipients = {1}});
  abort[8] = 2;
  EXPECT_EQ(why_not(record_type::abort, abort),
            "its payload cannot hold the 2 recipients it speaks of");
  std::string delivery = payload_of(delivery_record{});
  delivery.replace(22, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(why_not(record_type::delivery, delivery),
            "its payload cannot hold the 4294967295 recipients it speaks of");
  std::string many(8, '\0');
  many += std::string("\xa1\x86\1\0", 4); // 100,001
  many.append(4 * 100'001, '\0');
  EXPECT_EQ(why_not(record_type::abort, many),
            "its payload cannot hold the 100001 recipients it speaks of");
}

TEST(record_codec, believes_no_size_that_cannot_be) {
  std::string payload = payload_of(test_delivery("hello"));
  payload.replace(payload.size() - 5 - 8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_EQ(why_not(record_type::delivery, payload),
            "it speaks of a message of 18446744073709551615 octets and holds 5");
}

TEST(record_codec, writes_nothing_that_it_could_not_read) {
  std::string out = "as it was";
  delivery_record d = test_delivery("hello");
  d.sender.assign(65536, 's');
  EXPECT_THROW(append_payload(out, d), std::length_error);
  d = test_delivery("hello");
  d.mailboxes.resize(max_mailboxes + 1);
  EXPECT_THROW(append_payload(out, d), std::length_error);
  abort_record a;
  a.recipients.resize(max_mailboxes + 1);
  EXPECT_THROW((void)payload_size(a), std::length_error);
  EXPECT_EQ(out, "as it was");
}

TEST(record_codec, random_payloads_are_refused_or_read_as_themselves) {
  std::mt19937_64 chance(17);
  const std::vector<record> all = examples();
  for (int i = 0; i < 20000; ++i) {
    const record& r = all[chance() % all.size()];
    std::string payload = payload_of(r).substr(0, 4000);
    for (std::uint64_t changes = 1 + chance() % 3; changes != 0; --changes) {
      payload[chance() % payload.size()] = static_cast<char>(chance());
    }
    const auto type = static_cast<record_type>(chance() % 6);
    if (const auto decoded = decode_payload(type, payload)) {
      EXPECT_EQ(payload_of(*decoded), payload);
      EXPECT_EQ(type_of(*decoded), type);
    }
  }
}

TEST(record_type, values_are_on_disk) {
  static_assert(static_cast<int>(record_type::delivery) == 1);
  static_assert(static_cast<int>(record_type::delivery_apart) == 2);
  static_assert(static_cast<int>(record_type::abort) == 3);
  static_assert(static_cast<int>(record_type::checkpoint) == 4);
  static_assert(static_cast<int>(header_rule::single) == 1);
  static_assert(static_cast<int>(header_rule::always) == 2);
  static_assert(static_cast<int>(header_rule::never) == 3);
  EXPECT_TRUE(is_known(record_type::checkpoint));
  EXPECT_FALSE(is_known(static_cast<record_type>(0)));
  EXPECT_FALSE(is_known(static_cast<record_type>(5)));
}

} // namespace
} // namespace homeward::journal
