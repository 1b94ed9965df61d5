#include "stored/service/command_line.hpp"

#include <CLI/CLI.hpp>

#include "lib/maildir/path_template.hpp"

namespace homeward::stored {
namespace {

constexpr const char* description =
    "stored is the storage server of Homeward. It takes messages from bridges by the storage "
    "protocol, makes them safe, files them into the Maildirs of its partitions, and answers for "
    "each recipient.\n\n"
    "+OK for a recipient means: the whole message and its envelope are on stable storage (the sync "
    "call covering them has succeeded) and the message is visible in the recipient's Maildir. "
    "After "
    "that no crash, kill or power cut may lose it. The same delivery again within 7 days is "
    "answered "
    "+OK and makes no second copy.\n\n"
    "A partition is a directory tree on one volume. It must be made one on purpose, by "
    "--init-partition; a directory without that identity is never written to, so that mail cannot "
    "land below a mount point whose disk is missing.";

constexpr const char* signals =
    "SIGTERM and SIGINT stop: nobody is let in any more, what was begun is finished within 30 "
    "seconds, then the process ends with status 0.\n\n"
    "SIGHUP reads the settings file again. Sessions go on. Partitions are added, drained, taken "
    "offline or removed; limits, times, peers and the log level change for new sessions. A file "
    "with a fault changes nothing, and the log names file, line and fault. What only a restart can "
    "change is logged too.";

constexpr const char* status = "0 after a stop. 64 for wrong options, 77 when started as root "
                               "without the setting user, 78 for "
                               "faults of the settings file, 1 for anything else that stops the "
                               "start; the last line of the log "
                               "says what to do.";

void add_options(CLI::App& app, partition_wish& wish) {
  app.add_option("--init-partition", wish.name,
                 "Make the directory of this partition of the settings a partition, and end")
      ->type_name("NAME");
  app.add_option("--path-template", wish.path_template,
                 "With --init-partition: where a Maildir lies in it")
      ->type_name("TEMPLATE");
  app.add_flag("--adopt-existing", wish.adopt_existing,
               "With --init-partition: accept a directory that holds something already");
}

} // namespace

config::program about_stored(partition_wish& wish) {
  config::program p;
  p.name = "stored";
  p.summary = "takes mail from homeward-bridge, makes it safe and files it into Maildirs";
  p.description = description;
  p.default_file = "/etc/homeward/stored.yaml";
  p.manual = {{"SIGNALS", signals}, {"EXIT STATUS", status}};
  p.more_options = [&wish](CLI::App& app) { add_options(app, wish); };
  p.more_option_texts = {
      {"--init-partition NAME",
       "Makes the existing directory that the settings give for partition NAME a partition: writes "
       "its identity file, durably, and ends. Do it once, when the right volume is mounted."},
      {"--path-template TEMPLATE",
       "With --init-partition: where a Maildir lies below the partition. {domain}, {local} and "
       "{hash} (two digits) are replaced. Default: " +
           std::string(maildir::default_path_template) + ". It cannot be changed later."},
      {"--adopt-existing",
       "With --init-partition: accept a directory that holds something already, such as a tree of "
       "Maildirs that fits the template."}};
  return p;
}

} // namespace homeward::stored
