#pragma once
// The door for MTAs that speak the milter protocol: drives filter_session from the callbacks of
// libmilter. There is one in a process, because libmilter keeps its state in global variables.
//
// Libmilter runs callbacks on a few threads of its own and takes another one for each command of a
// connection. Nothing here waits: every callback answers from memory. What a callback throws is
// answered "try later".

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "lib/net/listener_settings.hpp"

#include "milter/filter/filter_session.hpp"
#include "milter/filter/listening_socket.hpp"
#include "milter/service/door.hpp"

namespace homeward::milter {

struct milter_door_settings {
  net::listener_settings listen{.address = "unix:/run/homeward/milter.sock", .mode = "0660"};
  // At a stop: how long messages between MAIL and their end are waited for, and how long
  // connections without one.
  std::chrono::milliseconds grace{30'000};
  std::chrono::milliseconds idle_grace{3'000};
  // Who connected just before the stop has so long to say so: libmilter tells only then.
  std::chrono::milliseconds settling{300};
};

class milter_door final : public door {
 public:
  // `failed` is called, on a thread of its own, when libmilter gives up by itself.
  milter_door(milter_door_settings s, filter_parts parts, net::io_threads& threads,
              std::function<void()> failed);
  ~milter_door() override;

  [[nodiscard]] result<void> open() override;
  void start() override;
  void stop_accepting() override;
  // Waits until the MTAs have closed their connections, up to the graces. Blocks.
  void finish() override;
  [[nodiscard]] std::string description() const override;

 private:
  const milter_door_settings settings_;
  net::io_threads& threads_;
  const std::function<void()> failed_;
  std::optional<listening_socket> socket_;
  std::chrono::steady_clock::time_point stopping_since_{};
};

} // namespace homeward::milter
