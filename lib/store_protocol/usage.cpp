#include "lib/store_protocol/usage.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {
namespace {

constexpr std::string_view code = "USAGE";
// A century: an age beyond it is nonsense, and would overflow what adds to it.
constexpr std::uint64_t oldest = std::uint64_t{100} * 366 * 24 * 3600;

std::optional<std::uint64_t> number(const reply& r, std::string_view key) {
  const std::string* value = r.find(key);
  const auto parsed = value == nullptr ? result<std::uint64_t>(syntax_failure("")) //
                                       : parse_number(*value);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

} // namespace

bool is_fuller(const mailbox_usage& a, const mailbox_usage& b) {
  const auto share = [](const mailbox_usage& u) {
    return static_cast<double>(u.used.octets) / static_cast<double>(u.limit.octets);
  };
  return share(a) > share(b);
}

reply usage_head(std::size_t count) {
  reply r;
  r.ok = true;
  r.code = std::string(code);
  r.pairs.emplace_back("count", fmt::to_string(count));
  return r;
}

std::optional<std::size_t> count_from(const reply& r, const limits& l) {
  const auto count = number(r, "count");
  if (!r.ok || r.code != code || !count || *count > l.usages) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(*count);
}

reply usage_reply(const mailbox_usage& u) {
  reply r;
  r.ok = true;
  r.code = std::string(code);
  r.pairs.emplace_back("partition", u.partition);
  r.pairs.emplace_back("used", fmt::to_string(u.used.octets));
  r.pairs.emplace_back("limit", fmt::to_string(u.limit.octets));
  r.pairs.emplace_back("age", fmt::to_string(u.age.count()));
  r.text = fmt::format("<{}>", u.mailbox);
  return r;
}

result<mailbox_usage> usage_from(const reply& r, const limits& l) {
  const std::string* partition = r.find("partition");
  const auto used = number(r, "used");
  const auto limit = number(r, "limit");
  const auto age = number(r, "age");
  if (!r.ok || r.code != code || partition == nullptr || !used || !limit || !age) {
    return syntax_failure("a line of FULL is not +OK [USAGE partition= used= limit= age=]");
  }
  auto mailbox = parse_recipient(r.text, false, l);
  if (!parse_partition(*partition, l) || !mailbox || !r.text.starts_with('<')) {
    return syntax_failure("a line of FULL does not name a mailbox of a partition");
  }
  if (*limit == 0 || *age > oldest) {
    return syntax_failure("a line of FULL with a number that cannot be");
  }
  return mailbox_usage{.partition = *partition,
                       .mailbox = std::move(mailbox->mailbox),
                       .used = {*used},
                       .limit = {*limit},
                       .age = std::chrono::seconds(*age)};
}

} // namespace homeward::store_protocol
