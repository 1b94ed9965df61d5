// What the file systems do with what no promise covers: the table in docs/durability.md. Each
// sequence of calls runs on a real file system, then the power is cut. The sequences on which
// lib/maildir relies are asserted; of the others the table is printed only, they show why the
// recipe is what it is.

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"

#include "tests/crash/semantics/loop_volume.hpp"

namespace homeward::fs {
namespace {

using test::loop_volume;
using test::volume_type;

// The steps of a sequence, on the message file "m" and its neighbours.
enum class step {
  unnamed,     // an unnamed file with the message
  in_tmp,      // tmp/m with the message
  write_out,   // its data sent to the disk
  data_sync,   // fdatasync of it
  file_sync,   // fsync of it
  link,        // new/m
  link_more,   // other/m, and fresh/a/m in directories made now
  rename,      // tmp/m becomes new/m
  unlink_tmp,  // tmp/m goes
  new_sync,    // fsync of new/
  volume_sync, // syncfs
  neighbour,   // another file of the volume is written and synced
  reopen_sync, // new/m opened again and fsynced through that handle
};

struct sequence {
  const char* words;
  std::vector<step> steps;
  const char* relied_on; // what must be seen in new/m; "" for a row that is only shown
};

const std::vector<sequence>& sequences() {
  using enum step;
  static const std::vector<sequence> all = {
      // What the code does.
      {"late: unnamed, write out, link, fsync", {unnamed, write_out, link, file_sync}, "whole"},
      {"late, neighbour syncs before the link",
       {unnamed, write_out, neighbour, link, file_sync},
       "whole"},
      {"late, all names of several",
       {unnamed, write_out, link, link_more, file_sync},
       "whole, all"},
      {"late, cut before its fsync, neighbour syncs",
       {unnamed, write_out, link, neighbour},
       "whole or lost"},
      {"late without unnamed files",
       {in_tmp, write_out, link, link_more, unlink_tmp, file_sync},
       "whole, all"},
      {"strict: unnamed, fsync, link, fsync new/", {unnamed, file_sync, link, new_sync}, "whole"},
      {"strict without unnamed files", {in_tmp, file_sync, link, new_sync, unlink_tmp}, "whole"},
      {"a repeat: named long ago, opened again, fsync",
       {unnamed, link, neighbour, reopen_sync},
       "whole"},
      {"journal: link, syncfs", {unnamed, link, link_more, volume_sync}, "whole, all"},
      // What it must not do.
      {"unnamed, link, nothing", {unnamed, link}, ""},
      {"unnamed, link, fdatasync", {unnamed, link, data_sync}, ""},
      {"data on disk already, link, fdatasync", {unnamed, data_sync, link, data_sync}, ""},
      {"data on disk already, link, fsync", {unnamed, data_sync, link, file_sync}, ""},
      {"written out, neighbour syncs, link, fdatasync",
       {unnamed, write_out, neighbour, link, data_sync},
       ""},
      {"unnamed, link, neighbour syncs", {unnamed, link, neighbour}, ""},
      {"unnamed, link, fsync new/ only", {unnamed, link, new_sync}, ""},
      {"classic: tmp, fsync, rename", {in_tmp, file_sync, rename}, ""},
      {"classic, fsync new/", {in_tmp, file_sync, rename, new_sync}, ""},
  };
  return all;
}

class run_on_volume {
 public:
  explicit run_on_volume(const std::string& path) {
    root_ = files_.open_directory(path).value();
    for (const char* name : {"tmp", "new", "other"}) {
      check(files_.make_directory_at(root_, name));
    }
    tmp_ = files_.open_at(root_, "tmp", open_mode::directory).value();
    new_ = files_.open_at(root_, "new", open_mode::directory).value();
    other_ = files_.open_at(root_, "other", open_mode::directory).value();
    neighbour_ = files_.open_at(other_, "neighbour", open_mode::create_new).value();
    check(files_.sync_file_system(root_));
  }

