// Any text as an address: what is accepted has one canonical notation that reads back as the same
// address, fits the limits and holds no control octet; so do the mailboxes made of it.
#include "lib/mail/address.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/mail/address_rules.hpp"
#include "lib/mail/reply.hpp"
#include "lib/mail/reverse_path.hpp"
#include "lib/mail/trace.hpp"

using namespace homeward::mail;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

bool has_controls(std::string_view text) {
  for (const char c : text) {
    if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F) {
      return true;
    }
  }
  return false;
}

void check_mailboxes(const address& a) {
  const address_rules rules{.recipient_delimiter = "+-",
                            .default_domain = "Default.Example",
                            .catch_all = {{"default.example", "Rest+Of@All.Example"}}};
  const auto names = rules.candidates(a);
  require(!names.empty() && names.size() <= 3, "one to three candidates");
  require(names.front() == rules.canonical(a), "the whole local part is looked up first");
  for (const std::string& name : names) {
    require(!has_controls(name), "no control octet in a mailbox");
    if (name.size() <= longest_path - 2) {
      const auto again = parse_address(name, charset::utf8);
      require(again.has_value(), "a mailbox is an address");
      require(rules.canonical(*again) == name, "a mailbox is its own canonical form");
    }
  }
}

void check_address(std::string_view text, charset allowed) {
  const auto a = parse_path(text, allowed);
  if (!a) {
    require(!words(a.error()).empty(), "a fault has words");
    return;
  }
  const std::string canonical = to_string(*a);
  require(!a->local.empty(), "there is a local part");
  require(canonical.size() <= longest_path - 2, "the path fits");
  require(!has_controls(canonical), "no control octet comes out");
  require(is_clean_utf8(canonical), "only well-formed UTF-8 comes out");
  const auto again = parse_path("<" + canonical + ">", allowed);
  require(again.has_value() && *again == *a, "the canonical notation reads back");
  require(to_string(*again) == canonical, "the canonical notation is its own");
  const std::string with_brackets = "<" + canonical + "> rest";
  const auto split = split_path(with_brackets);
  require(split.has_value() && split->rest == " rest", "a canonical path is found in a command");
  require(parse_reverse_path(with_brackets.substr(0, with_brackets.size() - 5), allowed)->text() ==
              "<" + canonical + ">",
          "a sender is written as it was read");
  check_mailboxes(*a);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_address(text, charset::ascii);
  check_address(text, charset::utf8);
  if (const auto split = split_path(text)) {
    require(std::string(split->path) + std::string(split->rest) == text, "a split loses nothing");
  }
  require(!has_controls(return_path_line(text)), "no control octet in a header line");
  const std::string reply = encode({reply_550_no_such_user, std::string(text)});
  require(reply.ends_with("\r\n"), "a reply ends in CR LF");
  for (std::size_t at = 0; at < reply.size();) {
    const std::size_t end = reply.find("\r\n", at);
    require(end + 2 - at <= longest_reply_line, "a reply line fits");
    require(!has_controls(std::string_view(reply).substr(at, end - at)), "a reply is printable");
    at = end + 2;
  }
  return 0;
}
