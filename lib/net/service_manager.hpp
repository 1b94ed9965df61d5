#pragma once
// What a daemon tells the service manager (sd_notify(3)); without one these do nothing.

#include <chrono>
#include <optional>
#include <string>

namespace homeward::net {

void notify_ready(const std::string& status);
// Still starting: the time limit of the start begins anew with `patience`.
void notify_not_yet(const std::string& status, std::chrono::microseconds patience);
void notify_reloading();
void notify_stopping();
void notify_alive();

// How often notify_alive() is due: half of WatchdogSec; empty when the unit has none.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

} // namespace homeward::net
