// Deliveries by several threads into old and new Maildirs on a real file system, power cut in the
// middle, again and again: every mailbox for which deliver() reported success has the whole
// message, and nobody sees a part of one. HOMEWARD_CUTS sets the number of cuts (8).

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"
#include "lib/maildir/writer.hpp"

#include "tests/crash/semantics/loop_volume.hpp"

namespace homeward::maildir {
namespace {

using test::loop_volume;
using test::volume_type;

int number_of_cuts() {
  const char* wanted = std::getenv("HOMEWARD_CUTS");
  return wanted == nullptr ? 8 : std::max(1, std::atoi(wanted));
}

// The message number `i`: octets that no other message has, 200 octets to 60 KB.
std::string message_text(std::uint64_t i) {
  std::mt19937_64 chance(i);
  std::string text = fmt::format("Subject: message {}\r\n\r\n", i);
  for (std::uint64_t lines = 2 + chance() % (i % 10 == 0 ? 800 : 100); lines > 0; --lines) {
    text += std::string(70, static_cast<char>('a' + chance() % 26)) + "\r\n";
  }
  return text;
}

std::string stored_text(std::uint64_t i) {
  std::string text = "Return-Path: <s@x>\n" + message_text(i);
  std::erase(text, '\r');
  return text;
}

struct damage {
  std::size_t lost = 0;
  std::size_t torn = 0;
};

class mail_run {
 public:
  mail_run(loop_volume& volume, sync_recipe recipe) : volume_(volume), recipe_(recipe) {}

  // Deliveries until the cut, which comes after `load`; then restart and look.
  damage cut_and_look(std::chrono::milliseconds load, std::uint64_t seed) {
    {
      const partition where = partition::open(files_, volume_.path().string(), "mail1").value();
      writer shelf_writer(where, {.recipe = recipe_, .header = delivered_to::never});
      std::vector<std::thread> threads;
      stop_ = false;
      for (std::uint64_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] { deliver_until_cut(shelf_writer, seed * 10 + t); });
      }
      std::this_thread::sleep_for(load);
      volume_.cut_power();
      stop_ = true;
      for (std::thread& t : threads) {
        t.join();
      }
    }
    volume_.restart();
    return look();
  }

  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_.size(); }

 private:
  void deliver_until_cut(writer& w, std::uint64_t seed) {
    std::mt19937_64 chance(seed);
    while (!stop_) {
      const std::uint64_t i = ++count_;
      std::vector<std::string> to;
      for (std::uint64_t n = 1 + chance() % 5; n > 0; --n) {
        const bool fresh = chance() % 12 == 0; // a mailbox that has no Maildir yet
        to.push_back(fresh ? fmt::format("n{}-{}@d{}", i, n, i % 7)
                           : fmt::format("u{}@example.org", chance() % 20));
      }
      const fs::message_spool spool{message_text(i)};
      const std::string name = fmt::format("{}.k.x", i);
      const auto results = w.deliver({.message = &spool, .name = name, .sender = "s@x"}, to);
      const std::lock_guard lock(mutex_);
      for (std::size_t k = 0; k < to.size(); ++k) {
        if (results[k]) {
          const std::string path = path_template().expand(to[k]).value();
          acknowledged_[path + "/new/" + results[k]->file_name] = i;
        }
      }
    }
  }

  damage look() {
    damage found;
    for (const auto& [path, number] : acknowledged_) {
      found.lost += std::filesystem::exists(volume_.path() / path) ? 0U : 1U;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(volume_.path())) {
      if (!entry.is_regular_file() || entry.path().parent_path().filename() != "new") {
        continue;
      }
      const std::uint64_t number = std::stoull(entry.path().filename().string());
      found.torn += test::contents(entry.path()) == stored_text(number) ? 0U : 1U;
    }
    return found;
  }

  loop_volume& volume_;
  sync_recipe recipe_;
  fs::real_file_system files_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> count_{0};
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> acknowledged_; // path -> message number
};

class deliveries_test : public ::testing::TestWithParam<std::tuple<volume_type, sync_recipe>> {};

TEST_P(deliveries_test, lose_nothing_and_show_no_part) {
  const auto [type, recipe] = GetParam();
  if (const auto reason = loop_volume::why_not(type)) {
    GTEST_SKIP() << *reason;
  }
  loop_volume volume(type);
  fs::real_file_system files;
  ASSERT_TRUE(partition::initialise(files, volume.path().string(),
                                    {.name = "mail1", .adopt_existing = true}, {}));
  mail_run run(volume, recipe);
  std::mt19937_64 chance(1);
  for (int cut = 0; cut < number_of_cuts(); ++cut) {
    const auto found = run.cut_and_look(std::chrono::milliseconds(20 + chance() % 100),
                                        static_cast<std::uint64_t>(cut));
    ASSERT_EQ(found.lost, 0U) << "of " << run.acknowledged() << " acknowledged, cut " << cut;
    ASSERT_EQ(found.torn, 0U) << "cut " << cut;
  }
  std::printf("%d cuts, %zu acknowledged, lost 0, torn 0\n", number_of_cuts(), run.acknowledged());
  EXPECT_GT(run.acknowledged(), 0U);
}

std::string recipe_name(const ::testing::TestParamInfo<deliveries_test::ParamType>& info) {
  return std::string(test::name_of(std::get<0>(info.param))) +
         (std::get<1>(info.param) == sync_recipe::late ? "_late" : "_strict");
}

INSTANTIATE_TEST_SUITE_P(volumes, deliveries_test,
                         ::testing::Combine(::testing::Values(volume_type::ext4, volume_type::xfs),
                                            ::testing::Values(sync_recipe::late,
                                                              sync_recipe::strict)),
                         recipe_name);

// The judge must be able to say "lost".
class sabotage_test : public ::testing::TestWithParam<volume_type> {};

TEST_P(sabotage_test, deliveries_without_any_sync_are_found_lost) {
  if (const auto reason = loop_volume::why_not(GetParam())) {
    GTEST_SKIP() << *reason;
  }
  loop_volume volume(GetParam());
  fs::real_file_system files;
  ASSERT_TRUE(partition::initialise(files, volume.path().string(),
                                    {.name = "mail1", .adopt_existing = true}, {}));
  mail_run run(volume, sync_recipe::none);
  EXPECT_GT(run.cut_and_look(std::chrono::milliseconds(50), 1).lost, 0U);
}

INSTANTIATE_TEST_SUITE_P(volumes, sabotage_test,
                         ::testing::Values(volume_type::ext4, volume_type::xfs),
                         [](const auto& v) { return std::string(test::name_of(v.param)); });

} // namespace
} // namespace homeward::maildir
