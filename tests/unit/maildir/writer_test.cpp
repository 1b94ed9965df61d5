#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::maildir {
namespace {

using fs::call;
using test::visible_mail;
using strings = std::vector<std::string>;

constexpr std::string_view message = "Subject: x\r\n\r\nbody\r\n";
constexpr std::string_view plain = "Return-Path: <sender@example.net>\nSubject: x\n\nbody\n";

std::string file_name(std::string_view text) {
  return fmt::format("{},S={},W={}", "1795170000.0123456789abcdef.mx1", text.size(),
                     test::wire_size(text));
}

class writer_test : public test::mail_store {
 protected:
  std::uint64_t inode(const std::string& path) {
    const fs::handle root = memory_.open_directory("/srv/mail1").value();
    const auto file = memory_.open_at(root, path, fs::open_mode::read);
    return file ? memory_.status(*file).value().inode : 0;
  }
  std::vector<fs::call> calls_of(writer& w, const strings& mailboxes) {
    files_.reset();
    for (const auto& r : deliver(w, message, mailboxes)) {
      EXPECT_TRUE(r);
    }
    return files_.calls();
  }
};

TEST_F(writer_test, files_a_message_under_its_name_with_exact_sizes) {
  writer w(*partition_, {});
  const auto results = deliver(w, message, {"ann@example.org"});
  ASSERT_EQ(results.size(), 1U);
  ASSERT_TRUE(results[0]) << describe(results[0].error());
  const std::string text = "Return-Path: <sender@example.net>\nDelivered-To: ann@example.org\n"
                           "Subject: x\n\nbody\n";
  EXPECT_EQ(results[0]->file_name, file_name(text));
  EXPECT_EQ(results[0]->size, text.size());
  EXPECT_FALSE(results[0]->repeat);
  EXPECT_EQ(mail(), (visible_mail{{"example.org/ann/Maildir/new/" + file_name(text), text}}));
}

TEST_F(writer_test, shares_one_file_among_several_mailboxes) {
  writer w(*partition_, {});
  const auto results = deliver(w, message, {"ann@example.org", "bob@example.org", "root"});
  for (const auto& r : results) {
    ASSERT_TRUE(r);
    EXPECT_EQ(r->file_name, file_name(plain));
  }
  EXPECT_EQ(mail().size(), 3U);
  const std::string ann = "example.org/ann/Maildir/new/" + file_name(plain);
  EXPECT_EQ(mail()[ann], plain);
  EXPECT_EQ(inode(ann), inode("example.org/bob/Maildir/new/" + file_name(plain)));
  EXPECT_EQ(inode(ann), inode("_/root/Maildir/new/" + file_name(plain)));
}

TEST_F(writer_test, tells_the_recipient_by_policy) {
  const auto texts = [&](delivered_to policy, const strings& mailboxes) {
    for (const auto& [path, text] : mail()) { // an empty store for each
      const std::size_t slash = path.rfind('/');
      const fs::handle root = memory_.open_directory("/srv/mail1").value();
      const fs::handle directory =
          memory_.open_at(root, path.substr(0, slash), fs::open_mode::directory).value();
      EXPECT_TRUE(memory_.unlink_at(directory, path.substr(slash + 1)));
    }
    writer w(*partition_, {.header = policy});
    for (const auto& r : deliver(w, message, mailboxes)) {
      EXPECT_TRUE(r);
    }
    std::set<std::string> lines;
    for (const auto& [path, text] : mail()) {
      const std::size_t at = text.find("Delivered-To: ");
      lines.insert(at == std::string::npos ? "-" : text.substr(at, text.find('\n', at) - at));
    }
    return lines;
  };
  const strings one = {"ann@example.org"};
  const strings two = {"ann@example.org", "bob@example.org"};
  using lines = std::set<std::string>;
  EXPECT_EQ(texts(delivered_to::single, one), lines{"Delivered-To: ann@example.org"});
  EXPECT_EQ(texts(delivered_to::single, two), lines{"-"});
  EXPECT_EQ(texts(delivered_to::never, one), lines{"-"});
  EXPECT_EQ(texts(delivered_to::always, two),
            (lines{"Delivered-To: ann@example.org", "Delivered-To: bob@example.org"}));
}

TEST_F(writer_test, files_a_mailbox_given_twice_once) {
  writer w(*partition_, {});
  const auto results = deliver(w, message, {"ann@example.org", "ann@example.org"});
  ASSERT_TRUE(results[0]);
  ASSERT_TRUE(results[1]);
  EXPECT_EQ(mail().size(), 1U);
  EXPECT_NE(mail().begin()->second.find("Delivered-To: ann@example.org\n"), std::string::npos);
}

TEST_F(writer_test, keeps_the_null_sender_and_an_empty_message) {
  writer w(*partition_, {.header = delivered_to::never});
  const fs::message_spool empty;
  const strings ann = {"ann@example.org"};
  ASSERT_TRUE(w.deliver({.message = &empty, .name = name, .sender = ""}, ann)[0]);
  EXPECT_EQ(mail().begin()->second, "Return-Path: <>\n");
  EXPECT_TRUE(w.deliver({.message = &empty, .name = name, .sender = ""}, {}).empty());
}

TEST_F(writer_test, a_failing_mailbox_does_not_disturb_the_others) {
  memory_.make_directories("/srv/mail1/example.org");
  memory_.plant_symlink("/srv/mail1/example.org/eve");
  for (const sync_recipe recipe : {sync_recipe::none, sync_recipe::late, sync_recipe::strict}) {
    writer w(*partition_, {.recipe = recipe});
    const std::string user = "u" + std::to_string(static_cast<int>(recipe)) + "@example.org";
    // The one in which the file would be made first, one between, and one that is no path.
    const auto results =
        deliver(w, message, {"eve@example.org", user, std::string(300, 'x'), "w" + user});
    ASSERT_FALSE(results[0]);
    EXPECT_EQ(results[0].error().kind, failure_kind::transient);
    EXPECT_NE(results[0].error().advice.find("symbolic link"), std::string::npos);
    EXPECT_TRUE(results[1]);
    ASSERT_FALSE(results[2]);
    EXPECT_EQ(results[2].error().kind, failure_kind::permanent);
    EXPECT_TRUE(results[3]);
  }
  EXPECT_EQ(mail().size(), 6U);
}

TEST_F(writer_test, a_taken_name_is_never_replaced) {
  writer w(*partition_, {});
  ASSERT_TRUE(deliver(w, message, {"ann@example.org"})[0]);
  const visible_mail before = mail();
  const auto again = deliver(w, message, {"ann@example.org"});
  ASSERT_FALSE(again[0]);
  EXPECT_EQ(again[0].error().kind, failure_kind::transient);
  EXPECT_EQ(mail(), before);
}

TEST_F(writer_test, an_equal_file_of_the_same_name_is_the_repeat_it_is_if_asked) {
  writer w(*partition_, {.taken = when_taken::is_repeat});
  ASSERT_TRUE(deliver(w, message, {"ann@example.org", "bob@example.org"})[0]);
  const visible_mail before = mail();
  files_.reset();
  const auto again = deliver(w, message, {"ann@example.org", "bob@example.org"});
  ASSERT_TRUE(again[0]);
  EXPECT_TRUE(again[0]->repeat);
  EXPECT_TRUE(again[1]->repeat);
  EXPECT_EQ(mail(), before);
  EXPECT_GE(files_.count(call::sync_all), 2U) << "it may never have been synced";
}

TEST_F(writer_test, a_different_file_of_the_same_name_is_no_repeat) {
  writer w(*partition_, {.taken = when_taken::is_repeat});
  ASSERT_TRUE(deliver(w, "Subject: x\r\n\r\nbody\r\n", {"ann@example.org"})[0]);
  const visible_mail before = mail();
  const auto other = deliver(w, "Subject: y\r\n\r\nbody\r\n", {"ann@example.org"}); // same sizes
  ASSERT_FALSE(other[0]);
  EXPECT_EQ(other[0].error().kind, failure_kind::transient);
  EXPECT_EQ(mail(), before);
}

TEST_F(writer_test, refuses_a_name_that_a_reader_would_not_show) {
  writer w(*partition_, {});
  const fs::message_spool octets{std::string(message)};
  const strings ann = {"ann@example.org"};
  for (const std::string_view bad : {"", ".x", "a/b", "a:2,S", "a b", "a\n"}) {
    const auto results = w.deliver({.message = &octets, .name = bad, .sender = ""}, ann);
    ASSERT_FALSE(results[0]) << bad;
    EXPECT_EQ(results[0].error().kind, failure_kind::transient);
  }
  EXPECT_FALSE(w.deliver({.message = &octets, .name = std::string(129, 'n')}, ann)[0]);
  EXPECT_TRUE(mail().empty());
}

TEST_F(writer_test, needs_few_calls_for_a_delivery) {
  using calls = std::vector<call>;
  writer late(*partition_, {.recipe = sync_recipe::late, .header = delivered_to::never});
  writer none(*partition_, {.recipe = sync_recipe::none, .header = delivered_to::never});
  writer strict(*partition_, {.recipe = sync_recipe::strict, .header = delivered_to::never});
  const strings ann = {"ann@example.org"};
  const strings two = {"ann@example.org", "bob@example.org"};
  calls_of(late, two); // makes the Maildirs
  const auto clear = [&] {
    for (const std::string& mailbox : two) {
      ASSERT_TRUE(late.withdraw(mailbox, file_name(plain)));
    }
  };
  clear();
  EXPECT_EQ(calls_of(none, ann),
            (calls{call::open_at, call::create_unnamed_at, call::write, call::link_at}));
  clear();
  EXPECT_EQ(calls_of(late, ann), (calls{call::open_at, call::create_unnamed_at, call::write,
                                        call::write_out, call::link_at, call::sync_all}));
  clear();
  EXPECT_EQ(calls_of(strict, ann), (calls{call::open_at, call::create_unnamed_at, call::write,
                                          call::sync_all, call::link_at, call::sync_all}));
  clear();
  EXPECT_EQ(calls_of(late, two),
            (calls{call::open_at, call::create_unnamed_at, call::write, call::write_out,
                   call::link_at, call::open_at, call::link_at, call::sync_all}));
}

TEST_F(writer_test, works_where_there_are_no_unnamed_files) {
  memory_.set_unnamed_files(false);
  writer w(*partition_, {.header = delivered_to::never});
  ASSERT_TRUE(deliver(w, message, {"ann@example.org", "bob@example.org"})[0]);
  ASSERT_TRUE(deliver(w, message, {"cid@example.org"})[0]);
  EXPECT_EQ(mail().size(), 3U);
  EXPECT_EQ(files_.count(call::create_unnamed_at), 1U) << "asked once";
  const fs::handle root = memory_.open_directory("/srv/mail1").value();
  const fs::handle temporary =
      memory_.open_at(root, "example.org/ann/Maildir/tmp", fs::open_mode::directory).value();
  EXPECT_TRUE(memory_.list(temporary).value().empty());
}

TEST_F(writer_test, gives_a_file_of_its_own_where_a_link_is_impossible) {
  memory_.set_max_links(2);
  writer w(*partition_, {});
  const strings all = {"a@x", "b@x", "c@x", "d@x"};
  for (const auto& r : deliver(w, message, all)) {
    ASSERT_TRUE(r) << describe(r.error());
    EXPECT_EQ(r->file_name, file_name(plain));
  }
  EXPECT_EQ(mail().size(), 4U);
  for (const auto& [path, text] : mail()) {
    EXPECT_EQ(text, plain);
  }
}

TEST_F(writer_test, makes_a_removed_maildir_anew) {
  writer w(*partition_, {});
  ASSERT_TRUE(deliver(w, message, {"ann@example.org"})[0]);
  const fs::handle domain = memory_.open_directory("/srv/mail1/example.org").value();
  ASSERT_TRUE(memory_.rename_at(domain, "ann", domain, "gone", fs::on_existing::refuse));
  ASSERT_TRUE(deliver(w, message, {"ann@example.org"})[0]);
  EXPECT_EQ(mail().size(), 2U);
}

TEST_F(writer_test, takes_a_message_out_again_wherever_the_reader_put_it) {
  writer w(*partition_, {.recipe = sync_recipe::none});
  const strings users = {"ann@example.org", "bob@example.org"};
  const std::string stored = deliver(w, message, users)[0]->file_name;
  const fs::handle fresh = memory_.open_directory("/srv/mail1/example.org/ann/Maildir/new").value();
  const fs::handle seen = memory_.open_directory("/srv/mail1/example.org/ann/Maildir/cur").value();
  ASSERT_TRUE(memory_.rename_at(fresh, stored, seen, stored + ":2,S", fs::on_existing::refuse));
  for (const std::string& user : users) {
    EXPECT_TRUE(w.withdraw(user, stored));
    EXPECT_TRUE(w.withdraw(user, stored)) << "not found is fine";
  }
  EXPECT_TRUE(w.withdraw("nobody@example.org", stored));
  EXPECT_TRUE(mail().empty());
}

TEST_F(writer_test, a_plain_place_gets_mail_only_where_a_maildir_is) {
  memory_.make_directories("/nfs/example.org/ann/Maildir/new");
  memory_.make_directories("/nfs/example.org/ann/Maildir/tmp");
  memory_.make_directories("/nfs/example.org/ann/Maildir/cur");
  const auto place = partition::open_plain(files_, "/nfs", "nfs1", path_template());
  ASSERT_TRUE(place);
  writer w(*place, {.recipe = sync_recipe::strict, .taken = when_taken::is_repeat});
  const auto results = deliver(w, message, {"bob@example.org", "ann@example.org"});
  ASSERT_FALSE(results[0]);
  EXPECT_EQ(results[0].error().kind, failure_kind::transient);
  EXPECT_NE(results[0].error().advice.find("mounted"), std::string::npos);
  EXPECT_TRUE(results[1]);
  EXPECT_EQ(test::mail_in(memory_, "/nfs").size(), 1U);
  EXPECT_FALSE(memory_.open_directory("/nfs/example.org/bob")) << "nothing is made";
}

TEST_F(writer_test, many_threads_file_side_by_side) {
  for (const sync_recipe recipe : {sync_recipe::late, sync_recipe::strict}) {
    writer w(*partition_, {.recipe = recipe, .header = delivered_to::never});
    std::vector<std::thread> threads;
    std::atomic<int> filed_messages{0};
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          const fs::message_spool octets{std::string(message)};
          const std::string own = fmt::format("{}.{}-{}.x", static_cast<int>(recipe), t, i);
          const strings to = {fmt::format("u{}@example.org", i), fmt::format("v{}@example.org", t)};
          for (const auto& r : w.deliver({.message = &octets, .name = own, .sender = "s@x"}, to)) {
            filed_messages += r ? 1 : 0;
          }
        }
      });
    }
    for (std::thread& t : threads) {
      t.join();
    }
    EXPECT_EQ(filed_messages, 400);
  }
  EXPECT_EQ(mail().size(), 800U);
}

} // namespace
} // namespace homeward::maildir
