#pragma once
// What main does besides serving: give up root, make a partition, take changed settings.

#include <string>

#include "lib/base/clock.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/delivery/identity_map.hpp"
#include "stored/service/command_line.hpp"
#include "stored/service/door.hpp"
#include "stored/service/message_intake.hpp"
#include "stored/service/partition_table.hpp"
#include "stored/service/settings.hpp"

namespace homeward::stored {

// Becomes the user of the settings. Fails when that cannot be, and when stored would run as root
// without being told so.
[[nodiscard]] result<void> give_up_root(const std::string& user);

// Makes the partition of the wish and tells on standard output what was made.
[[nodiscard]] result<void> make_partition(fs::file_system& files, const clock_source& clock,
                                          const settings& s, const partition_wish& wish);

// What takes new settings while it runs; all must outlive the reload.
struct living_parts {
  identity_map& identities;
  delivery_service& deliveries;
  partition_table& partitions;
  journal::journal_table& journals;
  message_intake& intake;
  door& entrance;
};

// Reads `file` again and lets the parts take its live settings; `running` becomes what holds then.
// A file with a fault changes nothing; the log says why.
void reload(const std::string& file, settings& running, const living_parts& parts);

} // namespace homeward::stored
