#pragma once
// Helpers for the tests of lib/directory: a folder of their own, a small directory to start from, a
// clock that stands still, and an engine whose answers a test chooses.

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/engine.hpp"
#include "lib/directory/sqlite_engine.hpp"

namespace homeward::directory::testing {

// A folder that is gone after the test.
class folder {
 public:
  folder() {
    std::string name = ::testing::TempDir() + "homeward-directory-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + '/' + std::string(name);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Time that passes when the test says so.
class manual_clock final : public clock_source {
 public:
  [[nodiscard]] steady_time steady_now() const override { return steady_; }
  [[nodiscard]] wall_time wall_now() const override { return wall_; }
  void pass(std::chrono::seconds length) {
    steady_ += length;
    wall_ += length;
  }

 private:
  steady_time steady_{std::chrono::hours(1)};
  wall_time wall_{std::chrono::seconds(1'800'000'000)};
};

// The value, or a test failure with the words and a default.
template <class T>
T must(result<T> r) {
  EXPECT_TRUE(r.has_value()) << describe(r.error());
  return r.has_value() ? std::move(*r) : T{};
}
inline void must(result<void> r) {
  EXPECT_TRUE(r.has_value()) << describe(r.error());
}
inline std::unique_ptr<edit> must(result<std::unique_ptr<edit>> r) {
  EXPECT_TRUE(r.has_value()) << describe(r.error());
  return r.has_value() ? std::move(*r) : nullptr;
}

// What went wrong, as a person would read it; "" when nothing did.
template <class T>
std::string words(const result<T>& r) {
  return r.has_value() ? std::string{} : describe(r.error());
}

inline user user_on(std::string mailbox, const std::string& server,
                    const std::string& directory = "mail1") {
  return {.mailbox = std::move(mailbox), .where = {.primary = {server, directory}}};
}

// Everything that an engine gives, as text in a known order.
class recorder final : public receiver {
 public:
  void put(const server& s) override { lines.push_back("server " + s.name); }
  void put(const partition& p) override {
    lines.push_back("partition " + to_string(p.id) + ' ' + std::string(name_of(p.state)));
  }
  void put(const user& u) override {
    lines.push_back("user " + u.mailbox + ' ' + to_string(u.where.primary) + ' ' +
                    std::to_string(u.where.epoch));
  }
  void removed_server(std::string_view name) override {
    lines.push_back("no server " + std::string(name));
  }
  void removed_partition(const partition_id& id) override {
    lines.push_back("no partition " + to_string(id));
  }
  void removed_user(std::string_view mailbox) override {
    lines.push_back("no user " + std::string(mailbox));
  }

  std::vector<std::string> lines;
};

// A directory with store1/mail1, store2/mail1 and the user ann@example.org on the first.
class small_directory : public ::testing::Test {
 protected:
  void SetUp() override {
    must(sqlite_engine::initialise(file));
    engine_ = std::make_unique<sqlite_engine>(file, std::chrono::milliseconds(50));
    auto e = must(engine_->begin());
    must(e->add(server{.name = "store1", .endpoints = {"127.0.0.1:2401"}}));
    must(e->add(server{.name = "store2", .endpoints = {"127.0.0.1:2402", "unix:/run/store2"}}));
    must(e->add(partition{.id = {"store1", "mail1"}}));
    must(e->add(partition{.id = {"store2", "mail1"}}));
    must(e->add(user_on("ann@example.org", "store1")));
    must(e->commit());
  }

  // Adds users in one edit.
  void add_users(const std::vector<user>& users) {
    auto e = must(engine_->begin());
    for (const auto& u : users) {
      must(e->add(u));
    }
    must(e->commit());
  }
  void remove_user(const std::string& mailbox) {
    auto e = must(engine_->begin());
    must(e->remove_user(mailbox));
    must(e->commit());
  }
  void set_user(const user& u) {
    auto e = must(engine_->begin());
    must(e->set(u));
    must(e->commit());
  }

  folder folder_;
  std::string file = folder_ / "directory.db";
  std::unique_ptr<sqlite_engine> engine_;
};

} // namespace homeward::directory::testing
