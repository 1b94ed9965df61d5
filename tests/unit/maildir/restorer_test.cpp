// A message is filed again: every way of trusting the disk, on everything that may lie there.

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/sabotage.hpp"
#include "lib/maildir/restorer.hpp"

#include "tests/unit/maildir/restored_store.hpp"

namespace homeward::maildir {
namespace {

using fs::call;
using how = restored::how;

class restorer_test : public test::restored_store {};

// --- One mailbox, in every state ------------------------------------------------------

struct state_case {
  const char* name;
  std::string_view folder; // where something lies; empty: nothing does
  std::string_view suffix; // behind the file name
  const char* content;     // null: the right one
  bool maildir = true;     // it exists
  how when_looked = how::was_there;
  how when_compared = how::was_there;
};

constexpr how absent = how::filed;

const std::vector<state_case> states = {
    {"absent", "", "", nullptr, true, absent, absent},
    {"no_maildir", "", "", nullptr, false, absent, absent},
    {"whole_in_new", "new", "", nullptr},
    {"whole_in_cur", "cur", "", nullptr},
    {"whole_in_cur_no_flags", "cur", ":2,", nullptr},
    {"whole_in_cur_flags", "cur", ":2,FRS", nullptr},
    {"empty_in_new", "new", "", "", true, how::was_there, how::replaced},
    {"empty_in_cur", "cur", ":2,S", "", true, how::was_there, how::replaced},
    {"torn_in_new", "new", "", "Return-Path: <sender@exa", true, how::was_there, how::replaced},
    {"longer_in_new", "new", "", "Return-Path: <sender@example.net>\nSubject: x\n\nbody\nand more",
     true, how::was_there, how::replaced},
    {"other_octets_in_new", "new", "", "RETURN-Path: <sender@example.net>\nSubject: x\n\nbody\n",
     true, how::was_there, how::replaced},
    {"other_octets_in_cur", "cur", ":2,T",
     "RETURN-Path: <sender@example.net>\nSubject: x\n\nbody\n", true, how::was_there,
     how::replaced},
};

using state_and_mode = std::tuple<std::size_t, restore_mode>;
class restorer_states : public test::restored_store,
                        public ::testing::WithParamInterface<state_and_mode> {};

TEST_P(restorer_states, are_made_right) {
  const state_case& c = states[std::get<0>(GetParam())];
  const restore_mode mode = std::get<1>(GetParam());
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  if (c.maildir) {
    make_maildir("example.org/ann/Maildir");
  }
  const std::string_view content = c.content == nullptr ? std::string_view(text) : c.content;
  if (!c.folder.empty()) {
    put("example.org/ann/Maildir/" + std::string(c.folder), file_name + std::string(c.suffix),
        content);
  }

  how expected = c.when_looked;
  std::string_view left = c.folder.empty() ? std::string_view(text) : content;
  if (mode == restore_mode::compare && !c.folder.empty()) {
    expected = c.when_compared;
    left = text;
  } else if (mode == restore_mode::rewrite && !c.folder.empty()) {
    expected = how::replaced;
    left = text;
  }
  restorer r(*partition_);
  const auto results = restore(r, {"ann@example.org"}, mode, delivered_to::never);
  ASSERT_EQ(results.size(), 1U);
  ASSERT_TRUE(results[0]) << describe(results[0].error());
  EXPECT_EQ(results[0]->what, expected);
  EXPECT_EQ(results[0]->file_name, file_name);
  const std::string folder = c.folder.empty() ? "new" : std::string(c.folder);
  const test::visible_mail want = {
      {"example.org/ann/Maildir/" + folder + "/" + file_name + std::string(c.suffix),
       std::string(left)}};
  EXPECT_EQ(mail(), want);
  EXPECT_EQ(in_temporary("example.org/ann/Maildir"), 0U);

  const auto again = restore(r, {"ann@example.org"}, mode, delivered_to::never);
  ASSERT_TRUE(again[0]);
  EXPECT_EQ(again[0]->what, mode == restore_mode::rewrite ? how::replaced : how::was_there);
  EXPECT_EQ(mail(), want) << "twice is as once";
}

std::string state_name(const ::testing::TestParamInfo<state_and_mode>& info) {
  constexpr std::array<const char*, 3> modes = {"look", "compare", "rewrite"};
  return std::string(modes[static_cast<std::size_t>(std::get<1>(info.param))]) + "_" +
         states[std::get<0>(info.param)].name;
}

INSTANTIATE_TEST_SUITE_P(all, restorer_states,
                         ::testing::Combine(::testing::Range(std::size_t{0}, states.size()),
                                            ::testing::Values(restore_mode::look,
                                                              restore_mode::compare,
                                                              restore_mode::rewrite)),
                         state_name);

// A reader has moved it, deleted it, and it was filed again; the power cut kept all but the
// deletion.
TEST_F(restorer_test, of_a_message_in_new_and_in_cur_the_readers_one_stays_whole) {
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  for (const std::string_view in_cur : {std::string_view(), std::string_view(text)}) {
    for (const restore_mode mode : {restore_mode::compare, restore_mode::rewrite}) {
      put("x/a/Maildir/new", file_name, text);
      put("x/a/Maildir/cur", file_name + ":2,S", in_cur);
      restorer r(*partition_);
      const bool kept = mode == restore_mode::compare && in_cur == text;
      EXPECT_EQ(restore(r, {"a@x"}, mode)[0]->what, kept ? how::was_there : how::replaced);
      EXPECT_EQ(mail(), (test::visible_mail{{"x/a/Maildir/cur/" + file_name + ":2,S", text}}));
      EXPECT_TRUE(memory_.unlink_at(folder("x/a/Maildir/cur"), file_name + ":2,S"));
    }
  }
}

TEST_F(restorer_test, nothing_of_a_message_in_new_and_in_cur_goes_when_it_cannot_be_made_whole) {
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  put("x/a/Maildir/new", file_name, text);
  put("x/a/Maildir/cur", file_name + ":2,S", "");
  restorer r(*partition_);
  files_.plan({.kind = call::rename_at, .nth = 1, .error = EIO});
  EXPECT_FALSE(restore(r, {"a@x"}, restore_mode::compare)[0]);
  EXPECT_EQ(mail().size(), 2U);
}

// --- What writer would have made ------------------------------------------------------

TEST_F(restorer_test, the_file_is_the_one_that_writer_makes) {
  for (const delivered_to header :
       {delivered_to::single, delivered_to::always, delivered_to::never}) {
    for (const test::strings& mailboxes :
         {test::strings{"ann@example.org"}, test::strings{"ann@example.org", "bob@example.net"},
          test::strings{"ann@example.org", "ann@example.org"},
          test::strings{"root", "a@", "b@c"}}) {
      clear();
      writer w(*partition_, {.recipe = sync_recipe::none, .header = header});
      const auto delivered = deliver(w, message, mailboxes);
      const test::visible_mail want = mail();
      clear();
      restorer r(*partition_);
      const auto results = restore(r, mailboxes, restore_mode::compare, header);
      EXPECT_EQ(mail(), want);
      for (std::size_t i = 0; i < mailboxes.size(); ++i) {
        ASSERT_EQ(results[i].has_value(), delivered[i].has_value());
        if (results[i]) {
          EXPECT_EQ(results[i]->file_name, delivered[i]->file_name);
        } else {
          EXPECT_EQ(describe(results[i].error()), describe(delivered[i].error()));
        }
      }
      for (const auto& result : restore(r, mailboxes, restore_mode::compare, header)) {
        EXPECT_TRUE(!result || result->what == how::was_there) << "writer's own files are right";
      }
    }
  }
}

TEST_F(restorer_test, a_refused_mailbox_counts_for_the_header_and_gets_nothing) {
  restorer r(*partition_);
  const test::strings mailboxes = {"ann@example.org", "bob@example.org", "cid@example.org"};
  const auto results = restore(r, mailboxes, restore_mode::compare, delivered_to::single, {2, 0});
  ASSERT_EQ(results.size(), 2U);
  ASSERT_TRUE(results[0] && results[1]);
  const std::string text = stored("");
  EXPECT_EQ(mail(),
            (test::visible_mail{{"example.org/ann/Maildir/new/" + stored_name(text), text},
                                {"example.org/cid/Maildir/new/" + stored_name(text), text}}));
}

TEST_F(restorer_test, what_is_filed_or_replaced_together_shares_one_file) {
  const std::string text = stored("");
  put("example.org/bob/Maildir/new", stored_name(text), text);
  put("example.org/cid/Maildir/cur", stored_name(text) + ":2,S", "torn");
  restorer r(*partition_);
  const auto results =
      restore(r, {"ann@example.org", "bob@example.org", "cid@example.org", "dan@example.org"},
              restore_mode::compare);
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(results[0]->what, how::filed);
  EXPECT_EQ(results[1]->what, how::was_there);
  EXPECT_EQ(results[2]->what, how::replaced);
  EXPECT_EQ(links("example.org/ann/Maildir/new", stored_name(text)), 3U);
  EXPECT_EQ(links("example.org/bob/Maildir/new", stored_name(text)), 1U);
  EXPECT_EQ(links("example.org/cid/Maildir/cur", stored_name(text) + ":2,S"), 3U);
}

TEST_F(restorer_test, a_file_that_has_all_names_it_can_have_gets_a_sibling) {
  memory_.set_max_links(2);
  restorer r(*partition_);
  const auto results = restore(r, {"a@x", "b@x", "c@x", "d@x", "e@x"}, restore_mode::compare);
  for (const auto& result : results) {
    EXPECT_TRUE(result) << describe(result.error());
  }
  EXPECT_EQ(mail().size(), 5U);
}

TEST_F(restorer_test, another_volume_beneath_a_maildir_gets_a_file_of_its_own) {
  restorer r(*partition_);
  files_.plan({.kind = call::link_at, .nth = 2, .error = EXDEV});
  const auto results = restore(r, {"a@x", "b@x", "c@x"}, restore_mode::compare);
  EXPECT_TRUE(results[0] && results[1] && results[2]);
  const std::string file_name = stored_name(stored(""));
  EXPECT_EQ(links("x/a/Maildir/new", file_name), 1U);
  EXPECT_EQ(links("x/b/Maildir/new", file_name), 2U);
  EXPECT_EQ(links("x/c/Maildir/new", file_name), 2U);
}

TEST_F(restorer_test, works_where_there_are_no_unnamed_files) {
  memory_.set_unnamed_files(false);
  const std::string text = stored("");
  put("x/b/Maildir/new", stored_name(text), "torn");
  restorer r(*partition_);
  const auto results = restore(r, {"a@x", "b@x", "c@x"}, restore_mode::compare);
  EXPECT_TRUE(results[0] && results[1] && results[2]);
  EXPECT_EQ(mail().size(), 3U);
  for (const auto& [path, content] : mail()) {
    EXPECT_EQ(content, text) << path;
  }
  for (const char* maildir : {"x/a/Maildir", "x/b/Maildir", "x/c/Maildir"}) {
    EXPECT_EQ(in_temporary(maildir), 0U);
  }
}

TEST_F(restorer_test, a_replacement_that_fails_does_not_spoil_the_file_for_the_next) {
  const std::string text = stored("");
  put("x/a/Maildir/new", stored_name(text), "torn");
  put("x/b/Maildir/new", stored_name(text), "torn");
  restorer r(*partition_);
  files_.reset();
  files_.plan({.kind = call::rename_at, .error = EACCES});
  const auto results = restore(r, {"a@x", "b@x", "c@x"}, restore_mode::compare);
  EXPECT_FALSE(results[0]);
  ASSERT_TRUE(results[1]) << describe(results[1].error());
  ASSERT_TRUE(results[2]) << describe(results[2].error());
  EXPECT_EQ(links("x/c/Maildir/new", stored_name(text)), 2U);
}

TEST_F(restorer_test, completes_a_maildir_of_which_a_part_is_left) {
  memory_.make_directories("/srv/mail1/x/a/Maildir/new");
  memory_.make_directories("/srv/mail1/x/b/Maildir/cur");
  restorer r(*partition_);
  const auto results = restore(r, {"a@x", "b@x"}, restore_mode::compare);
  EXPECT_TRUE(results[0] && results[1]);
  for (const char* path :
       {"x/a/Maildir/tmp", "x/a/Maildir/cur", "x/b/Maildir/tmp", "x/b/Maildir/new"}) {
    EXPECT_TRUE(memory_.open_at(partition_->root(), path, fs::open_mode::directory)) << path;
  }
}

TEST_F(restorer_test, makes_no_maildir_in_a_plain_partition) {
  memory_.make_directories("/srv/plain");
  const auto plain = partition::open_plain(files_, "/srv/plain", "plain", path_template()).value();
  restorer r(plain);
  const auto results = restore(r, {"a@x"}, restore_mode::compare);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().kind, failure_kind::transient);
}

TEST_F(restorer_test, what_is_no_file_is_left_alone) {
  const std::string file_name = stored_name(stored(""));
  memory_.make_directories("/srv/mail1/x/a/Maildir/new/" + file_name);
  restorer r(*partition_);
  const auto results = restore(r, {"a@x", "b@x"}, restore_mode::rewrite);
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().kind, failure_kind::transient);
  EXPECT_TRUE(results[1]);
}

