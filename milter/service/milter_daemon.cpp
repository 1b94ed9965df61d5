#include "milter/service/milter_daemon.hpp"

#include <algorithm>
#include <csignal>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/config/reload.hpp"
#include "lib/net/daemon.hpp"

#include "milter/answering/answering_door.hpp"
#include "milter/filter/milter_door.hpp"

namespace homeward::milter {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds look_at_domains_every = 1s;

std::string own_name(const std::string& configured) {
  if (!configured.empty()) {
    return configured;
  }
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

memory_settings memory_settings_of(const live_settings& s) {
  return {.addresses = s.addresses, .domains = s.domains, .alias_domains = s.aliases.domains};
}

// The settings have passed the check, so the networks are networks.
rate_limit rate_limit_of(const rate_settings& s) {
  rate_limit limit = s.limit;
  if (const auto exempt = net::address_list::parse(s.exempt_clients); exempt && !exempt->empty()) {
    limit.exempt = [list = *exempt](std::string_view client) {
      boost::system::error_code error;
      const auto address = boost::asio::ip::make_address(client, error);
      return !error && list.contains(address);
    };
  }
  return limit;
}

} // namespace

milter_daemon::milter_daemon(settings s, std::string file)
    : settings_(std::move(s)), file_(std::move(file)),
      hostname_(own_name(settings_.fixed.hostname)), threads_(settings_.fixed.network_threads),
      follower_(settings_.fixed.directory, directory::make_engine(settings_.fixed.directory),
                clock_, files_),
      aliases_(settings_.live.aliases),
      watch_(
          threads_.context(), [this] { return stores_of(follower_.view()); },
          settings_.fixed.stores),
      stores_(watch_), known_({.directory = [this] { return follower_.view(); },
                               .aliases = [this] { return aliases_.now(); },
                               .stores = stores_},
                              memory_settings_of(settings_.live)),
      rate_(clock_), domain_looks_("domains", [this](bool /*asked*/) {
        known_.refresh_domains();
        return look_at_domains_every;
      }) {
  make_live(settings_.live);
  make_doors();
}

milter_daemon::~milter_daemon() = default;

void milter_daemon::make_doors() {
  const fixed_settings& fixed = settings_.fixed;
  if (!fixed.milter.address.empty()) {
    doors_.push_back(std::make_unique<milter_door>(
        milter_door_settings{.listen = fixed.milter},
        filter_parts{.known = known_,
                     .rate = rate_,
                     .settings_now = [this] { return filter_settings_now(); }},
        threads_, [this] {
          door_failed_ = true;
          ::kill(::getpid(), SIGTERM);
        }));
  }
  const door_parts parts{.threads = threads_,
                         .sessions = sessions_,
                         .background = background_,
                         .known = known_,
                         .rate = rate_,
                         .rules_now = [this] { return filter_settings_now()->judged_by; },
                         .address_rules_now = [this] { return known_.address_rules(); },
                         .directory_now = [this] { return follower_.view(); }};
  if (!fixed.policy.door.listen.empty()) {
    doors_.push_back(answering::make_policy_door(parts, fixed.policy));
  }
  if (!fixed.lookup.door.listen.empty()) {
    doors_.push_back(answering::make_lookup_door(parts, fixed.lookup));
  }
}

result<void> milter_daemon::open() {
  if (doors_.empty()) {
    return transient_failure("there is no door to open", "all addresses are empty",
                             "Name one in milter.address, policy.listen or lookup.listen.");
  }
  for (const std::unique_ptr<door>& d : doors_) {
    if (const result<void> opened = d->open(); !opened) {
      return opened.error();
    }
  }
  return {};
}

bool milter_daemon::run() {
  follower_.start();
  aliases_.start();
  domain_looks_.start();
  watch_.start();
  for (const std::unique_ptr<door>& d : doors_) {
    log::notice("serving", {{"door", d->description()}});
    d->start();
  }
  net::run_daemon(threads_, sessions_,
                  {.status = status(),
                   .reload = [this] { reload(); },
                   .stop_accepting = [this] { stop_accepting(); },
                   .finish = [this] { finish(); }});
  return !door_failed_;
}

std::string milter_daemon::status() const {
  return fmt::format("{} doors, {} users known", doors_.size(), follower_.view().users());
}

std::shared_ptr<const filter_settings> milter_daemon::filter_settings_now() const {
  const std::lock_guard lock(mutex_);
  return filter_settings_;
}

void milter_daemon::make_live(const live_settings& s) {
  log::set_level(s.log_level);
  known_.set(memory_settings_of(s));
  rate_.set_limit(rate_limit_of(s.rate));
  auto next =
      std::make_shared<const filter_settings>(filter_settings{.judged_by = s.judged_by,
                                                              .host = hostname_,
                                                              .add_route = s.add_route,
                                                              .remote_mailers = s.remote_mailers});
  const std::lock_guard lock(mutex_);
  filter_settings_ = std::move(next);
}

void milter_daemon::reload() {
  follower_.refresh_soon();
  const auto read = config::read_again(settings_table(), file_, settings_);
  if (!read) {
    return;
  }
  make_live(read->live);
  aliases_.set(read->live.aliases);
  log::notice("settings reloaded", {{"file", file_}});
}

void milter_daemon::stop_accepting() {
  for (const std::unique_ptr<door>& d : doors_) {
    d->stop_accepting();
  }
}

void milter_daemon::finish() {
  for (const std::unique_ptr<door>& d : doors_) {
    d->finish();
  }
  watch_.stop();
  domain_looks_.stop();
  aliases_.stop();
  follower_.stop();
}

} // namespace homeward::milter
