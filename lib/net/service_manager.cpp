#include "lib/net/service_manager.hpp"

#include <cstdint>
#include <ctime>

#include <systemd/sd-daemon.h>

namespace homeward::net {

void notify_ready(const std::string& status) {
  ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void notify_not_yet(const std::string& status, std::chrono::microseconds patience) {
  ::sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(patience.count()) +
                  "\nSTATUS=not ready: " + status)
                     .c_str());
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000U +
                            static_cast<std::uint64_t>(now.tv_nsec) / 1'000U;
  ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void notify_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

void notify_alive() {
  ::sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t interval = 0;
  if (::sd_watchdog_enabled(0, &interval) <= 0) {
    return std::nullopt;
  }
  return std::chrono::microseconds(interval / 2);
}

} // namespace homeward::net
