#include "stored/service/caretaking.hpp"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/config/reload.hpp"
#include "lib/net/privileges.hpp"

namespace homeward::stored {

result<void> give_up_root(const std::string& user) {
  if (!user.empty()) {
    if (const result<void> became = net::become_user(user); !became) {
      return became.error();
    }
  }
  if (net::runs_as_root()) {
    return transient_failure("stored does not run as root", {},
                             "Name the owner of the Maildirs in the setting user, or start stored "
                             "as that user.");
  }
  return {};
}

result<void> make_partition(fs::file_system& files, const clock_source& clock, const settings& s,
                            const partition_wish& wish) {
  const auto& all = s.live.partitions;
  const auto wanted = std::find_if(
      all.begin(), all.end(), [&](const partition_settings& p) { return p.name == wish.name; });
  if (wanted == all.end()) {
    return transient_failure("the settings have no partition " + wish.name, {},
                             "Add it to partitions with its path, then make it.");
  }
  maildir::new_partition made{.name = wish.name, .adopt_existing = wish.adopt_existing};
  if (!wish.path_template.empty()) {
    made.path_template = wish.path_template;
  }
  const result<maildir::identity> identity =
      maildir::partition::initialise(files, wanted->path, made, clock.wall_now());
  if (!identity) {
    return identity.error();
  }
  std::cout << fmt::format("{} is now partition {}, id {}; Maildirs lie at {}\n", wanted->path,
                           identity->name, identity->id, identity->paths.text());
  return {};
}

void reload(const std::string& file, settings& running, const living_parts& parts) {
  const auto read = config::read_again(settings_table(), file, running);
  if (!read) {
    return;
  }
  const live_settings& live = read->live;
  log::set_level(live.log_level);
  parts.identities.set_limits(live.identities);
  parts.deliveries.set_limits(live.deliveries);
  parts.deliveries.quota().set_limits(live.quota);
  parts.intake.set_cap(live.memory);
  parts.journals.set_limits(live.checkpoint, retention_of(live.identities));
  parts.partitions.apply(live.partitions, live.look_at_partitions);
  parts.entrance.apply(live);
  running.live = live;
  log::notice("settings reloaded", {{"file", file}, {"partitions", live.partitions.size()}});
}

} // namespace homeward::stored