TEST_F(restorer_test, a_name_that_is_none_is_refused) {
  restorer r(*partition_);
  const fs::message_spool spool{std::string(message)};
  const test::strings mailboxes = {"a@x"};
  const std::vector<std::size_t> wanted = {0};
  const auto results = r.restore({.message = &spool, .name = ".hidden", .sender = ""},
                                 delivered_to::never, mailboxes, wanted, restore_mode::look);
  EXPECT_FALSE(results[0]);
  EXPECT_TRUE(mail().empty());
}

TEST_F(restorer_test, a_damaged_file_that_cannot_even_be_read_is_replaced) {
  const std::string text = stored("");
  put("x/a/Maildir/new", stored_name(text), text);
  for (const int error : {EIO, EUCLEAN, EBADMSG}) {
    for (const call kind : {call::read, call::open_at}) {
      restorer r(*partition_);
      ASSERT_TRUE(restore(r, {"a@x"}, restore_mode::compare)[0]); // lists the Maildir
      files_.reset();
      files_.plan({.kind = kind, .nth = kind == call::read ? 1U : 2U, .error = error});
      const auto results = restore(r, {"a@x"}, restore_mode::compare);
      ASSERT_TRUE(results[0]) << describe(results[0].error());
      EXPECT_EQ(results[0]->what, how::replaced);
    }
  }
}

