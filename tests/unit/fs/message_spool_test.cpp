#include <array>
#include <cerrno>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/fs/message_spool.hpp"

namespace homeward::fs {
namespace {

std::string some_octets(std::size_t size) {
  std::mt19937 chance(42);
  std::string octets(size, '\0');
  for (char& c : octets) {
    c = static_cast<char>(chance());
  }
  return octets;
}

std::string read_in_pieces(const message_spool& spool, std::size_t piece) {
  std::string all;
  std::vector<char> buffer(piece);
  for (;;) {
    const std::size_t n = spool.read(all.size(), buffer).value();
    if (n == 0) {
      return all;
    }
    all.append(buffer.data(), n);
  }
}

class spool_test : public ::testing::Test {
 protected:
  spool_test() {
    memory_.make_directories("/spool");
    place_ = open_spool_place(files_, "/spool", 1_KiB).value();
  }
  forgetting_file_system memory_;
  faulty_file_system files_{memory_};
  spool_place place_;
};

TEST_F(spool_test, stays_in_memory_up_to_the_limit) {
  message_spool spool(place_);
  spool.reserve(1024);
  ASSERT_TRUE(spool.append(std::string(1000, 'a')));
  ASSERT_TRUE(spool.append(std::string(24, 'b')));
  EXPECT_EQ(spool.size(), 1024U);
  ASSERT_TRUE(spool.memory());
  EXPECT_EQ(*spool.memory(), std::string(1000, 'a') + std::string(24, 'b'));
  EXPECT_EQ(files_.count(call::create_unnamed_at), 0U);
  ASSERT_TRUE(spool.append("c"));
  EXPECT_FALSE(spool.memory());
  EXPECT_EQ(spool.size(), 1025U);
}

TEST_F(spool_test, gives_back_every_octet_however_it_was_cut) {
  const std::string octets = some_octets(1'000'000);
  for (const std::size_t cut : {7UL, 1000UL, 65536UL, 300'000UL, 1'000'000UL}) {
    message_spool spool(place_);
    for (std::size_t i = 0; i < octets.size(); i += cut) {
      ASSERT_TRUE(spool.append(std::string_view(octets).substr(i, cut)));
    }
    EXPECT_EQ(spool.size(), octets.size());
    EXPECT_TRUE(read_in_pieces(spool, 4096) == octets) << cut;
    EXPECT_TRUE(read_in_pieces(spool, 262'145) == octets) << cut;
    EXPECT_TRUE(read_in_pieces(spool, 2'000'000) == octets) << cut;
  }
  const handle directory = memory_.open_directory("/spool").value();
  EXPECT_TRUE(memory_.list(directory).value().empty()) << "nothing is left behind";
}

TEST_F(spool_test, writes_large_pieces_only) {
  message_spool spool(place_);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(spool.append(std::string(1000, 'x')));
  }
  EXPECT_LE(files_.count(call::write), 4U);
}

TEST_F(spool_test, survives_a_move) {
  const std::string octets = some_octets(600'000);
  message_spool first(place_);
  ASSERT_TRUE(first.append(std::string_view(octets).substr(0, 400'000)));
  message_spool second(std::move(first));
  EXPECT_EQ(first.size(), 0U); // NOLINT: the moved-from state is the subject
  ASSERT_TRUE(second.append(std::string_view(octets).substr(400'000)));
  message_spool third;
  third = std::move(second);
  EXPECT_TRUE(read_in_pieces(third, 65536) == octets);
}

TEST_F(spool_test, may_be_read_by_many_threads) {
  const std::string octets = some_octets(700'000);
  message_spool spool(place_);
  ASSERT_TRUE(spool.append(octets));
  std::array<bool, 4> equal{};
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    readers.emplace_back([&, i] { equal[i] = read_in_pieces(spool, 10'000 + i * 777) == octets; });
  }
  for (std::thread& t : readers) {
    t.join();
  }
  EXPECT_EQ(equal, (std::array<bool, 4>{true, true, true, true}));
}

TEST_F(spool_test, a_full_disk_is_said_and_the_spool_stays_failed) {
  files_.plan({.kind = call::write, .error = ENOSPC, .short_write = 100});
  message_spool spool(place_);
  const auto failed = spool.append(std::string(400'000, 'x'));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, failure_reason::full);
  EXPECT_FALSE(spool.append("more"));
}

TEST_F(spool_test, works_where_there_are_no_unnamed_files) {
  memory_.set_unnamed_files(false);
  const std::string octets = some_octets(600'000);
  message_spool spool(place_);
  ASSERT_TRUE(spool.append(octets));
  EXPECT_TRUE(read_in_pieces(spool, 65536) == octets);
  EXPECT_TRUE(memory_.list(memory_.open_directory("/spool").value()).value().empty());
}

TEST_F(spool_test, a_missing_spool_directory_is_named) {
  const auto opened = open_spool_place(files_, "/absent", 1_KiB);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().cause.find("/absent"), std::string::npos);
  EXPECT_FALSE(opened.error().advice.empty());
}

TEST(message_spool, without_a_place_everything_stays_in_memory) {
  message_spool spool("abc");
  ASSERT_TRUE(spool.append(std::string(2'000'000, 'x')));
  EXPECT_EQ(spool.memory()->size(), 2'000'003U);
  std::array<char, 4> four{};
  EXPECT_EQ(spool.read(1, four).value(), 4U);
  EXPECT_EQ(std::string_view(four.data(), 4), "bcxx");
  EXPECT_EQ(spool.read(2'000'003, four).value(), 0U);
}

} // namespace
} // namespace homeward::fs
