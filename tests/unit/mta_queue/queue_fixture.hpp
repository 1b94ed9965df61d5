#pragma once
// Two tiers of queue directories in memory, and jobs put into them by hand.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/mta_queue/job_mover.hpp"

#include "tests/unit/mta_queue/sendmail_model.hpp"

namespace homeward::test {

class queue_fixture : public ::testing::Test {
 protected:
  queue_fixture() {
    disk.make_directories("/one/q1");
    disk.make_directories("/two/q1");
    disk.make_volume("/far/q1");
    disk.set_time(1000);
  }

  mta_queue::queue_directory at(const std::string& path) {
    return mta_queue::queue_directory::open(disk, path).value();
  }

  // A file in a queue directory, with its sub-directories if it has them.
  void put(const std::string& path, const std::string& name, std::string_view text) {
    const auto queue = at(path);
    const auto& where = queue.place_of(mta_queue::parse_file_name(name).kind);
    const auto file = disk.open_at(where, name, fs::open_mode::create_new).value();
    ASSERT_TRUE(disk.write(file, 0, {&text, 1}));
    ASSERT_TRUE(disk.sync_all(file));
  }

  // All names of a directory and its sub-directories, sorted: "dfA qfA".
  std::string names(const std::string& path) {
    const auto root = disk.open_directory(path).value();
    std::string found;
    for (const auto& e : disk.list(root).value()) {
      found += (found.empty() ? "" : " ") + e.name;
      if (e.kind == fs::entry_kind::directory) {
        found += "(" + names(path + '/' + e.name) + ")";
      }
    }
    return found;
  }

  mta_queue::move_outcome move(const std::string& from, const std::string& to,
                               const std::string& id, std::uint32_t runner = 0) {
    return mta_queue::job_mover(faulty, runner)
        .move(at_faulty(from), at_faulty(to), id, [](const auto&) { return true; });
  }

  mta_queue::queue_directory at_faulty(const std::string& path) {
    return mta_queue::queue_directory::open(faulty, path).value();
  }

  fs::forgetting_file_system disk;
  fs::faulty_file_system faulty{disk};
  sendmail_model sendmail{disk};
};

} // namespace homeward::test
