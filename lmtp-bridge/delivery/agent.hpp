#pragma once
// Delivers one message: groups its recipients by home, runs all transactions at the same time, and
// gives one reply per recipient. A fault of ours is always 4xx.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/base/clock.hpp"
#include "lib/fs/message_spool.hpp"
#include "lib/mail/reply.hpp"
#include "lib/store_client/store_client.hpp"

#include "lmtp-bridge/delivery/path_homes.hpp"
#include "lmtp-bridge/lmtp/envelope.hpp"
#include "lmtp-bridge/routing/router.hpp"

namespace homeward::bridge::delivery {

// A message that has arrived completely.
struct incoming {
  lmtp::envelope envelope;
  std::shared_ptr<const fs::message_spool> message;
  std::string key;  // of the delivery (mail::delivery_key)
  std::string peer; // for the log
};

// What the agent works with; all of it outlives the agent.
struct agent_parts {
  std::function<std::shared_ptr<const router>()> current_router;
  std::function<mail::reply_policy()> current_replies;
  std::function<void()> refresh_directory; // asks for it, does not wait
  store_client::store_client& stores;
  path_homes& paths;
  boost::asio::thread_pool& workers; // for path homes
  const clock_source& clock;
  std::string origin; // this host's name, the last part of NAME
  std::chrono::seconds whole_wait{125};
};

// Safe from any strand. Counts are for status and the log.
class agent {
 public:
  explicit agent(agent_parts parts);

  // One reply per recipient of the envelope, in order, within whole_wait. Must run on a strand.
  [[nodiscard]] boost::asio::awaitable<std::vector<mail::reply>> deliver(incoming mail);

  // The reply for a failure that concerns a whole message.
  [[nodiscard]] mail::reply reply_to(const failure& f) const;

 private:
  struct message_in_delivery;

  boost::asio::awaitable<void> deliver_planned(message_in_delivery& m, const route_plan& plan);
  boost::asio::awaitable<void> deliver_group(message_in_delivery& m, const route_group& group);
  boost::asio::awaitable<void> follow_the_moved(message_in_delivery& m);
  [[nodiscard]] route_plan plan_for_the_moved(const message_in_delivery& m) const;
  [[nodiscard]] std::vector<mail::reply> replies_for(const message_in_delivery& m) const;
  [[nodiscard]] store_protocol::envelope envelope_for(const message_in_delivery& m,
                                                      const route_group& group) const;
  void log_outcomes(const message_in_delivery& m) const;

  agent_parts parts_;
};

} // namespace homeward::bridge::delivery
