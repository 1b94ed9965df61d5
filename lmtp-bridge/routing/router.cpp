#include "lmtp-bridge/routing/router.hpp"

#include <algorithm>
#include <variant>

#include "lib/directory/resolve.hpp"

namespace homeward::bridge {

namespace {

failure no_such_mailbox() {
  return permanent_failure(failure_reason::no_user, "no such user here");
}

// The home if mail may go there now, else why not.
result<directory::found_home> usable(directory::lookup_result found) {
  if (std::holds_alternative<directory::no_such_user>(found)) {
    return no_such_mailbox();
  }
  if (const auto* away = std::get_if<directory::unavailable>(&found)) {
    return away->why;
  }
  auto& home = std::get<directory::found_home>(found);
  if (home.state == directory::user_state::disabled) {
    return permanent_failure(failure_reason::no_user, "this mailbox is disabled");
  }
  return std::move(home);
}

result<void> takes_mail(const directory::found_home& home) {
  if (home.primary->state != directory::partition_state::offline) {
    return {};
  }
  return transient_failure("partition " + to_string(home.primary->id) + " is offline",
                           "its state in the directory is offline",
                           "Set it active again: homewardctl partition set.");
}

} // namespace

router::router(std::function<directory::replica_view()> view, mail::address_rules rules)
    : view_(std::move(view)), rules_(std::move(rules)) {}

result<lmtp::accepted_recipient> router::accept(const mail::address& path) const {
  result<directory::found_home> home = usable(directory::resolve(view_(), rules_, path));
  if (!home) {
    return home.error();
  }
  return lmtp::accepted_recipient{.mailbox = std::move(home->mailbox)};
}

route_plan router::plan(std::span<const lmtp::recipient> recipients) const {
  route_plan plan;
  const directory::replica_view view = view_();
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const lmtp::recipient& r = recipients[i];
    result<directory::found_home> home = usable(view.lookup(r.mailbox));
    if (const result<void> open = home ? takes_mail(*home) : home.error(); !open) {
      plan.refused.emplace_back(i, open.error());
      continue;
    }
    const auto same_place = [&](const route_group& g) {
      return g.home.primary->id == home->primary->id;
    };
    auto group = std::find_if(plan.groups.begin(), plan.groups.end(), same_place);
    if (group == plan.groups.end()) {
      group = plan.groups.insert(plan.groups.end(), route_group{.home = *home, .recipients = {}});
    }
    group->recipients.push_back(routed_recipient{.index = i,
                                                 .mailbox = r.mailbox,
                                                 .original = r.path,
                                                 .epoch = home->epoch,
                                                 .quota = home->quota});
  }
  return plan;
}

} // namespace homeward::bridge
