#include "admin/queue_destinations.hpp"

#include <algorithm>

#include "lib/mail/address.hpp"

namespace homeward::admin {

namespace {

std::string outside(const std::string& address) {
  const std::size_t at = address.rfind('@');
  if (at != std::string::npos) {
    return address.substr(at + 1) + ", elsewhere";
  }
  const bool is_program = address.starts_with('|') || address.starts_with('/') ||
                          address.starts_with(':') || address.starts_with('"');
  return is_program ? "a program or a file" : "no mailbox here";
}

} // namespace

void queue_destinations::begin() {
  begun_ = true;
  auto rules = session_.address_rules();
  const auto engine = session_.engine();
  if (rules.has_error() || engine.has_error()) {
    trouble_ = rules.has_error() ? rules.error() : engine.error();
    return;
  }
  auto partitions = (*engine)->partitions();
  if (partitions.has_error()) {
    trouble_ = partitions.error();
    return;
  }
  rules_ = std::move(*rules);
  partitions_ = std::move(*partitions);
  engine_ = *engine;
}

std::string queue_destinations::of(const std::string& address) {
  if (!begun_) {
    begin();
  }
  const auto found = known_.find(address);
  if (found != known_.end()) {
    return found->second;
  }
  return known_.emplace(address, look_up(address)).first->second;
}

std::string queue_destinations::look_up(const std::string& address) {
  const auto parsed = mail::parse_path(address, mail::charset::utf8);
  if (engine_ == nullptr || parsed.has_error()) {
    return outside(address);
  }
  for (const std::string& mailbox : rules_.candidates(*parsed)) {
    const auto user = engine_->find_user(mailbox);
    if (user.has_error()) {
      trouble_ = user.error();
      engine_ = nullptr; // it would be as slow for every other address
      return outside(address);
    }
    if (!*user) {
      continue;
    }
    std::string home = to_string((*user)->where.primary);
    for (const directory::partition& p : partitions_) {
      if (p.id == (*user)->where.primary && p.state != directory::partition_state::active) {
        home += " (" + std::string(name_of(p.state)) + ')';
      }
    }
    return home;
  }
  return outside(address);
}

} // namespace homeward::admin
