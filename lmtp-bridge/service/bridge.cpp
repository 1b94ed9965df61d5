#include "lmtp-bridge/service/bridge.hpp"

#include <algorithm>
#include <thread>
#include <unistd.h>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/config/reload.hpp"
#include "lib/net/daemon.hpp"

namespace homeward::bridge {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds housekeeping_interval{5};

std::string own_name(const std::string& configured) {
  if (!configured.empty()) {
    return configured;
  }
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

// NAME is made of few characters; a host name with others is still a host's own.
std::string origin_of(const std::string& hostname) {
  std::string origin;
  for (const char c : hostname.substr(0, 64)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_';
    origin += plain ? c : '-';
  }
  return origin;
}

std::size_t network_threads(std::uint32_t configured) {
  return configured != 0 ? configured
                         : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);
}

maildir::path_template template_of(const std::string& text) {
  result<maildir::path_template> parsed = maildir::path_template::parse(text);
  return parsed ? *parsed : maildir::path_template();
}

} // namespace

class bridge::current_policy final : public lmtp::recipient_policy {
 public:
  explicit current_policy(const bridge& owner) : owner_(owner) {}
  [[nodiscard]] result<lmtp::accepted_recipient> accept(const mail::address& path) const override {
    return owner_.live()->routes->accept(path);
  }

 private:
  const bridge& owner_;
};

bridge::bridge(settings s, std::string file)
    : settings_(std::move(s)), file_(std::move(file)),
      hostname_(own_name(settings_.fixed.hostname)), workers_(settings_.fixed.worker_threads),
      threads_(network_threads(settings_.fixed.network_threads)),
      follower_(settings_.fixed.directory, directory::make_engine(settings_.fixed.directory),
                clock_, files_),
      stores_(threads_.context(), settings_.fixed.stores),
      paths_(files_, template_of(settings_.fixed.path_template)),
      policy_(std::make_unique<current_policy>(*this)), housekeeping_(threads_.context()) {
  make_live(settings_.live);
  agent_ = std::make_unique<delivery::agent>(
      delivery::agent_parts{.current_router = [this] { return live()->routes; },
                            .current_replies = [this] { return live()->settings.replies; },
                            .refresh_directory = [this] { follower_.refresh_soon(); },
                            .stores = stores_,
                            .paths = paths_,
                            .workers = workers_,
                            .clock = clock_,
                            .origin = origin_of(hostname_),
                            .whole_wait = settings_.fixed.whole_wait});
}

bridge::~bridge() {
  workers_.join();
}

result<void> bridge::open() {
  const fixed_settings& fixed = settings_.fixed;
  auto spools =
      spooling::open(files_, fixed.spool_directory, fixed.message_memory, fixed.memory, workers_);
  if (!spools) {
    return spools.error();
  }
  spools_ = std::move(*spools);
  for (const net::listener_settings& l : fixed.listen) {
    auto listening = net::listener::open(threads_.context(), *net::parse_endpoint(l.address),
                                         net::parse_mode(l.mode));
    if (!listening) {
      return listening.error();
    }
    listeners_.push_back(std::move(*listening));
  }
  return {};
}

void bridge::run() {
  follower_.start();
  for (net::listener& l : listeners_) {
    log::notice("listening for LMTP", {{"address", to_string(l.where())}});
    background_.spawn(threads_.make_strand(), "listener",
                      l.run([this](net::accepted a) { accept(std::move(a)); }));
  }
  background_.spawn(threads_.make_strand(), "housekeeping", keep_house());
  net::run_daemon(threads_, sessions_,
                  {.status = fmt::format("{} listeners, {} users known", listeners_.size(),
                                         follower_.view().users()),
                   .reload = [this] { reload(); },
                   .stop_accepting = [this] { stop_accepting(); },
                   .finish = [this] { finish(); }});
}

std::shared_ptr<const bridge::live_state> bridge::live() const {
  const std::lock_guard lock(mutex_);
  return live_;
}

void bridge::make_live(live_settings s) {
  log::set_level(s.log_level);
  // The LMTP door must not take what no store would.
  auto state = std::make_shared<live_state>();
  state->routes = std::make_shared<const router>([this] { return follower_.view(); }, s.addresses);
  state->settings = std::move(s);
  const std::lock_guard lock(mutex_);
  live_ = std::move(state);
}

void bridge::reload() {
  follower_.refresh_soon();
  const auto read = config::read_again(settings_table(), file_, settings_);
  if (!read) {
    return;
  }
  make_live(read->live);
  log::notice("settings reloaded", {{"file", file_}});
}

void bridge::stop_accepting() {
  for (net::listener& l : listeners_) {
    l.close();
  }
}

void bridge::finish() {
  stores_.shut_down();
  housekeeping_.cancel();
  follower_.stop();
}

// Counts the session in, or says no.
bool bridge::admit(const net::accepted& a, const session_limits& limits) {
  if (sessions_.size() >= limits.total) {
    return false;
  }
  if (a.is_unix) {
    return true;
  }
  const std::lock_guard lock(mutex_);
  std::size_t& of_peer = sessions_by_peer_[a.address.to_string()];
  if (of_peer >= limits.per_peer) {
    return false;
  }
  ++of_peer;
  return true;
}

void bridge::accept(net::accepted a) {
  const std::shared_ptr<const live_state> now = live();
  const bool admitted = admit(a, now->settings.sessions);
  const std::string peer_address = a.is_unix ? std::string() : a.address.to_string();
  const auto executor = a.socket.get_executor();
  auto c = std::make_shared<lmtp_connection>(
      net::stream(std::move(a.socket), a.peer),
      lmtp::session_settings{
          .hostname = hostname_, .bounds = now->settings.lmtp, .replies = now->settings.replies},
      lmtp_connection::shared{*policy_, *agent_, *spools_, now->settings.data_rate});
  if (!admitted) {
    log::warning("too many LMTP sessions",
                 {{"peer", a.peer}, {"next", "raise limits.sessions or limits.sessions_per_peer"}});
    sessions_.spawn(executor, "refused LMTP session",
                    [](std::shared_ptr<lmtp_connection> refused) -> asio::awaitable<void> {
                      co_await refused->turn_away();
                    }(c),
                    {.ask_to_finish = {}, .cut = [c] { c->cut(); }});
    return;
  }
  sessions_.spawn(executor, "LMTP session", serve(c, peer_address),
                  {.ask_to_finish = [c] { c->ask_to_finish(); }, .cut = [c] { c->cut(); }});
}

asio::awaitable<void> bridge::serve(std::shared_ptr<lmtp_connection> c, std::string peer_address) {
  co_await c->run();
  if (peer_address.empty()) {
    co_return;
  }
  const std::lock_guard lock(mutex_);
  const auto counted = sessions_by_peer_.find(peer_address);
  if (--counted->second == 0) {
    sessions_by_peer_.erase(counted);
  }
}

asio::awaitable<void> bridge::keep_house() {
  while (true) {
    housekeeping_.expires_after(housekeeping_interval);
    const auto [error] = co_await housekeeping_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) {
      co_return;
    }
    stores_.close_idle();
  }
}

} // namespace homeward::bridge