// --- Readers at work ------------------------------------------------------------------

TEST_F(restorer_test, maildirs_are_not_listed_again_for_every_message) {
  make_maildir("x/a/Maildir");
  restorer r(*partition_);
  for (int i = 0; i < 50; ++i) {
    const std::string file_name = fmt::format("{}.key.mx1", i);
    put("x/a/Maildir/cur", stored_name(stored(""), file_name) + ":2,S", stored(""));
  }
  files_.reset();
  for (int i = 0; i < 100; ++i) {
    const auto results =
        restore_named(r, fmt::format("{}.key.mx1", i), {"a@x"}, restore_mode::look);
    ASSERT_TRUE(results[0]);
    EXPECT_EQ(results[0]->what, i < 50 ? how::was_there : how::filed);
  }
  EXPECT_LE(files_.count(call::list), 3U);
}

TEST_F(restorer_test, flags_that_change_while_we_work_are_followed) {
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  put("x/a/Maildir/cur", file_name + ":2,", text);
  restorer r(*partition_);
  EXPECT_EQ(restore(r, {"a@x"}, restore_mode::look)[0]->what, how::was_there);
  move("x/a/Maildir/cur", file_name + ":2,", "x/a/Maildir/cur", file_name + ":2,FS");
  EXPECT_EQ(restore(r, {"a@x"}, restore_mode::compare)[0]->what, how::was_there);
  EXPECT_EQ(mail(), (test::visible_mail{{"x/a/Maildir/cur/" + file_name + ":2,FS", text}}));
}

