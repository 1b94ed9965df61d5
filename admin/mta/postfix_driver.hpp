#pragma once
// Postfix: a transport table of ours in front of the others, a delivery service, and the doors of
// homeward-milter, all worked out in a copy of the configuration directory.

#include <string>
#include <vector>

#include "admin/mta/driver.hpp"
#include "admin/mta/old_routes.hpp"
#include "admin/mta/postfix_config.hpp"

namespace homeward::admin::mta {

class postfix_driver final : public driver {
 public:
  explicit postfix_driver(settings s);

  [[nodiscard]] result<plan> make_plan(const std::string& staging) override;
  [[nodiscard]] bool is_running() override;
  [[nodiscard]] result<void> reload() override;
  [[nodiscard]] result<void> verify(const std::vector<probe>& probes, bool was_running) override;
  [[nodiscard]] waiting_mail waiting() override;
  [[nodiscard]] result<std::vector<finding>> check() override; // postfix_check.cpp

 private:
  // Which table of Postfix accepts mail for a domain: "mydestination", "virtual_mailbox_domains",
  // "relay_domains", "virtual_alias_domains", or empty.
  [[nodiscard]] result<std::string> class_of(const std::string& domain) const;
  [[nodiscard]] result<void> find_classes(plan& p);
  [[nodiscard]] result<moving> what_moves() const;
  [[nodiscard]] result<void> stage(const postfix_config& staged, plan& p);
  [[nodiscard]] result<void> stage_lists(const postfix_config& staged, plan& p);
  [[nodiscard]] result<void> stage_scalars(const postfix_config& staged, plan& p);
  [[nodiscard]] bool stays_as_it_is(plan& p, const std::vector<std::string>& set,
                                    const parameter& ours) const;
  [[nodiscard]] result<void> stage_table(const postfix_config& staged, plan& p);
  [[nodiscard]] result<void> validate(const postfix_config& staged, plan& p) const;
  [[nodiscard]] result<void> collect(const postfix_config& staged, plan& p);
  void look_at_sockets(plan& p) const;
  [[nodiscard]] result<std::string> route_of(const std::string& address) const;

  [[nodiscard]] std::string table() const {
    return settings_.configuration + "/homeward-transport";
  }
  [[nodiscard]] std::string postfix_socket(const std::string& setting,
                                           const std::string& name) const;
  [[nodiscard]] std::string socket_file(const std::string& place) const;
  [[nodiscard]] std::string in_our_places(std::string fragment) const;

  settings settings_;
  postfix_config live_;
  std::string queue_;                        // queue_directory
  std::string map_type_;                     // "hash"
  std::vector<std::string> local_domains_;   // chosen ones in mydestination
  std::vector<std::string> virtual_domains_; // chosen ones elsewhere
};

} // namespace homeward::admin::mta
