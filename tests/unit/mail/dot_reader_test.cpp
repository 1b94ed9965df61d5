#include <random>
#include <string>

#include <gtest/gtest.h>

#include "lib/mail/dot_reader.hpp"

using namespace homeward::mail;

namespace {

struct outcome {
  std::string body;
  std::string rest;
  bool finished = false;

  friend bool operator==(const outcome&, const outcome&) = default;
};

// Reads `wire` in pieces of `piece` octets.
outcome read_in_pieces(std::string_view wire, std::size_t piece) {
  dot_reader reader;
  outcome out;
  std::string pending;
  while ((!wire.empty() || !pending.empty()) && !out.finished) {
    if (pending.empty()) {
      pending = wire.substr(0, piece);
      wire.remove_prefix(pending.size());
    }
    const dot_reader::step step = reader.read(pending);
    out.body += step.body;
    EXPECT_TRUE(step.consumed > 0 || !step.body.empty()) << "no progress";
    out.finished = step.finished;
    pending.erase(0, step.consumed);
  }
  out.rest = pending + std::string(wire);
  EXPECT_EQ(out.finished, reader.finished());
  return out;
}

// In every way to cut it; all must agree.
outcome read(std::string_view wire) {
  const outcome whole = read_in_pieces(wire, wire.size() + 1);
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    const outcome cut = read_in_pieces(wire, piece);
    EXPECT_EQ(cut.body, whole.body) << piece;
    EXPECT_EQ(cut.rest, whole.rest) << piece;
    EXPECT_EQ(cut.finished, whole.finished) << piece;
  }
  return whole;
}

} // namespace

TEST(dot_reader, ends_at_a_dot_between_line_ends) {
  EXPECT_EQ(read("a\r\nb\r\n.\r\nNOOP\r\n"), (outcome{"a\r\nb\r\n", "NOOP\r\n", true}));
  EXPECT_EQ(read(".\r\n"), (outcome{"", "", true}));
  EXPECT_EQ(read("\r\n.\r\n"), (outcome{"\r\n", "", true}));
}

TEST(dot_reader, takes_one_dot_off_the_start_of_a_line) {
  EXPECT_EQ(read("..\r\n.\r\n").body, ".\r\n");
  EXPECT_EQ(read("...\r\n.\r\n").body, "..\r\n");
  EXPECT_EQ(read(".a\r\n.\r\n").body, "a\r\n");
  EXPECT_EQ(read("a.\r\n.b.\r\n.\r\n").body, "a.\r\nb.\r\n");
}

TEST(dot_reader, no_other_sequence_is_an_end) {
  for (const std::string wire :
       {"a\n.\n", "a\n.\r\n", "a\r.\r", "a\r.\r\n", "a\r\n.\n", "a\r\n.\r", "a\r\n.\r\r\n",
        "a\r\n. \r\n", "a\r\n.\t\r\n", "a\r\n\n.\r\n", "a\n\r.\r\n", "a\r\n.\0\r\n", "a.\r\n",
        "\n.\r\n", "\r.\r\n", "a\r\r\n..\r\n", "a\x85.\x85"}) {
    EXPECT_FALSE(read(wire).finished) << wire;
  }
}

TEST(dot_reader, keeps_every_octet_exactly) {
  using namespace std::string_literals;
  EXPECT_EQ(read("\0\n\r\xff\r\r\n\n.\n\r\n.\r\n"s).body, "\0\n\r\xff\r\r\n\n.\n\r\n"s);
  EXPECT_EQ(read("a\r\n.\rb\r\n.\r\n").body, "a\r\n\rb\r\n");
  EXPECT_EQ(read("a\r\n.\r\rb\r\n.\r\n").body, "a\r\n\r\rb\r\n");
  EXPECT_EQ(read("a\r\n.\r\r\n.\r\n").body, "a\r\n\r\r\n");
  EXPECT_EQ(read("a\r\n.\nb\r\n.\r\n").body, "a\r\n\nb\r\n");
}

TEST(dot_reader, copies_nothing) {
  const std::string wire = "a\r\nb\r\nc";
  dot_reader reader;
  const auto step = reader.read(wire);
  EXPECT_EQ(step.body.data(), wire.data());
  EXPECT_EQ(step.body.size(), wire.size());
}

TEST(dot_reader, consumes_nothing_after_the_end) {
  dot_reader reader;
  EXPECT_TRUE(reader.read(".\r\n").finished);
  const auto step = reader.read("x");
  EXPECT_EQ(step.consumed, 0U);
  EXPECT_TRUE(step.finished);
}

TEST(dot_stuff, is_undone_by_the_reader) {
  std::mt19937 random(1); // the same inputs in every run
  for (int i = 0; i < 2000; ++i) {
    std::string message;
    for (std::size_t n = random() % 40; n > 0; --n) {
      message += "\r\n.\na\r."[random() % 7];
    }
    const std::string wire = dot_stuff(message);
    const outcome out = read(wire + "rest");
    EXPECT_TRUE(out.finished);
    EXPECT_EQ(out.rest, "rest");
    const bool complete = message.empty() || message.ends_with("\r\n");
    EXPECT_EQ(out.body, complete ? message : message + "\r\n");
  }
}
