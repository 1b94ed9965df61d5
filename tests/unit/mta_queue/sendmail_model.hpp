#pragma once
// What sendmail does to its queue, as far as a mover can notice: it receives a message (df, then
// qf, each synced), and a run of the queue takes a job's lock, reads its df, delivers, and removes
// both. It keeps count of what it delivered.

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"

namespace homeward::test {

inline std::string envelope_text(std::string_view id, std::int64_t created = 1000) {
  return fmt::format("V8\nT{}\nK0\nN0\nP30000\nFs\n$_localhost [127.0.0.1]\nS<a@example.org>\n"
                     "rRFC822; {}@example.org\nRPFD:<{}@example.org>\n"
                     "H??Received: from here\n\tby there;\nH??Subject: .\n.\n",
                     created, id, id);
}

inline std::string body_text(std::string_view id) {
  return fmt::format("the body of {}\n", id);
}

// One thread.
class sendmail_model {
 public:
  explicit sendmail_model(fs::file_system& files) : files_(files) {}

  // Accepts a message: it is owed from now on.
  void receive(const std::string& directory, const std::string& id, std::int64_t created = 1000) {
    const auto queue = mta_queue::queue_directory::open(files_, directory).value();
    write(queue.data(), "df" + id, body_text(id));
    write(queue.envelopes(), "qf" + id, envelope_text(id, created));
    owed_.push_back(id);
  }

  // One run over a directory. A job that is locked is left alone.
  void run(const std::string& directory) {
    const auto queue = mta_queue::queue_directory::open(files_, directory).value();
    const auto listing = queue.list(files_).value();
    for (const std::string& id : listing.envelopes) {
      deliver(queue, id);
    }
  }

  // Tries without success: writes the envelope anew, as sendmail does.
  void defer(const std::string& directory, const std::string& id) {
    const auto queue = mta_queue::queue_directory::open(files_, directory).value();
    const auto lock = locked(queue, id);
    if (!lock.is_open()) {
      return;
    }
    const std::string text = mta_queue::read_whole(files_, lock, 1 << 20).value();
    const auto renewed =
        files_.open_at(queue.envelopes(), "tf" + id, fs::open_mode::create_new).value();
    const std::string_view piece = text;
    ASSERT_TRUE(files_.write(renewed, 0, {&piece, 1}));
    ASSERT_TRUE(files_.sync_all(renewed));
    ASSERT_TRUE(files_.rename_at(queue.envelopes(), "tf" + id, queue.envelopes(), "qf" + id,
                                 fs::on_existing::replace));
    ASSERT_TRUE(files_.sync_all(queue.envelopes()));
  }

  // In how many of the directories the job can be delivered now: its qf with its df beside it. A qf
  // without its df is a failure of the test.
  int deliverable(const std::vector<std::string>& directories, const std::string& id) {
    int count = 0;
    for (const std::string& path : directories) {
      const auto queue = mta_queue::queue_directory::open(files_, path).value();
      if (!files_.status_at(queue.envelopes(), "qf" + id)) {
        continue;
      }
      ++count;
      const auto data = files_.open_at(queue.data(), "df" + id, fs::open_mode::read);
      EXPECT_TRUE(data) << path << ": no df beside qf" << id;
      if (data) {
        EXPECT_EQ(mta_queue::read_whole(files_, *data, 1 << 20).value(), body_text(id));
      }
    }
    return count;
  }

  [[nodiscard]] const std::vector<std::string>& owed() const { return owed_; }
  [[nodiscard]] int delivered(const std::string& id) const {
    const auto found = delivered_.find(id);
    return found == delivered_.end() ? 0 : found->second;
  }

 private:
  void write(const fs::handle& directory, const std::string& name, std::string_view text) {
    const auto file = files_.open_at(directory, name, fs::open_mode::create_new).value();
    ASSERT_TRUE(files_.write(file, 0, {&text, 1}));
    ASSERT_TRUE(files_.sync_all(file));
    ASSERT_TRUE(files_.sync_all(directory));
  }

  fs::handle locked(const mta_queue::queue_directory& queue, const std::string& id) {
    auto file = files_.open_at(queue.envelopes(), "qf" + id, fs::open_mode::read_write);
    if (!file || !files_.try_flock(*file)) {
      return {};
    }
    const auto held = files_.status(*file);
    const auto named = files_.status_at(queue.envelopes(), "qf" + id);
    return named && named->inode == held->inode ? std::move(*file) : fs::handle{};
  }

  void deliver(const mta_queue::queue_directory& queue, const std::string& id) {
    const auto lock = locked(queue, id);
    if (!lock.is_open()) {
      return;
    }
    const auto data = files_.open_at(queue.data(), "df" + id, fs::open_mode::read);
    ASSERT_TRUE(data) << queue.path() << ": No Message Collected, " << id;
    ASSERT_EQ(mta_queue::read_whole(files_, *data, 1 << 20).value(), body_text(id));
    ++delivered_[id];
    ASSERT_TRUE(files_.unlink_at(queue.data(), "df" + id));
    ASSERT_TRUE(files_.sync_all(queue.data()));
    ASSERT_TRUE(files_.unlink_at(queue.envelopes(), "qf" + id));
    ASSERT_TRUE(files_.sync_all(queue.envelopes()));
  }

  fs::file_system& files_;
  std::vector<std::string> owed_;
  std::map<std::string, int> delivered_;
};

} // namespace homeward::test
