#include "admin/mta/postfix_fragments.hpp"

#include <array>
#include <optional>

#include "admin/mta/driver.hpp"

namespace homeward::admin::mta {

namespace {

// Lists to which an item is added. Ours stands in front of other transports, so that an older entry
// for the domain does not win; it answers only for what was chosen. Filters are last: one behind
// ours could refuse what ours has counted.
std::optional<list_place> place_of(const std::string& name) {
  if (name == "transport_maps") {
    return list_place::front;
  }
  if (name == "smtpd_recipient_restrictions" || name == "smtpd_end_of_data_restrictions") {
    return list_place::restriction;
  }
  if (name == "smtpd_milters" || name == "non_smtpd_milters" || name == "virtual_mailbox_maps" ||
      name == "local_recipient_maps") {
    return list_place::back;
  }
  return std::nullopt;
}

result<std::vector<parameter>> parameters_of(const settings& s, const char* fragment) {
  const auto text = read_fragment(s, std::string("postfix-conf/") + fragment);
  if (!text) {
    return text.error();
  }
  return parse_main_cf(*text);
}

} // namespace

result<std::vector<list_item>> list_items(const settings& s, const std::vector<std::string>& local,
                                          const std::vector<std::string>& others) {
  std::vector<list_item> items;
  const bool wants_virtual = s.layout == layout_kind::virtual_domains;
  for (const auto& [fragment, wanted] : {std::pair<const char*, bool>{"homeward-main.cf", true},
                                         {"homeward-milter.cf", s.doors.milter},
                                         {"homeward-policy.cf", s.doors.policy}}) {
    const auto parameters = parameters_of(s, fragment);
    if (!parameters) {
      return parameters.error();
    }
    for (const auto& [name, value] : *parameters) {
      if (const auto place = place_of(name)) {
        items.push_back({name, value, *place, wanted});
      }
    }
  }
  // The door answers for whole addresses; the domains and the transport stand in tables of ours, so
  // that mail of other domains does not wait while the door is away.
  const std::string door = "socketmap:unix:homeward/lookup.sock:mailbox";
  items.push_back({"virtual_mailbox_maps", door, list_place::back,
                   s.doors.lookup && (wants_virtual || !others.empty())});
  items.push_back(
      {"local_recipient_maps", door, list_place::back, s.doors.lookup && !local.empty()});
  for (const auto& domain : others) {
    items.push_back({"virtual_mailbox_domains", domain, list_place::back, wants_virtual});
  }
  if (!wants_virtual) {
    // Domains may stand there by the administrator's own hand.
    std::erase_if(items, [](const list_item& i) { return i.name == "virtual_mailbox_domains"; });
  }
  return items;
}

result<std::vector<parameter>> scalar_parameters(const settings& s, bool wanted) {
  std::vector<parameter> found;
  for (const auto& [fragment, used] : {std::pair<const char*, bool>{"homeward-main.cf", true},
                                       {"homeward-milter.cf", s.doors.milter},
                                       {"homeward-policy.cf", s.doors.policy},
                                       {"homeward-tuning.cf", s.tuning}}) {
    if (used != wanted) {
      continue;
    }
    const auto parameters = parameters_of(s, fragment);
    if (!parameters) {
      return parameters.error();
    }
    for (const auto& p : *parameters) {
      if (!place_of(p.name)) {
        found.push_back(p);
      }
    }
  }
  return found;
}

} // namespace homeward::admin::mta
