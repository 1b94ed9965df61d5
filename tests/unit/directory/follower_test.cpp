#include <thread>

#include <gmock/gmock.h>

#include "lib/base/log.hpp"
#include "lib/directory/follower.hpp"
#include "lib/fs/real_file_system.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using namespace std::chrono_literals;
using namespace testing; // NOLINT: the helpers above

class follower_test : public small_directory {
 protected:
  void SetUp() override {
    small_directory::SetUp();
    settings_.file = file;
    settings_.refresh = 20ms;
    settings_.busy = 100ms;
  }
  std::unique_ptr<follower> make() {
    return std::make_unique<follower>(settings_, make_engine(settings_), clock_, disk_);
  }
  // Waits until it is so; a test that waits in vain fails.
  static void eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_TRUE(condition());
  }

  settings settings_;
  system_clock_source clock_;
  fs::real_file_system disk_;
};

TEST_F(follower_test, has_the_directory_at_once_and_follows_it) {
  const auto f = make();
  EXPECT_EQ(f->view().users(), 1U);
  f->start();
  add_users({user_on("bob@example.org", "store2")});
  eventually([&] { return f->view().users() == 2U; });
  EXPECT_FALSE(f->trouble());
}

TEST_F(follower_test, refreshes_when_asked) {
  settings_.refresh = 1h;
  const auto f = make();
  f->start();
  add_users({user_on("bob@example.org", "store2")});
  f->refresh_soon();
  eventually([&] { return f->view().users() == 2U; });
}

TEST_F(follower_test, tells_of_trouble_and_recovers) {
  const auto f = make();
  f->start();
  std::filesystem::rename(file, file + ".gone");
  eventually([&] { return f->trouble().has_value(); });
  EXPECT_EQ(f->view().users(), 1U);
  std::filesystem::rename(file + ".gone", file);
  eventually([&] { return !f->trouble().has_value(); });
}

TEST_F(follower_test, starts_without_the_engine_from_the_replica_file) {
  settings_.replica_file = folder_ / "replica";
  {
    const auto f = make();
    f->start();
    f->stop();
  }
  engine_.reset();
  std::filesystem::rename(file, file + ".gone");
  const auto f = make();
  EXPECT_EQ(f->view().users(), 1U);
  EXPECT_TRUE(f->trouble());
  f->start();
  std::filesystem::rename(file + ".gone", file);
  eventually([&] { return !f->trouble(); });
}

TEST_F(follower_test, without_engine_and_file_it_knows_nothing_but_lives) {
  settings_.replica_file = folder_ / "replica";
  engine_.reset();
  std::filesystem::rename(file, file + ".gone");
  const auto f = make();
  EXPECT_FALSE(f->view().complete());
  f->start();
  EXPECT_TRUE(std::holds_alternative<unavailable>(f->view().lookup("ann@example.org")));
  std::filesystem::rename(file + ".gone", file);
  eventually([&] { return f->view().complete(); });
  f->stop();
  EXPECT_TRUE(std::filesystem::exists(settings_.replica_file));
}

TEST(directory_settings, bad_ones_say_what_is_wrong) {
  const auto complaint_about = [](const std::string& text) {
    const auto parsed = settings_table().parse_text(text, "x.yaml");
    return parsed.has_error() ? config::to_string(parsed.error()) : std::string{};
  };
  EXPECT_EQ(complaint_about("engine: postgres\n"),
            "x.yaml:1: engine: \"postgres\" is not known here; allowed is sqlite or yaml\n");
  EXPECT_EQ(complaint_about("file: users.db\n"),
            "x.yaml:1: file: \"users.db\" is not an absolute path; write it in full, from / on\n");
  EXPECT_EQ(complaint_about("refresh: 0s\n"),
            "x.yaml:1: refresh: \"0s\" is too small; allowed is 100ms to 1h\n");
  EXPECT_EQ(complaint_about("busy_timeout: 2m\n"),
            "x.yaml:1: busy_timeout: \"2m\" is too large; allowed is 100ms to 1m\n");
  EXPECT_EQ(complaint_about("file: /a\nreplica_file: /a\n"),
            "x.yaml:2: replica_file: is the directory itself; name another file\n");
  EXPECT_EQ(complaint_about("replica_file: \"\"\n"), "");
}

} // namespace
} // namespace homeward::directory
