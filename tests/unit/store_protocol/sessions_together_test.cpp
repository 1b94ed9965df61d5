// Both sessions against each other, with the connection cut at every octet of either direction. The
// one sentence that must hold: who was told "stored" has the message, once, whole, and in his own
// name.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/store_protocol/scripted_client.hpp"
#include "tests/unit/store_protocol/scripted_store.hpp"

namespace homeward::store_protocol {
namespace {

using testing::failure_named;
using testing::message_for;
using testing::scripted_store;
using testing::store_script;

// A connection in memory: what the client writes goes to the store, up to a number of octets each
// way.
class connected_pair {
 public:
  connected_pair(const store_script& script, const limits& client_limits, std::size_t to_store,
                 std::size_t to_client, std::size_t piece)
      : store(script), client(client_limits), to_store_(to_store), to_client_(to_client),
        piece_(piece) {}

  void open() {
    client.open();
    run();
  }
  void start(const envelope& message, std::string body) {
    body_ = std::move(body);
    finished.reset();
    client.start(message);
    run();
  }
  void run() {
    for (bool busy = true; busy;) {
      busy = perform();
      std::string replies = store.take_output();
      busy = busy || !replies.empty();
      replies.resize(std::min(replies.size(), to_client_));
      to_client_ -= replies.size();
      while (!replies.empty() && !client.closed()) {
        const std::string given = replies.substr(0, piece_);
        replies.erase(0, client.receive(given));
        perform();
      }
      if ((to_client_ == 0 || cut_ || store.closed()) && !client.closed()) {
        client.on(event_connection_lost{transient_failure("connection reset")});
        busy = true;
      }
    }
  }

  scripted_store store;
  client_session client;
  std::optional<action_finished> finished;

 private:
  bool perform() {
    bool any = false;
    while (auto action = client.next_action()) {
      any = true;
      if (const auto* text = std::get_if<action_send>(&*action)) {
        write(text->text);
      } else if (std::holds_alternative<action_send_body>(*action)) {
        write(body_);
        if (!cut_) {
          client.on(event_body_sent{});
        }
      } else if (auto* done = std::get_if<action_finished>(&*action)) {
        finished = std::move(*done);
      }
    }
    return any;
  }
  void write(const std::string& octets) {
    const std::size_t n = std::min(octets.size(), to_store_);
    cut_ = cut_ || n < octets.size();
    to_store_ -= n;
    store.feed(octets.substr(0, n), piece_);
    if (cut_) {
      store.on(event_peer_closed{});
    }
  }

