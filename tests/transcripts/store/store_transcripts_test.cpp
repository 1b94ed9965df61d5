// Every transcript of this folder and every conversation on the page of the specification, run four
// ways; and the numbers and codes of that page against the ones in the code.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/store_protocol/reply.hpp"

#include "tests/transcripts/runner/update.hpp"
#include "tests/transcripts/store/store_transcript.hpp"

namespace homeward::transcripts {
namespace {

namespace fs = std::filesystem;

const fs::path source = HOMEWARD_SOURCE_DIR;
const fs::path page = source / "docs/protocol/storage-protocol.md";

void expect_conversation(const transcript& t) {
  const store_run first = run(t, delivery_mode::line_by_line);
  EXPECT_EQ(first.trouble, "");
  for (const delivery_mode mode :
       {delivery_mode::octet_by_octet, delivery_mode::pipelined, delivery_mode::direct}) {
    const store_run other = run(t, mode);
    EXPECT_EQ(other.trouble, "");
    EXPECT_EQ(other.output, first.output) << t.file;
    EXPECT_EQ(other.delivered, first.delivered) << t.file;
    EXPECT_EQ(other.closed, first.closed) << t.file;
    // Octets that go past the session are still the same actions in the same order.
    EXPECT_EQ(other.trace, first.trace) << t.file;
  }
}

class store_transcripts : public ::testing::TestWithParam<fs::path> {};

TEST_P(store_transcripts, is_what_the_session_says) {
  const transcript t = read_transcript(GetParam());
  if (update_is_wanted()) {
    const store_run first = run(t, delivery_mode::line_by_line);
    if (!first.trouble.empty()) {
      update_replies(t, first.said);
      GTEST_SKIP() << "rewritten: " << t.file;
    }
  }
  expect_conversation(t);
}

std::string name_of(const ::testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.stem().string();
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(files, store_transcripts,
                         ::testing::ValuesIn(find_transcripts(source / "tests/transcripts/store")),
                         name_of);

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The fenced blocks of `text` that are marked with `kind`.
std::vector<std::string> fenced_blocks(const std::string& text, const std::string& kind) {
  const std::string begin = "\n```" + kind + "\n";
  std::vector<std::string> blocks;
  for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos;) {
    at += begin.size();
    const std::size_t end = text.find("\n```", at);
    blocks.push_back(text.substr(at, end - at + 1));
    at = end;
  }
  return blocks;
}

TEST(storage_protocol_page, has_conversations_that_are_true) {
  const std::vector<std::string> blocks = fenced_blocks(read(page), "transcript");
  ASSERT_GE(blocks.size(), 6U);
  const fs::path folder = fs::path(::testing::TempDir()) / "storage-protocol-page";
  fs::create_directories(folder);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const fs::path file = folder / fmt::format("block-{}.t", i + 1);
    std::ofstream(file, std::ios::binary) << blocks[i];
    SCOPED_TRACE(blocks[i]);
    expect_conversation(read_transcript(file));
  }
  fs::remove_all(folder);
}

// The cells of the rows of the table below the heading `heading`.
std::vector<std::vector<std::string>> table_below(const std::string& text,
                                                  const std::string& heading) {
  std::vector<std::vector<std::string>> rows;
  const std::size_t start = text.find("\n## " + heading + "\n");
  EXPECT_NE(start, std::string::npos) << heading;
  std::size_t at = start == std::string::npos ? text.size() : text.find("\n|", start) + 1;
  while (at < text.size() && text[at] == '|') {
    const std::string row = text.substr(at, text.find('\n', at) - at);
    std::vector<std::string> cells;
    for (std::size_t bar = 0, next = 0; (next = row.find('|', bar + 1)) != std::string::npos;
         bar = next) {
      std::string cell = row.substr(bar + 1, next - bar - 1);
      cell.erase(0, cell.find_first_not_of(' '));
      cell.erase(cell.find_last_not_of(' ') + 1);
      cells.push_back(cell);
    }
    rows.push_back(cells);
    at += row.size() + 1;
  }
  return rows;
}

TEST(storage_protocol_page, has_the_limits_of_the_code) {
  const store_protocol::limits l;
  std::set<std::string> rows;
  for (const auto& cells : table_below(read(page), "Limits")) {
    rows.insert(fmt::format("{}: {}", cells.at(0), cells.at(1)));
  }
  for (const auto& [name, value] :
       {std::pair<const char*, std::uint64_t>{"command or reply line", l.line},
        {"NAME", l.name},
        {"PRTN", l.partition},
        {"address", l.address},
        {"recipients", l.recipients},
        {"message", l.size.octets},
        {"surplus", l.surplus.octets},
        {"skipped", l.skipped},
        {"usages", l.usages},
        {"errors", l.errors}}) {
    EXPECT_TRUE(rows.contains(fmt::format("{}: {}", name, value))) << name << ": " << value;
  }
}

TEST(storage_protocol_page, has_the_times_of_the_code) {
  const store_protocol::times t;
  std::set<std::string> rows;
  for (const auto& cells : table_below(read(page), "Times")) {
    rows.insert(fmt::format("{}: {}", cells.at(0), cells.at(1)));
  }
  for (const auto& [name, value] : {std::pair{"first command", t.server_idle},
                                    {"next command", t.server_command},
                                    {"octets of DATA", t.server_block},
                                    {"results", t.server_commit}}) {
    EXPECT_TRUE(rows.contains(fmt::format("{}: {} s", name, value.count()))) << name;
  }
}

TEST(storage_protocol_page, has_the_codes_of_the_code) {
  std::size_t known = 0;
  for (const auto& cells : table_below(read(page), "Codes of -ERR")) {
    const std::string code = cells.at(0).substr(1, cells.at(0).find_first_of(" `", 1) - 1);
    if (!store_protocol::reason_of(code)) {
      continue; // the heading
    }
    ++known;
    store_protocol::reply r;
    r.code = code;
    const bool permanent =
        store_protocol::failure_from(r, "").kind == homeward::failure_kind::permanent;
    EXPECT_EQ(cells.at(1), permanent ? "never" : "later") << code;
  }
  EXPECT_EQ(known, 10U);
}

} // namespace
} // namespace homeward::transcripts
