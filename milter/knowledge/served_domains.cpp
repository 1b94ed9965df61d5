#include "milter/knowledge/served_domains.hpp"

#include <utility>

namespace homeward::milter {

namespace {

class domain_collector final : public directory::receiver {
 public:
  explicit domain_collector(name_set& into) : into_(into) {}

  void put(const directory::server& /*s*/) override {}
  void put(const directory::partition& /*p*/) override {}
  void put(const directory::user& u) override {
    const std::size_t at = u.mailbox.rfind('@');
    const std::string_view domain =
        at == std::string::npos ? std::string_view() : std::string_view(u.mailbox).substr(at + 1);
    // Neighbours mostly share a domain.
    if (domain != last_ || first_) {
      last_ = domain;
      first_ = false;
      into_.insert(last_);
    }
  }

 private:
  name_set& into_;
  std::string last_;
  bool first_ = true;
};

} // namespace

void served_domains::refresh(const directory::replica_view& view) {
  if (!view.complete() || (complete() && view.at() == at_)) {
    return;
  }
  auto next = std::make_shared<name_set>();
  domain_collector collector(*next);
  view.each(collector);
  at_ = view.at();
  const std::lock_guard lock(mutex_);
  domains_ = std::move(next);
}

bool served_domains::contains(std::string_view domain) const {
  const std::shared_ptr<const name_set> domains = now();
  return domains && domains->contains(std::string(domain));
}

bool served_domains::complete() const {
  return now() != nullptr;
}

std::shared_ptr<const name_set> served_domains::now() const {
  const std::lock_guard lock(mutex_);
  return domains_;
}

} // namespace homeward::milter
