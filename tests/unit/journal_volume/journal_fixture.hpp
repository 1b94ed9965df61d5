#pragma once
// A journal in memory for the tests of its parts and of the whole: its disk can be made to fail, or
// to wait at a gate.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "stored/journal/volume_journal.hpp"
#include "tests/unit/stored/gated_file_system.hpp"
#include "tests/unit/stored/manual_clock.hpp"

namespace homeward::journal::test {

// Collects what commits are told.
class told_commits {
 public:
  committed callback() {
    return [s = state_](const result<record_number>& n) {
      const std::lock_guard lock(s->mutex);
      s->results.push_back(n);
      s->changed.notify_all();
    };
  }
  // The first `count` of them.
  [[nodiscard]] std::vector<result<record_number>> wait(std::size_t count) const {
    std::unique_lock lock(state_->mutex);
    EXPECT_TRUE(state_->changed.wait_for(lock, std::chrono::seconds(60),
                                         [&] { return state_->results.size() >= count; }));
    return state_->results;
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(state_->mutex);
    return state_->results.size();
  }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<result<record_number>> results;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

inline delivery_record delivery_of(std::string_view message, const std::string& partition = "p",
                                   const std::string& name = "1.a.b") {
  return {.received = 1795170000123,
          .header = header_rule::single,
          .partition = partition,
          .name = name,
          .sender = "s@x",
          .mailboxes = {"ann@a.example"},
          .apart = false,
          .size = message.size(),
          .message = message};
}

// Polls; for what other threads bring about.
template <class Condition>
[[nodiscard]] bool becomes(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

class journal_directory : public ::testing::Test {
 protected:
  journal_directory() {
    memory_.make_directories(path);
    directory_ = memory_.open_directory(path).value();
  }

  [[nodiscard]] std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const fs::directory_entry& e : memory_.list(directory_).value()) {
      all.push_back(e.name);
    }
    return all;
  }
  [[nodiscard]] bool has(std::string_view name) {
    return memory_.status_at(directory_, name).has_value();
  }

  static constexpr std::string_view path = "/srv/mail1/.homeward-journal";

  stored::test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  stored::test::gated_file_system gate_{files_};
  fs::handle directory_;
};

} // namespace homeward::journal::test
