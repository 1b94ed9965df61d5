// Random programs of deliveries that are not synced, of readers, power cuts and interrupted
// recoveries. After a recovery that came to its end, and a sync of the volume, every mailbox has
// every message once, octet by octet, whatever the crash had left; and a further cut takes nothing.

#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/maildir/restorer.hpp"

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::maildir {
namespace {

using fs::crash_keeps;

struct findings {
  int lost = 0;
  int damaged = 0;
  int twice = 0;
  int replaced = 0;
  int filed = 0;
};

struct scenario {
  fs::sync_promises promises = fs::sync_promises::linux_file_systems;
  delivered_to header = delivered_to::single;
  bool unnamed_files = true;
  restore_mode mode = restore_mode::compare;
  bool synced = true; // the volume is, after the recovery
};

// What a journal would have kept.
struct record {
  std::string name;
  std::string octets;
  std::vector<std::string> mailboxes;
};

class story {
 public:
  story(const scenario& plot, std::uint64_t seed)
      : plot_(plot), chance_(seed), memory_(plot.promises), files_(memory_) {
    memory_.make_directories("/p");
    memory_.set_unnamed_files(plot.unnamed_files);
    EXPECT_TRUE(partition::initialise(memory_, "/p", {.name = "p"}, {}));
  }

  findings run() {
    live();
    for (std::size_t cuts = 1 + below(3); cuts > 0; --cuts) {
      crash();
      recover(cuts > 1);
    }
    if (plot_.synced) {
      const fs::handle root = memory_.open_directory("/p").value();
      EXPECT_TRUE(memory_.sync_file_system(root));
    }
    crash();
    judge();
    return found_;
  }

 private:
  std::size_t below(std::size_t limit) { return chance_() % limit; }

  void crash() {
    memory_.crash(std::array{crash_keeps::nothing, crash_keeps::anything, crash_keeps::anything,
                             crash_keeps::everything}[below(4)],
                  chance_());
  }

  void live() {
    const auto opened = partition::open(memory_, "/p", "p");
    ASSERT_TRUE(opened);
    writer w(*opened, {.recipe = sync_recipe::none, .header = plot_.header});
    for (std::size_t n = 1 + below(12); n > 0; --n) {
      deliver(w);
      read(*opened);
      if (below(6) == 0) { // somebody else's sync
        EXPECT_TRUE(memory_.sync_all(opened->root()));
      }
    }
  }

  void deliver(writer& w) {
    constexpr std::array<std::string_view, 5> users = {"ann@a", "bob@a", "cid@b", "dan@b", "eve@c"};
    record r{.name = fmt::format("{}.key.x", records_.size())};
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (below(3) == 0 || (i + 1 == users.size() && r.mailboxes.empty())) {
        r.mailboxes.emplace_back(users[i]);
      }
    }
    r.octets = "Subject: x\r\n\r\n";
    for (std::size_t lines = below(40); lines > 0; --lines) {
      r.octets.append(below(90), "abc\r\n\n"[below(6)]);
      r.octets += "\r\n";
    }
    const fs::message_spool spool{r.octets};
    const auto results =
        w.deliver({.message = &spool, .name = r.name, .sender = "s@x"}, r.mailboxes);
    for (std::size_t i = 0; i < results.size(); ++i) {
      ASSERT_TRUE(results[i]) << describe(results[i].error());
      const bool tell = plot_.header == delivered_to::always ||
                        (plot_.header == delivered_to::single && r.mailboxes.size() == 1);
      expected_[r.mailboxes[i] + " " + results[i]->file_name] = test::stored_text(
          "Return-Path: <s@x>\n" + (tell ? "Delivered-To: " + r.mailboxes[i] + "\n" : ""),
          r.octets);
    }
    records_.push_back(std::move(r));
  }

  // A reader takes a message from somebody's new/, and changes the flags of one in cur/.
  void read(const partition& p) {
    const std::array<std::string_view, 5> users = {"a/ann", "a/bob", "b/cid", "b/dan", "c/eve"};
    const std::string maildir = std::string(users[below(users.size())]) + "/Maildir";
    const auto fresh = memory_.open_at(p.root(), maildir + "/new", fs::open_mode::directory);
    const auto seen = memory_.open_at(p.root(), maildir + "/cur", fs::open_mode::directory);
    if (!fresh || !seen) {
      return;
    }
    const auto in_new = memory_.list(*fresh).value();
    if (!in_new.empty()) {
      const std::string name = in_new[below(in_new.size())].name;
      EXPECT_TRUE(memory_.rename_at(*fresh, name, *seen, name + ":2,", fs::on_existing::refuse));
    }
    const auto in_cur = memory_.list(*seen).value();
    if (!in_cur.empty() && below(2) == 0) {
      const std::string name = in_cur[below(in_cur.size())].name;
      EXPECT_TRUE(memory_.rename_at(*seen, name, *seen, name + "S", fs::on_existing::refuse));
    }
  }

  // The last one comes to its end; those before may be cut short, or meet errors.
  void recover(bool disturbed) {
    files_.reset();
    const auto opened = partition::open(files_, "/p", "p");
    ASSERT_TRUE(opened) << describe(opened.error());
    if (disturbed) {
      files_.cut_power_at(static_cast<unsigned>(1 + below(100)));
    }
    restorer r(*opened);
    for (const record& kept : records_) {
      std::vector<std::size_t> wanted(kept.mailboxes.size());
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = i;
      }
      const fs::message_spool spool{kept.octets};
      for (const auto& result : r.restore({.message = &spool, .name = kept.name, .sender = "s@x"},
                                          plot_.header, kept.mailboxes, wanted, plot_.mode)) {
        EXPECT_TRUE(result || disturbed) << describe(result.error());
        found_.replaced += result && result->what == restored::how::replaced ? 1 : 0;
        found_.filed += result && result->what == restored::how::filed ? 1 : 0;
      }
    }
  }

  void judge() {
    std::map<std::string, int> copies;
    for (const auto& [path, text] : test::mail_in(memory_, "/p")) {
      const std::string domain = path.substr(0, path.find('/'));
      const std::string local = path.substr(2, path.find('/', 2) - 2);
      const std::string file = path.substr(path.rfind('/') + 1);
      const std::string key = local + "@" + domain + " " + file.substr(0, file.find(':'));
      ++copies[key];
      const auto wanted = expected_.find(key);
      found_.damaged += wanted == expected_.end() || wanted->second != text ? 1 : 0;
    }
    for (const auto& [key, text] : expected_) {
      found_.lost += copies[key] == 0 ? 1 : 0;
      found_.twice += copies[key] > 1 ? 1 : 0;
    }
  }

  const scenario& plot_;
  std::mt19937_64 chance_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_;
  std::vector<record> records_;
  std::map<std::string, std::string> expected_; // "<mailbox> <file name>" -> content
  findings found_;
};

