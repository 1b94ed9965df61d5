#include <optional>
#include <stdexcept>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "lib/net/task_group.hpp"

using namespace homeward::net;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> sleep_long(asio::steady_timer& timer) {
  timer.expires_after(1h);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> fail() {
  throw std::runtime_error("on purpose");
  co_return;
}

std::optional<bool> idle(asio::io_context& context, task_group& group,
                         std::chrono::nanoseconds limit) {
  std::optional<bool> answer;
  asio::co_spawn(context, group.idle_within(limit),
                 [&](const std::exception_ptr&, bool is_idle) { answer = is_idle; });
  context.restart();
  while (!answer && context.run_one() != 0) {}
  return answer;
}

} // namespace

TEST(task_group, waits_for_tasks_and_cuts_them) {
  asio::io_context context;
  asio::steady_timer timer(context);
  task_group group;
  bool asked = false;
  group.spawn(context.get_executor(), "sleeper", sleep_long(timer),
              {.ask_to_finish = [&] { asked = true; }, .cut = [&] { timer.cancel(); }});
  EXPECT_EQ(idle(context, group, 20ms), false);
  group.ask_all_to_finish();
  EXPECT_EQ(idle(context, group, 20ms), false);
  EXPECT_TRUE(asked);
  group.cut_all();
  EXPECT_EQ(idle(context, group, 10s), true);
  EXPECT_EQ(group.size(), 0U);
}

TEST(task_group, a_task_that_throws_ends_alone) {
  asio::io_context context;
  task_group group;
  group.spawn(context.get_executor(), "thrower", fail());
  EXPECT_EQ(idle(context, group, 10s), true);
}
