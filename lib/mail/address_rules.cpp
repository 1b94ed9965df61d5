#include "lib/mail/address_rules.hpp"

#include <algorithm>

namespace homeward::mail {
namespace {

void fold(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
}

std::string folded(std::string_view text) {
  std::string out(text);
  fold(out);
  return out;
}

address canonical_address(const address& a, const address_rules& rules) {
  address out = a;
  if (out.domain.empty()) {
    out.domain = rules.default_domain;
  }
  fold(out.domain);
  if (rules.fold_case || folded(out.local) == "postmaster") {
    fold(out.local);
  }
  return out;
}

} // namespace

std::string address_rules::canonical(const address& a) const {
  return to_string(canonical_address(a, *this));
}

const catch_all_mailbox* address_rules::catch_all_of(std::string_view domain) const {
  const auto found =
      std::find_if(catch_all.begin(), catch_all.end(), [&](const catch_all_mailbox& c) {
        return c.domain.size() == domain.size() && folded(c.domain) == domain;
      });
  return found == catch_all.end() ? nullptr : &*found;
}

std::vector<std::string> address_rules::candidates(const address& a) const {
  address whole = canonical_address(a, *this);
  const catch_all_mailbox* others = catch_all_of(whole.domain);
  std::vector<std::string> names{to_string(whole)};
  const std::size_t at = whole.local.find_first_of(recipient_delimiter);
  if (at != std::string::npos && at > 0) {
    whole.local.resize(at);
    names.push_back(to_string(whole));
  }
  const auto last = others != nullptr ? parse_address(others->mailbox, charset::utf8)
                                      : address_result<address>(address_fault::empty);
  if (last) {
    std::string mailbox = canonical(*last);
    if (std::find(names.begin(), names.end(), mailbox) == names.end()) {
      names.push_back(std::move(mailbox));
    }
  }
  return names;
}

} // namespace homeward::mail