findings run(const scenario& plot) {
  findings all;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    const findings one = story(plot, seed).run();
    all.lost += one.lost;
    all.damaged += one.damaged;
    all.twice += one.twice;
    all.replaced += one.replaced;
    all.filed += one.filed;
  }
  return all;
}

void expect_safe(const scenario& plot) {
  const findings all = run(plot);
  EXPECT_EQ(all.lost, 0);
  EXPECT_EQ(all.damaged, 0);
  EXPECT_EQ(all.twice, 0);
  EXPECT_GT(all.replaced, 100) << "the test must not pass by doing nothing";
  EXPECT_GT(all.filed, 1000);
}

TEST(restorer_property, nothing_is_lost_torn_or_doubled) {
  for (const delivered_to header :
       {delivered_to::single, delivered_to::always, delivered_to::never}) {
    expect_safe({.header = header});
  }
}

TEST(restorer_property, nor_where_only_posix_holds) {
  expect_safe({.promises = fs::sync_promises::posix});
}

TEST(restorer_property, nor_without_unnamed_files) {
  expect_safe({.unnamed_files = false});
}

TEST(restorer_property, nor_when_all_is_written_anew) {
  expect_safe({.mode = restore_mode::rewrite});
}

// --- The judge must be able to fail ---------------------------------------------------

TEST(restorer_property, believing_in_names_after_a_power_cut_is_caught) {
  EXPECT_GT(run({.mode = restore_mode::look}).damaged, 0);
}

TEST(restorer_property, leaving_out_the_sync_after_the_recovery_is_caught) {
  const findings all = run({.synced = false});
  EXPECT_GT(all.lost, 0);
  EXPECT_GT(all.damaged, 0);
}

} // namespace
} // namespace homeward::maildir
