#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.hpp"

#include "milter/knowledge/accounts.hpp"
#include "milter/knowledge/alias_watch.hpp"
#include "milter/knowledge/forward_files.hpp"

namespace homeward::milter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class alias_files : public testing::Test {
 protected:
  alias_files() { std::filesystem::create_directories(root); }
  ~alias_files() override { std::filesystem::remove_all(root); }

  [[nodiscard]] std::string at(const std::string& name) const { return (root / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root / name).parent_path());
    // By rename, so that every change is another file.
    std::ofstream(at(name) + ".new") << text;
    std::filesystem::rename(at(name) + ".new", at(name));
  }
  [[nodiscard]] static bool has(const alias_watch& w, const std::string& local) {
    return w.now()->redirects(local, "example.org", true, "+");
  }

  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / ("alias_watch_test." + random_hex(8));
};

class alias_watch_test : public alias_files {};
class forward_files_test : public alias_files {};

TEST_F(alias_watch_test, knows_everything_from_the_start) {
  write("aliases", "ann: x\n");
  write("virtual", "bob@example.org x\n");
  write("home/cat/.forward", "x\n");
  write("home/dan/file", "x\n");
  const alias_watch w(
      {.files = {{.path = at("aliases")}, {.path = at("virtual"), .format = alias_format::postfix}},
       .forward_files = {at("home/{local}/.forward")}});
  EXPECT_TRUE(has(w, "ann"));
  EXPECT_TRUE(has(w, "bob"));
  EXPECT_TRUE(has(w, "cat"));
  EXPECT_TRUE(has(w, "cat+detail"));
  EXPECT_FALSE(has(w, "dan"));
  EXPECT_THAT(w.now()->missing, IsEmpty());
}

TEST_F(alias_watch_test, takes_a_changed_file_when_two_looks_saw_it_the_same) {
  write("aliases", "ann: x\n");
  alias_watch w({.files = {{.path = at("aliases")}}});
  write("aliases", "ann: x\nbob: x\n");
  w.look_at_files(false);
  EXPECT_FALSE(has(w, "bob")) << "it may be half written";
  w.look_at_files(false);
  EXPECT_TRUE(has(w, "bob"));
}

TEST_F(alias_watch_test, takes_it_at_once_when_asked) {
  write("aliases", "ann: x\n");
  alias_watch w({.files = {{.path = at("aliases")}}});
  write("aliases", "ann: x\nbob: x\n");
  w.look_at_files(true);
  EXPECT_TRUE(has(w, "bob"));
}

TEST_F(alias_watch_test, keeps_the_last_good_table) {
  write("aliases", "ann: x\n");
  alias_watch w({.files = {{.path = at("aliases")}}});
  std::filesystem::remove(at("aliases"));
  w.look_at_files(true);
  EXPECT_TRUE(has(w, "ann"));
  EXPECT_THAT(w.now()->missing, IsEmpty());
  std::filesystem::create_directory(at("aliases"));
  w.look_at_files(true);
  EXPECT_TRUE(has(w, "ann"));
}

TEST_F(alias_watch_test, says_what_could_never_be_read_until_it_could) {
  alias_watch w({.files = {{.path = at("aliases")}}, .forward_files = {at("home/{local}/.f")}});
  EXPECT_THAT(w.now()->missing, UnorderedElementsAre(at("aliases"), at("home/{local}/.f")));
  std::filesystem::create_directory(at("home"));
  write("aliases", "ann: x\n");
  w.look_at_files(false);
  EXPECT_THAT(w.now()->missing, IsEmpty());
  EXPECT_TRUE(has(w, "ann"));
}

TEST_F(alias_watch_test, may_ignore_what_could_not_be_read) {
  const alias_watch w({.files = {{.path = at("aliases")}},
                       .accounts = true,
                       .when_unreadable = without_aliases::ignore});
  EXPECT_THAT(w.now()->missing, IsEmpty());
}

TEST_F(alias_watch_test, other_settings_keep_what_both_name) {
  write("aliases", "ann: x\n");
  write("more", "bob: x\n");
  alias_watch w({.files = {{.path = at("aliases")}}});
  std::filesystem::remove(at("aliases"));
  w.set({.files = {{.path = at("aliases")}, {.path = at("more")}}});
  w.look_at_files(true);
  EXPECT_TRUE(has(w, "ann"));
  EXPECT_TRUE(has(w, "bob"));
  w.set({.files = {{.path = at("more")}}});
  w.look_at_files(true);
  EXPECT_FALSE(has(w, "ann"));
  EXPECT_TRUE(has(w, "bob"));
}

TEST_F(alias_watch_test, accounts_are_missing_until_they_were_listed) {
  alias_watch w({.accounts = true});
  EXPECT_THAT(w.now()->missing, ElementsAre("accounts"));
  w.look_at_accounts();
  EXPECT_THAT(w.now()->missing, IsEmpty());
  EXPECT_TRUE(w.now()->has_account("Root", "+"));
  EXPECT_TRUE(w.now()->has_account("root+detail", "+"));
  EXPECT_FALSE(w.now()->has_account("no-such-account", "+"));
}

TEST_F(alias_watch_test, looks_by_itself) {
  write("aliases", "ann: x\n");
  alias_watch w({.files = {{.path = at("aliases")}}, .look_every = std::chrono::milliseconds(1)});
  w.start();
  write("aliases", "bob: x\n");
  while (!has(w, "bob")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  w.stop();
}

TEST_F(forward_files_test, match_their_pattern) {
  write("f/x-ann.fwd", "");
  write("f/x-Bob.fwd", "");
  write("f/x-.fwd", "");
  write("f/cat.fwd", "");
  const auto found = find_forward_files(at("f/x-{local}.fwd"));
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, UnorderedElementsAre("ann", "bob"));
}

TEST_F(forward_files_test, say_when_the_folder_cannot_be_listed) {
  const auto found = find_forward_files(at("nothing/{local}/.forward"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, failure_kind::transient);
}

TEST_F(forward_files_test, a_link_that_leads_nowhere_is_none) {
  std::filesystem::create_directories(at("home/ann"));
  std::filesystem::create_symlink("/nowhere/at/all", at("home/ann/.forward"));
  const auto found = find_forward_files(at("home/{local}/.forward"));
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, IsEmpty());
}

TEST(forward_pattern_test, is_checked) {
  EXPECT_EQ(check_forward_pattern("/home/{local}/.forward"), "");
  EXPECT_EQ(check_forward_pattern("/var/forward/{local}"), "");
  for (const char* bad : {"", "home/{local}", "/home/.forward", "/{local}/.forward",
                          "/home/{local}/{local}", "/{local}"}) {
    EXPECT_NE(check_forward_pattern(bad), "") << bad;
  }
}

} // namespace
} // namespace homeward::milter
