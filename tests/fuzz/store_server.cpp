// Any octets as a client of the store: the same actions however they arrive, never a delivery
// without all of SIZE's octets (scripted_store sees to that and throws), as many results as
// accepted recipients, and no reply that a client could not read.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/reply.hpp"

#include "tests/unit/store_protocol/scripted_store.hpp"

namespace {

using namespace homeward;
using namespace homeward::store_protocol;
using namespace homeward::store_protocol::testing;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

// Small limits, so that short inputs reach them.
store_script script() {
  store_script s;
  s.bounds.line = 150;
  s.bounds.name = 20;
  s.bounds.partition = 20;
  s.bounds.address = 60;
  s.bounds.skipped = 300;
  s.bounds.size = {200};
  s.bounds.surplus = {50};
  s.bounds.recipients = 4;
  s.bounds.errors = 8;
  s.partitions.emplace("gone", failure_named("no_partition"));
  s.recipients.emplace("gone@y", failure_named("no_user"));
  s.recipients.emplace("moved@y", failure_named("moved"));
  s.outcomes.emplace("full@y", failure_named("quota"));
  s.repeats.emplace("known@y", "1.k.o");
  s.load = {5, 1, {10}, {20}, "0.1.0"};
  s.space = {{10}, {20}};
  s.bounds.usages = 2;
  for (const char* mailbox : {"a@y", "b@y", "c@y"}) {
    s.usages.push_back(
        {.partition = "p", .mailbox = mailbox, .used = {9}, .limit = {9}, .age = {}});
  }
  return s;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    require(end != std::string_view::npos, "every reply ends with CR LF");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  return lines;
}

bool asks_for_results(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
    line.remove_suffix(1);
  }
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (equal_ignoring_case(word, "RESULTS")) {
      return true;
    }
  }
  return false;
}

// Octet by octet, with every delivery finished by hand, so that its replies can be counted.
std::string count_results(std::string_view input) {
  store_script held = script();
  held.held = true;
  scripted_store store(held);
  std::string line;
  bool results = false;
  for (const char octet : input) {
    const std::size_t before = store.output().size();
    line += octet;
    store.feed(std::string_view(&octet, 1));
    if (store.output().substr(before).starts_with("+OK [CAPA")) {
      results = results || asks_for_results(line);
    }
    if (octet == '\n') {
      line.clear();
    }
    if (store.session().state() != server_state::storing) {
      continue;
    }
    line.clear();
    const std::size_t said = store.output().size();
    const auto recipients = store.delivered().back().message.recipients;
    store.finish_delivery();
    const auto replies = lines_of(std::string_view(store.output()).substr(said));
    const bool each = results && !store.closed();
    require(replies.size() == (each ? recipients.size() : 1), "one result for each recipient");
    for (std::size_t i = 0; each && i < replies.size(); ++i) {
      require(parse_reply(replies[i])->text.starts_with("<" + recipients[i].mailbox + "> "),
              "a result begins with its recipient");
    }
  }
  return store.output();
}

void check_replies(const scripted_store& store) {
  for (const std::string& line : lines_of(store.output())) {
    require(line.size() + 2 <= script().bounds.line, "a reply fits its limit");
    require(parse_reply(line).has_value(), "a reply can be read");
  }
  for (const auto& d : store.delivered()) {
    require(d.octets.size() == d.message.size.octets, "a message is whole");
    require(d.message.recipients.size() <= script().bounds.recipients, "recipients are limited");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  scripted_store whole(script());
  whole.feed(input);
  check_replies(whole);
  for (const unsigned piece : {1U, 2U, 7U, 61U}) {
    store_script s = script();
    s.direct = piece % 2 == 0 || piece == 61;
    scripted_store split(s);
    split.feed(input, piece);
    require(split.trace() == whole.trace(), "the same actions for every split");
    require(split.delivered() == whole.delivered(), "the same messages for every split");
  }
  require(count_results(input) == whole.output(), "the same replies when delivery takes long");
  return 0;
}
