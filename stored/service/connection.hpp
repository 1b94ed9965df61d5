#pragma once
// Drives one store_protocol::server_session over one stream: reads, writes, keeps the message while
// it arrives, hands it to the write path and waits for the outcomes. Decides nothing.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lib/net/stream.hpp"
#include "lib/net/transfer_pace.hpp"
#include "lib/store_protocol/server_session.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/service/connection_policy.hpp"
#include "stored/service/message_intake.hpp"
#include "stored/service/session_counter.hpp"
#include "stored/service/settings.hpp"

namespace homeward::stored {

// What all connections share; must outlive them.
struct connection_surroundings {
  partition_table& partitions;
  delivery_service& deliveries;
  message_intake& intake;
  session_counter& sessions;
};

// Lives on the stream's strand; made by std::make_shared, because deliveries outlast a connection
// that was cut.
class connection : public std::enable_shared_from_this<connection> {
 public:
  // `live` are the settings at the time of connecting; they hold for the whole session.
  connection(net::stream stream, peer who, std::shared_ptr<const live_settings> live,
             connection_surroundings around);

  // The whole session. Keeps the connection alive until it is closed.
  [[nodiscard]] static boost::asio::awaitable<void> run(std::shared_ptr<connection> self);

  // For the task group, on the strand.
  void ask_to_finish();
  void cut();

 private:
  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<void> perform_actions();
  boost::asio::awaitable<void> read_more();
  boost::asio::awaitable<void> flush();
  boost::asio::awaitable<void> take_octets(std::string_view octets);
  boost::asio::awaitable<void> wait_for_delivery();
  boost::asio::awaitable<void> say_goodbye(store_protocol::close_reason why);
  void begin_message(byte_count size);
  void cannot_keep(const failure& why);
  void deliver(store_protocol::envelope envelope);
  void give_up_delivery();
  void tell_outcomes();
  void note_end(store_protocol::close_reason why);
  void outcomes_arrived(std::vector<store_protocol::outcome> outcomes);
  [[nodiscard]] std::chrono::nanoseconds read_limit();
  [[nodiscard]] store_protocol::load_figures load() const;

  net::stream stream_;
  boost::asio::any_io_executor executor_; // the strand
  std::shared_ptr<const live_settings> live_;
  connection_surroundings around_;
  connection_policy policy_;
  store_protocol::server_session session_;
  bool closed_ = false;
  bool cut_ = false;

  std::vector<char> buffer_; // octets [begin_, end_) have arrived and were not yet taken
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  // The message that arrives.
  std::shared_ptr<incoming_message> message_;
  std::optional<failure> message_fault_; // it could not be kept
  net::transfer_pace pace_;              // also of octets that are only swallowed

  // Replies that go out when the peer may be waiting for them: before we wait for it, or when a
  // delivery takes longer than a moment. So most transactions are answered in one write.
  std::string unsent_;

  // The delivery under way.
  boost::asio::steady_timer patience_;
  steady_time delivery_began_;
  std::shared_ptr<pending_delivery> pending_;
  std::optional<std::vector<store_protocol::outcome>> outcomes_;
};

} // namespace homeward::stored
