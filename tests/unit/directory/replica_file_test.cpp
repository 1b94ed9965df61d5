#include <iterator>

#include <gmock/gmock.h>

#include "lib/directory/replica.hpp"
#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/fs/real_file_system.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using ::testing::HasSubstr;
using namespace testing; // NOLINT: the helpers above

class replica_file_test : public small_directory {
 protected:
  void SetUp() override {
    small_directory::SetUp();
    add_users({{.mailbox = "\"b b\"@example.org",
                .where = {.primary = {"store2", "mail1"},
                          .secondary = {{"store1", "mail1"}},
                          .quota = 1_MiB,
                          .state = user_state::disabled}}});
    must(replica_.refresh(*engine_));
  }
  static std::vector<std::string> everything(const replica& r) {
    recorder all;
    r.view().each(all);
    std::sort(all.lines.begin(), all.lines.end());
    return all.lines;
  }
  std::string text() {
    std::ifstream in(saved_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) { std::ofstream(saved_, std::ios::binary) << text; }
  std::string load_words() {
    replica other(clock_);
    const auto loaded = other.load_saved(disk_, saved_);
    EXPECT_EQ(other.view().complete(), loaded.has_value());
    return words(loaded);
  }

  manual_clock clock_;
  fs::real_file_system disk_;
  replica replica_{clock_};
  std::string saved_ = folder_ / "replica";
};

TEST_F(replica_file_test, brings_back_everything_and_states_its_age) {
  clock_.pass(std::chrono::seconds(10));
  must(replica_.save(disk_, saved_));
  clock_.pass(std::chrono::seconds(20));
  replica other(clock_);
  must(other.load_saved(disk_, saved_));
  EXPECT_EQ(everything(other), everything(replica_));
  EXPECT_EQ(other.view().at(), replica_.view().at());
  EXPECT_EQ(other.age(), std::chrono::seconds(30));
  const auto b = other.lookup("\"b b\"@example.org");
  const auto& h = std::get<found_home>(b);
  EXPECT_EQ(h.quota, 1_MiB);
  EXPECT_EQ(h.state, user_state::disabled);
  EXPECT_EQ(h.secondary_server->name, "store1");
  EXPECT_FALSE(must(other.refresh(*engine_)).reloaded) << "it goes on by changes";
}

TEST_F(replica_file_test, never_replaces_what_is_known_already) {
  must(replica_.save(disk_, saved_));
  EXPECT_THAT(words(replica_.load_saved(disk_, saved_)), HasSubstr("filled already"));
}

TEST_F(replica_file_test, an_empty_replica_cannot_be_saved) {
  const replica empty(clock_);
  EXPECT_TRUE(empty.save(disk_, saved_).has_error());
  EXPECT_FALSE(std::filesystem::exists(saved_));
}

TEST_F(replica_file_test, every_damage_is_noticed) {
  must(replica_.save(disk_, saved_));
  const std::string good = text();
  EXPECT_EQ(load_words(), "");
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    write(good.substr(0, cut));
    EXPECT_THAT(load_words(), HasSubstr("cannot be used")) << "cut at " << cut;
  }
  for (std::size_t at = 0; at + 1 < good.size(); ++at) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write(changed);
    EXPECT_NE(load_words(), "") << "changed at " << at;
  }
  write(good);
  EXPECT_EQ(load_words(), "");
}

TEST_F(replica_file_test, of_another_format_or_missing) {
  write("homeward-replica\t2\nend\t00\n");
  EXPECT_THAT(load_words(), HasSubstr("of another format"));
  std::filesystem::remove(saved_);
  EXPECT_THAT(load_words(), HasSubstr("No such file"));
  replica other(clock_);
  EXPECT_THAT(words(other.load_saved(disk_, "relative")), HasSubstr("absolute path"));
}

TEST_F(replica_file_test, the_old_file_or_the_new_survives_every_power_cut) {
  replica newer(clock_);
  add_users({user_on("eve@example.org", "store1")});
  must(newer.refresh(*engine_));
  int old_found = 0;
  int new_found = 0;
  for (unsigned step = 1; step < 40; ++step) {
    fs::forgetting_file_system memory;
    memory.make_directories("/state");
    must(replica_.save(memory, "/state/replica"));
    fs::faulty_file_system failing(memory);
    failing.cut_power_at(step);
    const bool done = newer.save(failing, "/state/replica").has_value();
    memory.crash(fs::crash_keeps::anything, step);
    replica after(clock_);
    must(after.load_saved(memory, "/state/replica"));
    EXPECT_TRUE(!done || after.view().users() == 3U) << "step " << step;
    (after.view().users() == 3U ? new_found : old_found) += 1;
  }
  EXPECT_GT(old_found, 0);
  EXPECT_GT(new_found, 0);
}

TEST_F(replica_file_test, a_full_disk_leaves_the_old_file_and_no_rubbish) {
  must(replica_.save(disk_, saved_));
  const std::string good = text();
  fs::faulty_file_system failing(disk_);
  failing.plan({.kind = fs::call::write, .nth = 1, .error = ENOSPC, .for_ever = true});
  EXPECT_EQ(replica_.save(failing, saved_).error().reason, failure_reason::full);
  EXPECT_EQ(text(), good);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    files += entry.path().string().ends_with(".new") ? 1 : 0;
  }
  EXPECT_EQ(files, 0);
}

} // namespace
} // namespace homeward::directory