TEST_F(restorer_test, what_a_reader_takes_while_we_work_does_not_come_back) {
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  put("x/a/Maildir/new", file_name, text);
  put("x/b/Maildir/cur", file_name + ":2,S", text);
  restorer r(*partition_);
  // The Maildirs become known by another message; then the reader acts on ours.
  ASSERT_TRUE(restore_named(r, "1.other.mx1", {"a@x", "b@x", "c@x"}, restore_mode::look)[0]);
  ASSERT_EQ(restore(r, {"c@x"}, restore_mode::look, delivered_to::never)[0]->what, how::filed);
  for (const char* maildir : {"x/a/Maildir/new", "x/c/Maildir/new"}) {
    EXPECT_TRUE(memory_.unlink_at(folder(maildir), file_name));
  }
  EXPECT_TRUE(memory_.unlink_at(folder("x/b/Maildir/cur"), file_name + ":2,S"));
  const std::size_t before = mail().size();
  for (const restore_mode mode : {restore_mode::look, restore_mode::compare}) {
    for (const auto& result : restore(r, {"a@x", "b@x", "c@x"}, mode)) {
      ASSERT_TRUE(result);
      EXPECT_EQ(result->what, how::was_there);
    }
  }
  EXPECT_EQ(mail().size(), before);
}

