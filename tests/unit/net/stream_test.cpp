#include <filesystem>
#include <optional>
#include <string>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "lib/base/random.hpp"
#include "lib/net/listener.hpp"
#include "lib/net/stream.hpp"

using namespace homeward;
using namespace homeward::net;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

endpoint fresh_unix_endpoint() {
  return endpoint{.path = "/tmp/homeward-net-test-" + random_hex(8) + ".sock"};
}

asio::awaitable<void> keep_outcome(endpoint to, std::optional<result<stream>>& outcome) {
  outcome.emplace(co_await connect(std::move(to), 1s));
}

// A listener with one accepted and one connecting stream over a unix socket.
class stream_pair : public testing::Test {
 protected:
  void run(std::function<asio::awaitable<void>(stream&, stream&)> body) {
    const endpoint where = fresh_unix_endpoint();
    auto listening = listener::open(context_, where, 0600);
    ASSERT_TRUE(listening) << describe(listening.error());
    std::optional<stream> server;
    asio::co_spawn(context_,
                   listening->run([&](accepted a) { server.emplace(std::move(a.socket), a.peer); }),
                   asio::detached);
    bool done = false;
    asio::co_spawn(context_, both_ends(where, server, body, *listening, done), asio::detached);
    context_.run();
    EXPECT_TRUE(done);
    EXPECT_FALSE(std::filesystem::exists(where.path));
  }

 private:
  static asio::awaitable<void>
  both_ends(endpoint where, std::optional<stream>& server,
            std::function<asio::awaitable<void>(stream&, stream&)> body, listener& listening,
            bool& done) {
    auto client = co_await connect(where, 1s);
    EXPECT_TRUE(client);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!server) {
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_await body(*client, *server);
    server.reset();
    listening.close();
    done = true;
  }

  asio::io_context context_;
};

} // namespace

TEST_F(stream_pair, carries_octets_and_sees_the_end) {
  run([](stream& client, stream& server) -> asio::awaitable<void> {
    EXPECT_FALSE(co_await client.write_all(asio::buffer("hel", 3), 1s, asio::buffer("lo", 2)));
    char buffer[16];
    const auto got = co_await server.read_some(asio::buffer(buffer), 1s);
    EXPECT_EQ(std::string(buffer, got.octets), "hello");
    client.cut();
    const auto end = co_await server.read_some(asio::buffer(buffer), 1s);
    EXPECT_EQ(end.error, asio::error::eof);
  });
}

TEST_F(stream_pair, a_silent_peer_times_out_and_the_stream_can_go_on) {
  run([](stream& client, stream& server) -> asio::awaitable<void> {
    char buffer[16];
    auto got = co_await server.read_some(asio::buffer(buffer), 10ms);
    EXPECT_EQ(got.error, asio::error::timed_out);
    got = co_await server.read_some(asio::buffer(buffer), 10ms);
    EXPECT_EQ(got.error, asio::error::timed_out);
    EXPECT_FALSE(co_await client.write_all(asio::buffer("x", 1), 1s));
    got = co_await server.read_some(asio::buffer(buffer), 10s);
    EXPECT_FALSE(got.error);
  });
}

TEST_F(stream_pair, a_peer_that_does_not_read_times_the_writer_out) {
  run([](stream& client, stream&) -> asio::awaitable<void> {
    const std::string much(8U << 20U, 'x');
    const auto error = co_await client.write_all(asio::buffer(much), 20ms);
    EXPECT_EQ(error, asio::error::timed_out);
  });
}

TEST_F(stream_pair, tells_unexpected_input_from_quiet) {
  run([](stream& client, stream& server) -> asio::awaitable<void> {
    EXPECT_FALSE(client.has_unexpected_input());
    EXPECT_FALSE(co_await server.write_all(asio::buffer("?", 1), 1s));
    EXPECT_TRUE(client.has_unexpected_input());
    EXPECT_FALSE(server.has_unexpected_input());
    client.cut();
    EXPECT_TRUE(server.has_unexpected_input());
  });
}

TEST_F(stream_pair, after_a_cut_nothing_is_read_or_written) {
  run([](stream& client, stream&) -> asio::awaitable<void> {
    client.cut();
    char buffer[4];
    EXPECT_EQ((co_await client.read_some(asio::buffer(buffer), 1s)).error,
              asio::error::operation_aborted);
    EXPECT_EQ(co_await client.write_all(asio::buffer("x", 1), 1s), asio::error::operation_aborted);
  });
}

TEST(connect, names_the_endpoint_that_nobody_answers_on) {
  asio::io_context context;
  std::optional<result<stream>> outcome;
  asio::co_spawn(context, keep_outcome(fresh_unix_endpoint(), outcome), asio::detached);
  context.run();
  ASSERT_TRUE(outcome.has_value());
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().kind, failure_kind::transient);
  EXPECT_NE(outcome->error().what.find("cannot reach unix:/tmp/homeward-net-test-"),
            std::string::npos);
}

TEST(listener, refuses_a_path_where_somebody_answers_and_replaces_a_stale_one) {
  asio::io_context context;
  const endpoint where = fresh_unix_endpoint();
  {
    const auto first = listener::open(context, where, 0600);
    ASSERT_TRUE(first);
    const auto second = listener::open(context, where, 0600);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().cause.find("another process answers"), std::string::npos);
  }
  ASSERT_TRUE(std::filesystem::exists(where.path));
  EXPECT_TRUE(listener::open(context, where, 0600));
  std::filesystem::remove(where.path);
}

TEST(listener, wants_a_numeric_address) {
  asio::io_context context;
  const auto no = listener::open(context, endpoint{.host = "store1", .port = 2400}, 0600);
  ASSERT_FALSE(no);
  EXPECT_NE(no.error().advice.find("numeric address"), std::string::npos);
}
