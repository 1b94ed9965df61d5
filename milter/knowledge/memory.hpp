#pragma once
// The daemon's knowledge: the replica of the directory, what the MTA's alias stage has, and what
// the stores told, joined for one recipient.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/directory/replica.hpp"
#include "lib/mail/address_rules.hpp"

#include "milter/knowledge/elsewhere.hpp"
#include "milter/knowledge/knowledge.hpp"
#include "milter/knowledge/served_domains.hpp"

namespace homeward::milter {

// What is known of stores from a distance. Implemented over store_client::watch by the daemon, and
// by fakes. Any thread, from memory.
class store_sight {
 public:
  store_sight() = default;
  store_sight(const store_sight&) = delete;
  store_sight& operator=(const store_sight&) = delete;
  virtual ~store_sight() = default;

  [[nodiscard]] virtual store_health health(std::string_view server) const = 0;
  [[nodiscard]] virtual std::optional<mailbox_usage>
  usage(std::string_view server, std::string_view partition, std::string_view mailbox) const = 0;
};

// What a reload may change.
struct memory_settings {
  mail::address_rules addresses;
  std::vector<std::string> domains;       // judged beside those of the directory
  std::vector<std::string> alias_domains; // empty: all judged domains
};

class memory final : public knowledge {
 public:
  struct sources {
    std::function<directory::replica_view()> directory;
    std::function<std::shared_ptr<const elsewhere>()> aliases;
    const store_sight& stores;
  };

  memory(sources from, memory_settings s);

  [[nodiscard]] recipient_facts facts_of(const mail::address& recipient) const override;
  [[nodiscard]] bool has_domain(std::string_view domain) const override;
  [[nodiscard]] bool complete() const override;

  void set(memory_settings s);
  [[nodiscard]] std::shared_ptr<const mail::address_rules> address_rules() const;
  // Brings the list of domains up to date. Blocks for a moment: for a thread in the background.
  void refresh_domains();

 private:
  struct prepared {
    std::shared_ptr<const mail::address_rules> addresses;
    name_set domains; // in lower case
    name_set alias_domains;
  };
  [[nodiscard]] std::shared_ptr<const prepared> now() const;
  [[nodiscard]] bool is_ours(const prepared& p, std::string_view domain) const;
  void look_up(recipient_facts& facts, const prepared& p, const mail::address& recipient) const;
  void add_home(recipient_facts& facts, const directory::found_home& home) const;

  const sources from_;
  served_domains served_;
  mutable std::mutex mutex_; // guards now_; held only to copy or swap
  std::shared_ptr<const prepared> now_;
};

} // namespace homeward::milter
