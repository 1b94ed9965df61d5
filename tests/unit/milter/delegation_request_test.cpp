#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "milter/delegation/request_reader.hpp"

namespace homeward::milter::delegation {
namespace {

// As Postfix 3.7 writes it.
const std::string at_rcpt = "request=smtpd_access_policy\n"
                            "protocol_state=RCPT\n"
                            "protocol_name=ESMTP\n"
                            "client_address=192.0.2.7\n"
                            "client_name=client.example\n"
                            "client_port=41122\n"
                            "reverse_client_name=client.example\n"
                            "server_address=192.0.2.1\n"
                            "server_port=25\n"
                            "helo_name=client.example\n"
                            "sender=bob@example.net\n"
                            "recipient=ann+lists@example.org\n"
                            "recipient_count=0\n"
                            "queue_id=\n"
                            "instance=1ba1.655f1a2b.9a1f0.0\n"
                            "size=1200\n"
                            "etrn_domain=\n"
                            "stress=\n"
                            "sasl_method=plain\n"
                            "sasl_username=bob\n"
                            "sasl_sender=\n"
                            "ccert_subject=\n"
                            "encryption_protocol=TLSv1.3\n"
                            "policy_context=\n"
                            "\n";

const request expected_at_rcpt{.protocol_state = "RCPT",
                               .sender = "bob@example.net",
                               .recipient = "ann+lists@example.org",
                               .client_address = "192.0.2.7",
                               .sasl_username = "bob",
                               .instance = "1ba1.655f1a2b.9a1f0.0",
                               .queue_id = "",
                               .size = byte_count{1200},
                               .recipient_count = 0};

struct reading {
  std::vector<request> requests;
  std::string fault;
};

reading read_all(std::string_view octets, std::size_t step, request_limits limits = {}) {
  request_reader reader(limits);
  reading got;
  while (!octets.empty() && !reader.bad()) {
    std::string_view piece = octets.substr(0, step);
    octets.remove_prefix(piece.size());
    while (!piece.empty() && !reader.bad()) {
      piece.remove_prefix(reader.take(piece));
      if (reader.whole() && !reader.bad()) {
        got.requests.push_back(reader.get());
      }
    }
  }
  got.fault = reader.fault();
  return got;
}

std::string fault_of(const std::string& octets, request_limits limits = {}) {
  const std::string whole = read_all(octets, octets.size(), limits).fault;
  EXPECT_EQ(read_all(octets, 1, limits).fault, whole) << "whole and octet by octet";
  return whole;
}

std::string minimal(const std::string& more = {}) {
  return "request=smtpd_access_policy\nprotocol_state=RCPT\n" + more + "\n";
}

TEST(policy_request, is_read_in_pieces_of_any_size) {
  const std::string stream = at_rcpt + minimal() + at_rcpt;
  request bare;
  bare.protocol_state = "RCPT";
  for (std::size_t step = 1; step <= stream.size(); step += step < 60 ? 1 : 61) {
    const reading got = read_all(stream, step);
    EXPECT_THAT(got.requests, testing::ElementsAre(expected_at_rcpt, bare, expected_at_rcpt))
        << "in pieces of " << step;
    EXPECT_EQ(got.fault, "");
  }
}

TEST(policy_request, one_leaves_nothing_to_the_next) {
  const reading got = read_all(at_rcpt + minimal("recipient=x@y\n"), 1000);
  ASSERT_EQ(got.requests.size(), 2U);
  EXPECT_EQ(got.requests[1].sender, "");
  EXPECT_EQ(got.requests[1].size, byte_count{});
}

TEST(policy_request, each_says_that_it_is_one) {
  EXPECT_EQ(fault_of(minimal() + "protocol_state=RCPT\n\n"),
            "it is not a request=smtpd_access_policy");
}

TEST(policy_request, unknown_attributes_and_odd_values_are_no_fault) {
  const reading got = read_all(minimal("future=a=b=c\nsender==\nrecipient=\xc3\xa9@x\nsize=12x\n"
                                       "recipient_count=-1\nfuture=again\n"),
                               7);
  ASSERT_EQ(got.requests.size(), 1U);
  EXPECT_EQ(got.requests[0].sender, "=");
  EXPECT_EQ(got.requests[0].recipient, "\xc3\xa9@x");
  EXPECT_EQ(got.requests[0].size, byte_count{}) << "what is no number tells nothing";
  EXPECT_EQ(got.requests[0].recipient_count, 0U);
}

TEST(policy_request, crlf_will_do_for_somebody_who_tries_by_hand) {
  const reading got =
      read_all("request=smtpd_access_policy\r\nprotocol_state=RCPT\r\nsender=a@b\r\n\r\n", 3);
  ASSERT_EQ(got.requests.size(), 1U);
  EXPECT_EQ(got.requests[0].protocol_state, "RCPT");
  EXPECT_EQ(got.requests[0].sender, "a@b");
}

TEST(policy_request, what_is_none_is_named) {
  EXPECT_EQ(fault_of("\n"), "it is not a request=smtpd_access_policy");
  EXPECT_EQ(fault_of("protocol_state=RCPT\n\n"), "it is not a request=smtpd_access_policy");
  EXPECT_EQ(fault_of("request=junk\nprotocol_state=RCPT\n\n"),
            "it is not a request=smtpd_access_policy");
  EXPECT_EQ(fault_of("request=smtpd_access_policy\n\n"), "there is no protocol_state");
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n"), "a line is not name=value");
  EXPECT_EQ(fault_of("=value\n"), "a line is not name=value");
  EXPECT_EQ(fault_of(minimal(std::string("sender=a\0b\n", 11))), "there is a NUL");
}

TEST(policy_request, is_bounded) {
  const request_limits limits{.line = 40, .attributes = 5, .total = 150};
  EXPECT_EQ(fault_of(minimal("sender=" + std::string(33, 'a') + "\n"), limits), "");
  EXPECT_EQ(fault_of(minimal("sender=" + std::string(34, 'a') + "\n"), limits),
            "an attribute is too long");
  EXPECT_EQ(fault_of(minimal("a=\nb=\nc=\n"), limits), "");
  EXPECT_EQ(fault_of(minimal("a=\nb=\nc=\nd=\n"), limits), "there are too many attributes");
  const std::string line = "a=" + std::string(36, 'a') + "\n";
  EXPECT_EQ(fault_of(minimal(line + line + line), limits), "the request is too long");
  EXPECT_EQ(fault_of(std::string(1000, 'x'), limits), "an attribute is too long");
}

TEST(policy_request, knows_whether_something_has_begun) {
  request_reader reader;
  EXPECT_TRUE(reader.between());
  const std::string one = minimal();
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(reader.take(one.substr(i, 1)), 1U);
    EXPECT_EQ(reader.between(), i + 1 == one.size()) << i;
  }
}

} // namespace
} // namespace homeward::milter::delegation