  std::string body_;
  std::size_t to_store_;
  std::size_t to_client_;
  std::size_t piece_;
  bool cut_ = false;
};

constexpr std::size_t whole = 1U << 30U;

// How often the message `name` was delivered to `mailbox` with exactly `body`.
std::size_t copies(const scripted_store& store, const envelope& message, const std::string& mailbox,
                   const std::string& body) {
  std::size_t n = 0;
  for (const auto& d : store.delivered()) {
    n += static_cast<std::size_t>(std::count_if(
        d.message.recipients.begin(), d.message.recipients.end(), [&](const recipient& r) {
          return r.mailbox == mailbox && d.octets == body && d.message.name == message.name &&
                 d.message.sender == message.sender && d.message.partition == message.partition;
        }));
  }
  return n;
}

store_script some_refusals() {
  store_script script;
  script.recipients.emplace("gone@y", failure_named("no_user"));
  script.outcomes.emplace("full@y", failure_named("quota"));
  return script;
}

TEST(sessions_together, tell_the_truth_when_the_connection_is_cut_anywhere) {
  const envelope message = message_for({"ann@y", "gone@y", "full@y", "bob@y"});
  const std::string body = "hello";
  std::size_t successes = 0;
  for (const std::size_t window : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    for (std::size_t cut = 0; cut < 700; ++cut) {
      for (const bool upwards : {true, false}) {
        limits l;
        l.window = window;
        connected_pair pair(some_refusals(), l, upwards ? cut : whole, upwards ? whole : cut, 7);
        pair.open();
        if (!pair.client.ready()) {
          continue;
        }
        pair.start(message, body);
        ASSERT_TRUE(pair.finished);
        ASSERT_EQ(pair.finished->outcomes.size(), 4U);
        EXPECT_FALSE(pair.finished->outcomes[1]) << "refused, and yet stored";
        EXPECT_FALSE(pair.finished->outcomes[2]) << "failed, and yet stored";
        for (const std::size_t i : {std::size_t{0}, std::size_t{3}}) {
          const outcome& o = pair.finished->outcomes[i];
          const std::size_t n = copies(pair.store, message, message.recipients[i].mailbox, body);
          EXPECT_LE(n, 1U);
          successes += o.has_value() ? 1 : 0;
          EXPECT_TRUE(!o || n == 1) << "told stored, but is not; cut " << cut;
          // "Try again" without a word of a possible duplicate is only said when nothing was
          // stored.
          EXPECT_TRUE(o || o.error().kind == failure_kind::unknown_outcome || n == 0)
              << "told not stored, but is; cut " << cut;
        }
      }
    }
  }
  EXPECT_GT(successes, 100U);
}

TEST(sessions_together, carry_many_transactions_without_mixing_them) {
  std::mt19937 engine(7);
  const auto below = [&](unsigned n) {
    return std::uniform_int_distribution<unsigned>(0, n - 1)(engine);
  };
  for (unsigned round = 0; round < 40; ++round) {
    limits l;
    l.window = 1 + below(12);
    l.eager_body = {below(20)};
    store_script script = some_refusals();
    script.partitions.emplace("broken", failure_named("no_partition"));
    script.direct = round % 2 == 0;
    script.load = {round, 1, {}, {}, "0.1.0"};
    connected_pair pair(script, l, whole, whole, 1 + below(50));
    pair.open();
    for (unsigned t = 0; t < 20; ++t) {
      ASSERT_TRUE(pair.client.ready());
      std::vector<std::string> mailboxes;
      for (unsigned n = 1 + below(12); n > 0; --n) {
        const char* kinds[] = {"gone@y", "full@y", "\"q > q\"@y", "ann+x@y"};
        const unsigned kind = below(8);
        mailboxes.push_back(kind < 4 ? kinds[kind] : "u" + std::to_string(n) + "@y");
      }
      envelope message = message_for(mailboxes);
      message.name.key = "key" + std::to_string(t);
      message.partition = below(6) == 0 ? "broken" : "mail1";
      const std::string body(below(30), static_cast<char>('\0' + static_cast<char>(below(128))));
      message.size = {body.size()};
      pair.start(message, body);
      ASSERT_TRUE(pair.finished);
      for (std::size_t i = 0; i < mailboxes.size(); ++i) {
        const bool expected =
            message.partition == "mail1" && mailboxes[i] != "gone@y" && mailboxes[i] != "full@y";
        EXPECT_EQ(pair.finished->outcomes[i].has_value(), expected) << mailboxes[i];
        if (expected) {
          EXPECT_GE(copies(pair.store, message, mailboxes[i], body), 1U);
        }
      }
    }
  }
}

TEST(sessions_together, agree_on_a_large_envelope) {
  std::vector<std::string> mailboxes;
  mailboxes.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    mailboxes.push_back("user" + std::to_string(i) + "@example.org");
  }
  connected_pair pair(store_script{}, limits{}, whole, whole, 4096);
  pair.open();
  const envelope message = message_for(mailboxes);
  pair.start(message, "hello");
  ASSERT_TRUE(pair.finished);
  for (const outcome& o : pair.finished->outcomes) {
    EXPECT_TRUE(o);
  }
  ASSERT_EQ(pair.store.delivered().size(), 1U);
  EXPECT_EQ(pair.store.delivered()[0].message, message);
}

} // namespace
} // namespace homeward::store_protocol
