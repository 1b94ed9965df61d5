#pragma once
// A directory of a few users for the tests of the bridge, written as a YAML list.

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "lib/base/clock.hpp"
#include "lib/directory/replica.hpp"
#include "lib/directory/yaml_engine.hpp"

namespace homeward::tests {

// A folder that is gone after the test.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = testing::TempDir() + "homeward-bridge-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path); }

  std::string path;
};

class small_directory {
 public:
  // Replaces the whole directory and brings the replica up to date.
  void write(const std::string& yaml) {
    const std::string file = folder_.path + "/directory-" + std::to_string(++version_) + ".yaml";
    std::ofstream(file) << yaml;
    directory::yaml_engine engine(file);
    const auto refreshed = replica_.refresh(engine);
    EXPECT_TRUE(refreshed) << describe(refreshed.error());
  }

  [[nodiscard]] directory::replica_view view() const { return replica_.view(); }
  [[nodiscard]] const clock_source& clock() const { return clock_; }

 private:
  temporary_folder folder_;
  system_clock_source clock_;
  directory::replica replica_{clock_};
  int version_ = 0;
};

} // namespace homeward::tests
