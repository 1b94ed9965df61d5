#include <string>

#include <gtest/gtest.h>

#include "lib/mail/delivery_key.hpp"
#include "lib/mail/trace.hpp"

using namespace homeward::mail;

namespace {

// The answer must not depend on how the message arrives.
bool received_is_found(const std::string& message) {
  const bool whole = has_received(message);
  received_finder finder;
  for (const char c : message) {
    finder.feed({&c, 1});
  }
  EXPECT_EQ(finder.found(), whole);
  return whole;
}

std::string key_of(const std::string& sender, const std::string& ident, const std::string& message,
                   std::size_t piece = 1000) {
  delivery_key key(*parse_reverse_path(sender, charset::ascii), ident);
  for (std::size_t at = 0; at < message.size(); at += piece) {
    key.update(std::string_view(message).substr(at, piece));
  }
  return key.finish();
}

const std::string message = "Received: from a by b id 1\r\nSubject: x\r\n\r\nHello\r\n";

} // namespace

TEST(trace, lines_hold_the_envelope) {
  EXPECT_EQ(return_path_line("<a@b>"), "Return-Path: <a@b>");
  EXPECT_EQ(return_path_line("a@b"), "Return-Path: <a@b>");
  EXPECT_EQ(return_path_line("<>"), "Return-Path: <>");
  EXPECT_EQ(return_path_line(""), "Return-Path: <>");
  EXPECT_EQ(delivered_to_line("ann@y"), "Delivered-To: ann@y");
}

TEST(trace, lines_cannot_be_broken_by_the_envelope) {
  EXPECT_EQ(return_path_line("a\r\nX: y\n@b\x7f"), "Return-Path: <a??X: y?@b?>");
  EXPECT_EQ(delivered_to_line(std::string("a\0b\nc", 5)), "Delivered-To: a?b?c");
}

TEST(received_finder, finds_the_field_in_the_header_only) {
  EXPECT_TRUE(received_is_found("Received: x\r\n"));
  EXPECT_TRUE(received_is_found("received : x\r\n"));
  EXPECT_TRUE(received_is_found("Return-Path: <a@b>\r\nRECEIVED: x\r\n\r\n"));
  EXPECT_TRUE(received_is_found("Subject: a\n folded\nReceived:"));
  EXPECT_FALSE(received_is_found("Subject: x\r\n\r\nReceived: in the body\r\n"));
  EXPECT_FALSE(received_is_found("Subject: x\n\nReceived: in the body\n"));
  EXPECT_FALSE(received_is_found("\r\nReceived: x\r\n"));
  EXPECT_FALSE(received_is_found("Received-SPF: pass\r\n\r\n"));
  EXPECT_FALSE(received_is_found("X-Received: y\r\nSubject: Received: z\r\n\r\n"));
  EXPECT_FALSE(received_is_found("Receive: y\r\n Received: folded\r\n\r\n"));
  EXPECT_FALSE(received_is_found("Received\r\n: y\r\n\r\n"));
  EXPECT_FALSE(received_is_found(""));
}

TEST(received_finder, gives_up_after_64_kib) {
  const std::string long_field = "Subject: " + std::string(header_search_limit, 'x') + "\r\n";
  EXPECT_FALSE(received_is_found(long_field + "Received: y\r\n"));
  const std::string fits = "Subject: " + std::string(1000, 'x') + "\r\n";
  EXPECT_TRUE(received_is_found(fits + "Received: y\r\n"));
  received_finder finder;
  finder.feed(long_field);
  EXPECT_TRUE(finder.done());
  finder.feed("\r\nReceived: y\r\n");
  EXPECT_FALSE(finder.found());
}

TEST(delivery_key, is_the_same_for_a_byte_identical_retry) {
  const std::string key = key_of("<a@b>", "", message);
  EXPECT_EQ(key.size(), delivery_key::length);
  EXPECT_EQ(key.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(key_of("<a@b>", "", message, 1), key);
  EXPECT_EQ(key_of("<a@b>", "", message, 7), key);
}

TEST(delivery_key, differs_with_sender_ident_and_every_octet) {
  const std::string key = key_of("<a@b>", "Q1", message);
  EXPECT_NE(key_of("<a@c>", "Q1", message), key);
  EXPECT_NE(key_of("<>", "Q1", message), key);
  EXPECT_NE(key_of("<a@b>", "Q2", message), key);
  EXPECT_NE(key_of("<a@b>", "", message), key);
  for (std::size_t i = 0; i < message.size(); ++i) {
    std::string other = message;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_NE(key_of("<a@b>", "Q1", other), key) << i;
  }
}

TEST(delivery_key, boundaries_between_its_parts_count) {
  EXPECT_NE(key_of("<a@b>", "Q1", "x" + message), key_of("<a@b>", "Q1x", message));
}

TEST(delivery_key, is_random_when_nothing_names_the_submission) {
  const std::string bare = "Subject: probe\r\n\r\nHello\r\n";
  EXPECT_NE(key_of("<a@b>", "", bare), key_of("<a@b>", "", bare));
  EXPECT_EQ(key_of("<a@b>", "Q1", bare), key_of("<a@b>", "Q1", bare));
  delivery_key key(reverse_path{}, "");
  key.update(bare);
  EXPECT_FALSE(key.is_stable());
}
