// The codec of the storage protocol: what is read can be written and is read again as the same;
// what is written is read as the same, or the encoder refuses it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/command.hpp"
#include "lib/store_protocol/line_reader.hpp"
#include "lib/store_protocol/reply.hpp"
#include "lib/store_protocol/xtext.hpp"

namespace {

using namespace homeward;
using namespace homeward::store_protocol;

const limits bounds;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

// Cuts `input` into fields at octets 0xFE, which no grammar of ours needs.
std::vector<std::string> fields(std::string_view input, std::size_t count) {
  std::vector<std::string> out;
  while (out.size() + 1 < count) {
    const std::size_t end = input.find('\xfe');
    out.emplace_back(input.substr(0, end));
    input = end == std::string_view::npos ? std::string_view{} : input.substr(end + 1);
  }
  out.emplace_back(input);
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

std::string_view argument_of(const std::string& line) {
  require(line.ends_with("\r\n") && line.size() <= bounds.line, "a line is whole and fits");
  const std::string_view text = std::string_view(line).substr(0, line.size() - 2);
  require(!has_control(text), "no control character leaves us");
  return split_command(text).argument;
}

void reply_read(std::string_view input) {
  const auto r = parse_reply(input);
  if (!r) {
    return;
  }
  const std::string line = write_reply(*r, bounds);
  require(parse_reply(std::string_view(line).substr(0, line.size() - 2)).has_value(),
          "written is read");
  if (const auto exact = encode_reply(*r, bounds)) {
    require(*parse_reply(std::string_view(*exact).substr(0, exact->size() - 2)) == *r,
            "reply is equal");
  }
  (void)failure_from(*r, r->text);
  (void)load_from(*r);
}

void reply_written(std::string_view input) {
  const auto f = fields(input, 6);
  reply r;
  r.ok = f[0].size() % 2 == 0;
  r.code = f[0];
  if (!f[1].empty()) {
    r.arguments.push_back(f[1]);
  }
  if (!f[2].empty()) {
    r.pairs.emplace_back(f[2], f[3]);
  }
  r.text = f[4];
  if (const auto line = encode_reply(r, bounds)) {
    require(*parse_reply(std::string_view(*line).substr(0, line->size() - 2)) == r,
            "reply is equal");
  }
  if (reason_of(r.code) || r.code.empty()) {
    const std::string line = write_reply(r, bounds);
    require(line.size() <= bounds.line, "written fits");
    require(parse_reply(std::string_view(line).substr(0, line.size() - 2)).has_value(),
            "written is read");
  }
}

void addresses(std::string_view input) {
  const auto f = fields(input, 4);
  if (const auto line = encode_sender(f[0], bounds)) {
    require(*parse_sender(argument_of(*line), bounds) == f[0], "sender is equal");
  }
  recipient who;
  who.mailbox = f[0];
  who.original = f[1];
  who.epoch = f[2].size();
  who.quota_limit = {f[3].size()};
  if (const auto line = encode_recipient(who, true, bounds)) {
    recipient back = *parse_recipient(argument_of(*line), true, bounds);
    require(back.original == who.original || back.original.empty(),
            "original is equal or left out");
    back.original = who.original;
    require(back == who, "recipient is equal");
  }
}

void arguments(std::string_view input) {
  if (has_control(input)) {
    return; // the session refuses such a line before its argument is read
  }
  if (const auto sender = parse_sender(input, bounds)) {
    const auto line = encode_sender(*sender, bounds);
    require(line && *parse_sender(argument_of(*line), bounds) == *sender, "sender is equal");
  }
  if (const auto who = parse_recipient(input, true, bounds)) {
    require(!has_control(who->original), "no control character comes out of xtext");
    const auto line = encode_recipient(*who, true, bounds);
    require(line.has_value(), "what was read can be written");
  }
  if (const auto name = parse_message_name(input)) {
    require(to_string(*name) == input, "a name is written as it was read");
    require(encode_name(*name, bounds).has_value(), "a name can be written");
  }
  if (const auto partition = parse_partition(input, bounds)) {
    require(partition->find('/') == std::string::npos && partition->front() != '.', "no path");
  }
}

void xtext(std::string_view input) {
  require(decode_xtext(encode_xtext(input)) == std::string(input), "xtext is equal");
  if (const auto text = decode_xtext(input)) {
    require(decode_xtext(encode_xtext(*text)) == *text, "decoded xtext is equal");
  }
}

std::vector<std::string> read_lines(std::string_view input, std::size_t piece) {
  line_reader reader(12, 40);
  std::vector<std::string> out;
  while (!input.empty()) {
    const std::string given(input.substr(0, piece));
    const line_found found = reader.next(given);
    require(found.consumed > 0 && found.consumed <= given.size(), "progress");
    input.remove_prefix(found.consumed);
    if (found.what != line_found::kind::need_more) {
      out.push_back(std::to_string(static_cast<int>(found.what)) + (found.with_cr ? "r" : "n") +
                    std::string(found.text));
    }
    if (found.what == line_found::kind::endless) {
      break;
    }
  }
  return out;
}

void lines(std::string_view input) {
  const auto whole = read_lines(input, input.size());
  for (const unsigned piece : {1U, 2U, 3U, 11U, 12U, 13U, 40U}) {
    require(read_lines(input, piece) == whole, "the same lines for every split");
  }
}

} // namespace

// The first octet chooses the part of the codec.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
  case 0: reply_read(input); break;
  case 1: reply_written(input); break;
  case 2: addresses(input); break;
  case 3: arguments(input); break;
  case 4: xtext(input); break;
  default: lines(input); break;
  }
  return 0;
}
