// Random programs of deliveries, cut by power failures and errors at random calls. After each cut
// and reopening: every acknowledged message is there, octet by octet; nothing partial is visible;
// what was not acknowledged is absent or complete. The same checker must find the loss when a sync
// is left out.

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::maildir {
namespace {

using fs::call;
using fs::crash_keeps;

struct findings {
  int lost = 0;    // acknowledged, and not there
  int damaged = 0; // visible, and not what was sent
  int left = 0;    // visible, and reported as failed, though no crash came between
  int acknowledged = 0;
  int crashes = 0;

  findings& operator+=(const findings& other) {
    lost += other.lost;
    damaged += other.damaged;
    left += other.left;
    acknowledged += other.acknowledged;
    crashes += other.crashes;
    return *this;
  }
};

struct scenario {
  fs::sync_promises promises = fs::sync_promises::linux_file_systems;
  filing_settings settings;
  bool unnamed_files = true;
  std::optional<fs::fault> always = {}; // planned anew after every reopening
  bool sabotaged = false;               // loss is what the test wants to see
};

// One random program.
class story {
 public:
  story(const scenario& plot, std::uint64_t seed)
      : plot_(plot), chance_(seed), memory_(plot.promises), files_(memory_) {
    memory_.make_directories("/p");
    memory_.set_unnamed_files(plot.unnamed_files);
    EXPECT_TRUE(partition::initialise(memory_, "/p", {.name = "p"}, {}));
  }

  findings run() {
    for (std::size_t life = 1 + below(3); life > 0; --life) {
      live();
      look_around();
      memory_.crash(std::array{crash_keeps::nothing, crash_keeps::anything, crash_keeps::anything,
                               crash_keeps::everything}[below(4)],
                    chance_());
      ++found_.crashes;
      failed_.clear(); // a crash may bring back what was taken back
      look_around();
    }
    return found_;
  }

 private:
  std::size_t below(std::size_t limit) { return chance_() % limit; }

  // One life of the process: deliveries until the power is cut.
  void live() {
    files_.reset();
    if (plot_.always) {
      files_.plan(*plot_.always);
    }
    const auto opened = partition::open(files_, "/p", "p");
    ASSERT_TRUE(opened) << describe(opened.error());
    writer w(*opened, plot_.settings);
    files_.cut_power_at(static_cast<unsigned>(1 + below(60)));
    for (std::size_t n = 1 + below(8); n > 0 && !files_.power_is_cut(); --n) {
      if (below(3) == 0) {
        constexpr std::array<int, 5> errors = {EIO, ENOSPC, EDQUOT, EACCES, EMFILE};
        files_.plan({.nth = static_cast<unsigned>(1 + below(15)),
                     .error = errors[below(errors.size())],
                     .short_write = below(50)});
      }
      deliver(w);
    }
  }

  void deliver(writer& w) {
    constexpr std::array<std::string_view, 6> users = {"ann@a", "bob@a", "cid@a",
                                                       "dan@b", "eve@b", "root"};
    std::vector<std::string> to;
    for (std::size_t n = 1 + below(5); n > 0; --n) {
      to.emplace_back(users[below(users.size())]);
    }
    const std::string name = fmt::format("{}.key.x", ++count_);
    const std::string octets = some_message();
    const fs::message_spool spool{octets};
    const auto results = w.deliver({.message = &spool, .name = name, .sender = "s@x"}, to);
    const std::set<std::string> different(to.begin(), to.end());
    for (std::size_t i = 0; i < to.size(); ++i) {
      const bool tell = plot_.settings.header == delivered_to::always ||
                        (plot_.settings.header == delivered_to::single && different.size() == 1);
      const std::string text = test::stored_text(
          "Return-Path: <s@x>\n" + (tell ? "Delivered-To: " + to[i] + "\n" : ""), octets);
      const std::string path =
          path_template().expand(to[i]).value() + "/new/" +
          fmt::format("{},S={},W={}", name, text.size(), test::wire_size(text));
      sent_[path] = text;
      if (results[i]) {
        acknowledged_.insert(path);
        ++found_.acknowledged;
      } else if (results[i].error().cause.find("still visible") == std::string::npos &&
                 !files_.power_is_cut()) {
        failed_.insert(path);
      }
    }
  }

  std::string some_message() {
    std::string octets = "Subject: x\r\n\r\n";
    for (std::size_t lines = below(30); lines > 0; --lines) {
      octets.append(below(90), "abc\r\n\n"[below(6)]);
      octets += "\r\n";
    }
    return octets;
  }

  void look_around() {
    const test::visible_mail seen = test::mail_in(memory_, "/p");
    for (const std::string& path : acknowledged_) {
      found_.lost += seen.contains(path) ? 0 : 1;
    }
    for (const auto& [path, text] : seen) {
      const auto sent = sent_.find(path);
      found_.damaged += sent == sent_.end() || sent->second != text ? 1 : 0;
      found_.left += failed_.contains(path) ? 1 : 0;
    }
  }

  const scenario& plot_;
  std::mt19937_64 chance_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_;
  std::map<std::string, std::string> sent_; // path -> content, of all that was ever tried
  std::set<std::string> acknowledged_;
  std::set<std::string> failed_; // since the last crash
  int count_ = 0;
  findings found_;
};

constexpr std::uint64_t programs = 800;

findings run(const scenario& plot, std::uint64_t seeds = programs) {
  findings all;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const findings one = story(plot, seed).run();
    if (!plot.sabotaged && one.lost + one.damaged + one.left > 0) {
      ADD_FAILURE() << "seed " << seed << ": lost " << one.lost << ", damaged " << one.damaged
                    << ", left " << one.left;
      return one;
    }
    all += one;
  }
  return all;
}

void expect_safe(const scenario& plot) {
  const findings all = run(plot);
  EXPECT_EQ(all.lost, 0);
  EXPECT_EQ(all.damaged, 0);
  EXPECT_EQ(all.left, 0);
  EXPECT_GT(all.acknowledged, 1000) << "the test must not pass by doing nothing";
  EXPECT_GT(all.crashes, 1000);
}

using policies = ::testing::TestWithParam<delivered_to>;

TEST_P(policies, late_recipe_on_linux_file_systems) {
  expect_safe({.settings = {.recipe = sync_recipe::late, .header = GetParam()}});
}

TEST_P(policies, late_recipe_without_unnamed_files) {
  expect_safe(
      {.settings = {.recipe = sync_recipe::late, .header = GetParam()}, .unnamed_files = false});
}

TEST_P(policies, strict_recipe_on_linux_file_systems) {
  expect_safe({.settings = {.recipe = sync_recipe::strict, .header = GetParam()}});
}

TEST_P(policies, strict_recipe_on_posix_promises_alone) {
  expect_safe({.promises = fs::sync_promises::posix,
               .settings = {.recipe = sync_recipe::strict, .header = GetParam()}});
}

TEST_P(policies, strict_recipe_on_posix_promises_without_unnamed_files) {
  expect_safe({.promises = fs::sync_promises::posix,
               .settings = {.recipe = sync_recipe::strict, .header = GetParam()},
               .unnamed_files = false});
}

std::string policy_name(const ::testing::TestParamInfo<delivered_to>& info) {
  constexpr std::array<const char*, 3> names = {"single", "always", "never"};
  return names[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(delivered_to, policies,
                         ::testing::Values(delivered_to::single, delivered_to::always,
                                           delivered_to::never),
                         policy_name);

// --- The checker must be able to fail -------------------------------------------------

fs::fault pretended(call kind) {
  return {.kind = kind, .for_ever = true, .pretend = true};
}

TEST(sabotage, leaving_out_all_syncs_is_caught) {
  const findings all = run({.settings = {.recipe = sync_recipe::none}, .sabotaged = true});
  EXPECT_GT(all.lost, 0);
  EXPECT_GT(all.damaged, 0);
}

TEST(sabotage, a_sync_that_does_nothing_is_caught) {
  for (const sync_recipe recipe : {sync_recipe::late, sync_recipe::strict}) {
    const findings all = run(
        {.settings = {.recipe = recipe}, .always = pretended(call::sync_all), .sabotaged = true});
    EXPECT_GT(all.lost, 0);
  }
}

TEST(sabotage, naming_before_the_data_is_out_is_caught) {
  const findings all = run({.settings = {.recipe = sync_recipe::late},
                            .always = pretended(call::write_out),
                            .sabotaged = true});
  EXPECT_GT(all.damaged, 0);
  EXPECT_EQ(all.lost, 0);
}

TEST(sabotage, the_late_recipe_where_only_posix_holds_is_caught) {
  const findings all = run({.promises = fs::sync_promises::posix,
                            .settings = {.recipe = sync_recipe::late},
                            .sabotaged = true});
  EXPECT_GT(all.lost, 0);
}

TEST(sabotage, a_removal_that_does_nothing_is_caught) {
  const findings all = run({.settings = {.recipe = sync_recipe::late},
                            .always = pretended(call::unlink_at),
                            .sabotaged = true});
  EXPECT_GT(all.left, 0);
}

} // namespace
} // namespace homeward::maildir
