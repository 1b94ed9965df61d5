#include "lib/directory/follower.hpp"

#include <utility>

#include "lib/base/log.hpp"

namespace homeward::directory {

namespace {

// A save writes the whole directory: not after every change.
constexpr std::chrono::seconds save_interval{60};

} // namespace

follower::follower(const settings& s, std::unique_ptr<engine> source, const clock_source& clock,
                   fs::file_system& disk)
    : settings_(s), engine_(std::move(source)), clock_(clock), disk_(disk), replica_(clock) {
  refresh();
  if (replica_.view().complete() || settings_.replica_file.empty()) {
    return;
  }
  if (auto loaded = replica_.load_saved(disk_, settings_.replica_file); loaded.has_error()) {
    log::warning("saved directory not used", {{"why", loaded.error()}});
    return;
  }
  saved_ = replica_.view().at();
  log::notice("saved directory in use", {{"file", settings_.replica_file},
                                         {"users", replica_.view().users()},
                                         {"age_s", replica_.age()->count()}});
}

follower::~follower() {
  stop();
}

void follower::start() {
  thread_ = std::thread([this] { run(); });
}

void follower::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    save_if_due(true);
  }
}

void follower::refresh_soon() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

std::optional<failure> follower::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void follower::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, settings_.refresh, [this] { return stopping_ || asked_; });
    asked_ = false;
    if (stopping_) {
      return;
    }
    lock.unlock();
    refresh();
    save_if_due(false);
    lock.lock();
  }
}

void follower::refresh() {
  const auto report = replica_.refresh(*engine_);
  if (report.has_error()) {
    note(report.error());
    return;
  }
  note(std::nullopt);
  if (report->reloaded || report->changed != 0) {
    log::info("directory refreshed", {{"changed", report->changed},
                                      {"change", report->at.change},
                                      {"users", replica_.view().users()},
                                      {"all", report->reloaded ? "yes" : "no"}});
  }
}

void follower::note(std::optional<failure> trouble) {
  const bool is_away = trouble.has_value();
  bool was_away = false;
  std::string words = is_away ? describe(*trouble) : std::string{};
  {
    const std::lock_guard lock(mutex_);
    was_away = trouble_.has_value();
    const bool same = was_away && is_away && describe(*trouble_) == words;
    trouble_ = std::move(trouble);
    if (same) {
      return;
    }
  }
  const auto age = replica_.age();
  if (is_away && age) {
    log::warning("directory away, going on with what is known",
                 {{"directory", engine_->description()}, {"why", words}, {"age_s", age->count()}});
  } else if (is_away) {
    log::error("directory away and nothing known: all recipients are told to try later",
               {{"directory", engine_->description()}, {"why", words}});
  } else if (was_away) {
    log::notice("directory is back", {{"directory", engine_->description()}});
  }
}

void follower::save_if_due(bool at_end) {
  const auto at = replica_.view().at();
  if (settings_.replica_file.empty() || at == position{} || at == saved_ ||
      (!at_end && saved_at_ != steady_time{} && clock_.steady_now() - saved_at_ < save_interval)) {
    return;
  }
  saved_at_ = clock_.steady_now();
  if (auto done = replica_.save(disk_, settings_.replica_file); done.has_error()) {
    log::warning("directory not saved", {{"file", settings_.replica_file}, {"why", done.error()}});
    return;
  }
  saved_ = at;
}

} // namespace homeward::directory
