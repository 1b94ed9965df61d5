#include <cstdio>
#include <fstream>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/config/command_line.hpp"

#include "tests/unit/config/example_table.hpp"

namespace homeward::config {
namespace {

using ::testing::HasSubstr;
using testing::settings;

class command_line : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = ::testing::TempDir() + "homeward_command_line_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
    program_ = {.name = "homeward-example",
                .summary = "shows how it is done",
                .description = "It takes nothing and gives nothing.\n\n.SH is not a request.",
                .default_file = file_,
                .manual = {{"SIGNALS", "SIGHUP reloads.\n\n  kill -HUP 1"}},
                .more_options = [this](CLI::App& app) { app.add_flag("--extra", extra_); },
                .more_option_texts = {{"--extra", "Something more."}}};
  }
  void TearDown() override { (void)std::remove(file_.c_str()); }

  void write(const std::string& text) { std::ofstream(file_) << text; }

  std::variant<started<settings>, int> run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "homeward-example");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    auto outcome = start(static_cast<int>(arguments.size()), arguments.data(), program_,
                         testing::make_table());
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return outcome;
  }

  program program_;
  std::string file_;
  std::string out_;
  std::string err_;
  bool extra_ = false;
};

TEST_F(command_line, yields_settings_and_their_file) {
  write("port: 99\n");
  const auto outcome = run({"--extra"});
  ASSERT_EQ(outcome.index(), 0U);
  EXPECT_EQ(std::get<0>(outcome).settings.port, 99);
  EXPECT_EQ(std::get<0>(outcome).file, file_);
  EXPECT_TRUE(extra_);
}

TEST_F(command_line, bad_settings_end_with_78_and_all_messages) {
  write("port: x\nprot: 1\n");
  const auto outcome = run({"--config", file_.c_str()});
  ASSERT_EQ(outcome.index(), 1U);
  EXPECT_EQ(std::get<1>(outcome), exit_config);
  EXPECT_THAT(err_, HasSubstr(file_ + ":1: port: \"x\""));
  EXPECT_THAT(err_, HasSubstr(file_ + ":2: prot: is not a known setting; did you mean port?"));
  EXPECT_THAT(err_, HasSubstr("2 problems with the settings; nothing was started"));
}

TEST_F(command_line, check_and_print_config) {
  write("port: 99\n");
  auto outcome = run({"--check-config"});
  EXPECT_EQ(std::get<1>(outcome), 0);
  EXPECT_EQ(out_, file_ + ": good\n");
  outcome = run({"--print-config"});
  EXPECT_EQ(std::get<1>(outcome), 0);
  EXPECT_THAT(out_, HasSubstr("port: 99\n"));
}

TEST_F(command_line, example_and_manual_need_no_file) {
  EXPECT_EQ(std::get<1>(run({"--example-config"})), 0);
  EXPECT_THAT(out_, HasSubstr("#port: 24\n"));
  EXPECT_EQ(std::get<1>(run({"--manual"})), 0);
  EXPECT_THAT(out_, HasSubstr(".TH \"HOMEWARD\\-EXAMPLE\" 8"));
  EXPECT_THAT(out_, HasSubstr("\n\\&.SH is not a request."));
  EXPECT_THAT(out_,
              HasSubstr(".SH \"SIGNALS\"\nSIGHUP reloads.\n.PP\n.nf\n  kill \\-HUP 1\n.fi\n"));
  EXPECT_EQ(std::get<1>(run({"--manual", "settings"})), 0);
  EXPECT_THAT(out_, HasSubstr(".TH \"HOMEWARD\\-EXAMPLE.YAML\" 5"));
  EXPECT_THAT(out_, HasSubstr("\\fBlmtp.idle_timeout\\fR"));
}

TEST_F(command_line, version_help_and_nonsense) {
  EXPECT_EQ(std::get<1>(run({"--version"})), 0);
  EXPECT_EQ(out_, std::string("homeward-example ") + HOMEWARD_VERSION + "\n");
  EXPECT_EQ(std::get<1>(run({"--help"})), 0);
  EXPECT_THAT(out_, HasSubstr("--print-config"));
  EXPECT_EQ(std::get<1>(run({"--nonsense"})), exit_usage);
}

} // namespace
} // namespace homeward::config
