#include <gtest/gtest.h>

#include "lib/directory/types.hpp"

namespace homeward::directory {
namespace {

TEST(partition_id, is_written_as_server_slash_directory) {
  const auto id = parse_partition_id("store1/mail1");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(*id, (partition_id{"store1", "mail1"}));
  EXPECT_EQ(to_string(*id), "store1/mail1");
}

TEST(partition_id, refuses_what_could_be_a_path_or_a_protocol_word) {
  for (const char* text : {"", "store1", "store1/", "/mail1", "store1/a/b", "store1/..", ".a/b",
                           "store 1/mail1", "store1/mail\n1"}) {
    const auto id = parse_partition_id(text);
    ASSERT_TRUE(id.has_error()) << text;
    EXPECT_EQ(id.error().advice, "Write it as SERVER/DIRECTORY, such as store1/mail1.");
  }
}

TEST(names, are_bounded_and_plain) {
  EXPECT_TRUE(is_name("store-1.example_x"));
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
  EXPECT_FALSE(is_name(".hidden"));
  EXPECT_FALSE(is_name("a/b"));
}

TEST(names, on_disk_never_change) {
  EXPECT_EQ(name_of(partition_kind::stored), "stored");
  EXPECT_EQ(name_of(partition_kind::path), "path");
  EXPECT_EQ(name_of(partition_state::active), "active");
  EXPECT_EQ(name_of(partition_state::draining), "draining");
  EXPECT_EQ(name_of(partition_state::full), "full");
  EXPECT_EQ(name_of(partition_state::offline), "offline");
  EXPECT_EQ(name_of(user_state::active), "active");
  EXPECT_EQ(name_of(user_state::disabled), "disabled");
  EXPECT_FALSE(parse_partition_state("Active"));
  EXPECT_FALSE(parse_user_state(""));
  EXPECT_FALSE(parse_partition_kind("nfs"));
}

TEST(complaint, about_servers) {
  EXPECT_EQ(complaint(server{"store1", {"127.0.0.1:2424", "[::1]:2424", "unix:/run/x", "h:1"}}),
            "");
  EXPECT_EQ(complaint(server{"store1", {}}), "");
  EXPECT_NE(complaint(server{"store 1", {}}), "");
  for (const char* endpoint :
       {"", "store1", ":2424", "store1:", "store1:port", "::1:2424", "unix:relative", "a b:1"}) {
    EXPECT_NE(complaint(server{"store1", {endpoint}}), "") << endpoint;
  }
}

TEST(complaint, about_partitions) {
  EXPECT_EQ(complaint(partition{.id = {"s", "d"}}), "");
  EXPECT_EQ(complaint(partition{.id = {"s", "d"}, .kind = partition_kind::path, .path = "/x"}), "");
  EXPECT_NE(complaint(partition{.id = {"s", "d"}, .kind = partition_kind::path}), "");
  EXPECT_NE(complaint(partition{.id = {"s", "d"}, .path = "/x"}), "");
  EXPECT_NE(complaint(partition{.id = {"s", "d"}, .weight = 1001}), "");
}

TEST(complaint, about_users) {
  const home where{.primary = {"s", "d"}};
  EXPECT_EQ(complaint(user{"ann@example.org", where}), "");
  EXPECT_EQ(complaint(user{"ann", where}), "");
  EXPECT_EQ(complaint(user{"Ann@example.org", where}), "") << "fold_case may be off";
  EXPECT_NE(complaint(user{"ann@Example.org", where}), "");
  EXPECT_NE(complaint(user{"<ann@example.org>", where}), "");
  EXPECT_NE(complaint(user{"\"ann\"@example.org", where}), "") << "needless quotes";
  EXPECT_NE(complaint(user{"ann\n@example.org", where}), "");
  EXPECT_NE(complaint(user{"", where}), "");
  EXPECT_NE(complaint(user{"ann@example.org", {.primary = {"s", "d"}, .secondary = {{"s", "d"}}}}),
            "");
}

} // namespace
} // namespace homeward::directory
