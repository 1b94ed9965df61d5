#include "milter/knowledge/memory.hpp"

#include <utility>
#include <variant>

#include "lib/directory/resolve.hpp"

namespace homeward::milter {

namespace {

name_set in_lower_case(const std::vector<std::string>& names) {
  name_set set;
  for (const std::string& n : names) {
    set.insert(lower_case(n));
  }
  return set;
}

recipient_facts unavailable(bool domain_is_ours, std::string missing) {
  return {.standing = recipient_standing::unavailable,
          .domain_is_ours = domain_is_ours,
          .missing = std::move(missing)};
}

// A name that was not found may be in a source that could not be read; that must not become a
// permanent refusal.
bool depends_on_aliases(recipient_standing s) {
  return s == recipient_standing::unknown || s == recipient_standing::disabled;
}

} // namespace

memory::memory(sources from, memory_settings s) : from_(std::move(from)) {
  set(std::move(s));
  refresh_domains();
}

void memory::set(memory_settings s) {
  auto next = std::make_shared<prepared>();
  next->domains = in_lower_case(s.domains);
  for (const mail::catch_all_mailbox& c : s.addresses.catch_all) {
    next->domains.insert(lower_case(c.domain));
  }
  next->alias_domains = in_lower_case(s.alias_domains);
  next->addresses = std::make_shared<const mail::address_rules>(std::move(s.addresses));
  const std::lock_guard lock(mutex_);
  now_ = std::move(next);
}

std::shared_ptr<const memory::prepared> memory::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

std::shared_ptr<const mail::address_rules> memory::address_rules() const {
  return now()->addresses;
}

void memory::refresh_domains() {
  served_.refresh(from_.directory());
}

bool memory::complete() const {
  return served_.complete();
}

bool memory::has_domain(std::string_view domain) const {
  return is_ours(*now(), lower_case(domain));
}

bool memory::is_ours(const prepared& p, std::string_view domain) const {
  return p.domains.contains(std::string(domain)) || served_.contains(domain);
}

recipient_facts memory::facts_of(const mail::address& recipient) const {
  const std::shared_ptr<const prepared> p = now();
  const std::string domain =
      lower_case(recipient.domain.empty() ? p->addresses->default_domain : recipient.domain);
  const bool ours = is_ours(*p, domain);
  if (!ours && complete()) {
    return {};
  }
  const std::shared_ptr<const elsewhere> aliases = from_.aliases();
  const std::string& delimiters = p->addresses->recipient_delimiter;
  const bool local = p->alias_domains.empty() || p->alias_domains.contains(domain);
  if (aliases->redirects(recipient.local, domain, local, delimiters)) {
    return {};
  }
  recipient_facts facts;
  facts.domain_is_ours = ours;
  look_up(facts, *p, recipient);
  if (!ours && depends_on_aliases(facts.standing)) {
    return unavailable(false, "the user directory"); // it has come, its list of domains has not
  }
  if (depends_on_aliases(facts.standing) && local &&
      aliases->has_account(recipient.local, delimiters)) {
    return {};
  }
  if (!aliases->missing.empty()) {
    if (depends_on_aliases(facts.standing)) {
      return unavailable(true, "the alias table");
    }
    facts.usage.reset(); // the mail may be meant for somebody else
  }
  return facts;
}

void memory::look_up(recipient_facts& facts, const prepared& p,
                     const mail::address& recipient) const {
  const directory::lookup_result found =
      directory::resolve(from_.directory(), *p.addresses, recipient);
  if (std::holds_alternative<directory::unavailable>(found)) {
    facts = unavailable(facts.domain_is_ours, "the user directory");
  } else if (const auto* home = std::get_if<directory::found_home>(&found)) {
    facts.standing = home->state == directory::user_state::disabled ? recipient_standing::disabled
                                                                    : recipient_standing::known;
    add_home(facts, *home);
  } else {
    facts.standing = recipient_standing::unknown;
  }
}

void memory::add_home(recipient_facts& facts, const directory::found_home& home) const {
  const directory::partition& primary = *home.primary;
  facts.mailbox = home.mailbox;
  facts.store = primary.id.server;
  facts.partition = primary.id.directory;
  facts.partition_offline = primary.state == directory::partition_state::offline;
  if (primary.kind != directory::partition_kind::stored) {
    return;
  }
  facts.store_up = from_.stores.health(facts.store);
  if (home.quota.octets == 0) {
    return; // the directory owns limits: a store that remembers one has not heard yet
  }
  facts.usage = from_.stores.usage(facts.store, facts.partition, facts.mailbox);
  if (facts.usage) {
    facts.usage->limit = home.quota;
  }
}

} // namespace homeward::milter