  void perform(const sequence& s) {
    for (const step what : s.steps) {
      perform(what);
    }
  }

 private:
  static void check(const io_result<void>& r) {
    ASSERT_TRUE(r) << r.error().operation << " " << r.error().number;
  }
  void write(const handle& file) {
    const std::string body(9000, 'x');
    const std::string_view piece = body;
    check(files_.write(file, 0, {&piece, 1}));
  }
  void perform(step what) {
    switch (what) {
    case step::unnamed:
      file_ = files_.create_unnamed_at(new_).value();
      write(file_);
      break;
    case step::in_tmp:
      file_ = files_.open_at(tmp_, "m", open_mode::create_new).value();
      write(file_);
      break;
    case step::write_out: check(files_.write_out(file_)); break;
    case step::data_sync: check(files_.sync_data(file_)); break;
    case step::file_sync: check(files_.sync_all(file_)); break;
    case step::link: check(files_.link_at(file_, new_, "m")); break;
    case step::link_more: link_more(); break;
    case step::rename: check(files_.rename_at(tmp_, "m", new_, "m", on_existing::refuse)); break;
    case step::unlink_tmp: check(files_.unlink_at(tmp_, "m")); break;
    case step::new_sync: check(files_.sync_all(new_)); break;
    case step::volume_sync: check(files_.sync_file_system(root_)); break;
    case step::neighbour:
      write(neighbour_);
      check(files_.sync_all(neighbour_));
      break;
    case step::reopen_sync:
      check(files_.sync_all(files_.open_at(new_, "m", open_mode::read).value()));
      break;
    }
  }
  void link_more() {
    check(files_.make_directory_at(root_, "fresh"));
    const handle fresh = files_.open_at(root_, "fresh", open_mode::directory).value();
    check(files_.make_directory_at(fresh, "a"));
    check(files_.link_at(file_, other_, "m"));
    check(files_.link_at(file_, files_.open_at(fresh, "a", open_mode::directory).value(), "m"));
  }

  real_file_system files_;
  handle root_;
  handle tmp_;
  handle new_;
  handle other_;
  handle neighbour_;
  handle file_;
};

std::string state_of(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    return "lost";
  }
  const std::string octets = test::contents(file);
  if (octets == std::string(9000, 'x')) {
    return "whole";
  }
  return octets.empty() ? "empty" : "damaged";
}

std::string after_cut(loop_volume& volume, const sequence& s) {
  static int count = 0;
  const std::filesystem::path place = volume.path() / std::to_string(++count);
  std::filesystem::create_directory(place);
  run_on_volume(place).perform(s);
  volume.restart();
  std::string found = state_of(place / "new/m");
  if (found == "lost" && std::filesystem::exists(place / "tmp/m")) {
    return "in tmp/";
  }
  if (found == "whole" && state_of(place / "other/m") == "whole" &&
      state_of(place / "fresh/a/m") == "whole") {
    found = "whole, all";
  }
  return found;
}

class sequences_test : public ::testing::TestWithParam<volume_type> {};

TEST_P(sequences_test, leave_what_the_recipes_rely_on) {
  if (const auto reason = loop_volume::why_not(GetParam())) {
    GTEST_SKIP() << *reason;
  }
  loop_volume volume(GetParam());
  for (const sequence& s : sequences()) {
    const std::string found = after_cut(volume, s);
    std::printf("| %-50s | %s | %s\n", s.words, test::name_of(GetParam()), found.c_str());
    const std::string expected = s.relied_on;
    if (expected == "whole or lost") {
      EXPECT_TRUE(found == "whole" || found == "lost") << s.words << ": " << found;
    } else if (!expected.empty()) {
      EXPECT_EQ(found, expected) << s.words;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(volumes, sequences_test,
                         ::testing::Values(volume_type::ext4, volume_type::xfs, volume_type::btrfs),
                         [](const auto& v) { return std::string(test::name_of(v.param)); });

} // namespace
} // namespace homeward::fs
