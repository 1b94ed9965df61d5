#pragma once
// Runs homewardctl as a function, in a folder of its own.

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "admin/application.hpp"

namespace homeward::admin::testing {

// What one run printed, and how it ended.
struct run_result {
  int code = 0;
  std::string out;
  std::string err;
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }
};

// An empty folder; directory.db in it is the directory of every run.
class admin_test : public ::testing::Test {
 protected:
  admin_test() {
    std::string name = ::testing::TempDir() + "homeward-admin-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    variables_["HOMEWARD_DIRECTORY"] = path("directory.db");
  }
  ~admin_test() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + '/' + name; }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

  // `input` is what a person types; with it, somebody sits at the terminal.
  run_result run(std::vector<std::string> arguments, const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    environment env{.in = in,
                    .out = out,
                    .err = err,
                    .variable =
                        [this](const std::string& name) {
                          const auto known = variables_.find(name);
                          return known == variables_.end() ? std::nullopt
                                                           : std::optional(known->second);
                        },
                    .is_terminal = !input.empty() && terminal_};
    std::vector<const char*> argv = {"homewardctl"};
    for (const auto& argument : arguments) {
      argv.push_back(argument.c_str());
    }
    const int code = admin::run(static_cast<int>(argv.size()), argv.data(), env);
    return {code, out.str(), err.str()};
  }
  // One that must succeed.
  std::string ok(const std::vector<std::string>& arguments) {
    const auto r = run(arguments);
    EXPECT_EQ(r.code, 0) << r.err;
    return r.out;
  }

  // store1/mail1 and store2/mail1, and ann@example.org on the first.
  void make_directory() {
    ok({"directory", "init"});
    ok({"server", "add", "store1", "--endpoint", "127.0.0.1:1"});
    ok({"server", "add", "store2", "--endpoint", "127.0.0.1:2", "--endpoint", "unix:/run/s2"});
    ok({"partition", "add", "store1/mail1"});
    ok({"partition", "add", "store2/mail1"});
    ok({"user", "add", "ann@example.org"});
  }

  std::string folder_;
  std::map<std::string, std::string> variables_;
  bool terminal_ = true;
};

} // namespace homeward::admin::testing