TEST_F(restorer_test, what_a_reader_moves_to_cur_while_we_work_is_found_there) {
  const std::string text = stored("");
  const std::string file_name = stored_name(text);
  put("x/a/Maildir/new", file_name, text);
  restorer r(*partition_);
  ASSERT_TRUE(restore_named(r, "1.other.mx1", {"a@x"}, restore_mode::look)[0]);
  move("x/a/Maildir/new", file_name, "x/a/Maildir/cur", file_name + ":2,S");
  EXPECT_EQ(restore(r, {"a@x"}, restore_mode::compare)[0]->what, how::was_there);
  EXPECT_EQ(restore(r, {"a@x"}, restore_mode::rewrite)[0]->what, how::replaced);
  EXPECT_TRUE(mail().contains("x/a/Maildir/cur/" + file_name + ":2,S"));
}

TEST_F(restorer_test, a_finder_with_little_memory_lists_again_and_finds_the_same) {
  shelf maildirs(*partition_, false);
  const std::string text = stored("");
  for (const char* user : {"a", "b", "c"}) {
    for (int i = 0; i < 20; ++i) {
      put(fmt::format("x/{}/Maildir/cur", user), fmt::format("{}:2,S", i), text);
    }
  }
  message_finder finder(files_, maildirs, 60);
  for (int round = 0; round < 3; ++round) {
    for (const char* user : {"a", "b", "c"}) {
      for (int i = 0; i < 25; ++i) {
        const auto found = finder.find(fmt::format("x/{}/Maildir", user), std::to_string(i));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->at, i < 20 ? found_message::place::in_cur : found_message::place::nowhere);
      }
    }
  }
}

} // namespace
} // namespace homeward::maildir
