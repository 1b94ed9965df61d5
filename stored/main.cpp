// stored: takes messages from bridges, makes them safe, files them into Maildirs, and answers for
// each recipient. This file is the table of contents of the program: one step, one call.

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <thread>

#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/base/sabotage.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/net/daemon.hpp"

#include "stored/delivery/journal_records.hpp"
#include "stored/service/caretaking.hpp"

namespace homeward::stored {
namespace {

constexpr int exit_failure = 1;
constexpr int exit_no_permission = 77;
constexpr std::chrono::seconds time_for_first_look{10}; // then neighbours are served
constexpr std::chrono::seconds time_to_end_work{5};

int ends(std::string_view event, const failure& why, int code = exit_failure) {
  log::error(event, {{"failure", why}});
  return code;
}

int does_not_start(const failure& why, int code = exit_failure) {
  return ends("stored does not start", why, code);
}

std::size_t network_threads(std::uint32_t wanted) {
  return wanted != 0 ? wanted : std::clamp(std::thread::hardware_concurrency() / 2, 1U, 8U);
}

int serve(settings running, const std::string& file) {
  fs::real_file_system files;
  system_clock_source clock;
  const fixed_settings& fixed = running.fixed;
  const live_settings& live = running.live;

  // What was delivered already, and the write path.
  identity_map identities(clock, live.identities);
  delivery_service deliveries(identities, clock, workers_of(fixed), live.deliveries, live.quota);

  // The journals of their volumes: what they hold is filed before a partition opens.
  journal::journal_table journals(files, clock, journals_of(running),
                                  fixed.durability == sync_mode::journal,
                                  memory_for_journals(identities, clock));

  // The partitions. One that is missing answers "try later" and heals by itself.
  partition_table partitions(files, clock, filing_of(fixed), &journals);
  partitions.apply(live.partitions, live.look_at_partitions);
  const std::size_t open = partitions.wait_until_looked_at(time_for_first_look);

  // Where messages stay while they arrive.
  result<fs::spool_place> place =
      fs::open_spool_place(files, fixed.spool_directory, fixed.message_memory);
  if (!place) {
    return does_not_start(place.error());
  }
  message_intake intake(std::move(*place), live.memory, fixed.spool_threads);

  // The door.
  session_counter sessions;
  net::io_threads threads(network_threads(fixed.network_threads), net::io_sharing::context_each);
  door entrance(threads, {partitions, deliveries, intake, sessions}, live);
  for (const net::listener_settings& where : fixed.listen) {
    if (const result<void> listens = entrance.listen(where); !listens) {
      return does_not_start(listens.error());
    }
  }
  entrance.open();
  log::notice(
      "stored started",
      {{"version", HOMEWARD_VERSION}, {"partitions", live.partitions.size()}, {"open", open}});

  // Serve, reload, and at last stop: nobody new, finish what was begun, end.
  bool all_ended = true;
  const living_parts parts{identities, deliveries, partitions, journals, intake, entrance};
  net::run_daemon(threads, entrance.sessions(),
                  {.status = fmt::format("{} partitions, {} listeners", partitions.size(),
                                         entrance.listeners()),
                   .reload = [&] { reload(file, running, parts); },
                   .stop_accepting = [&] { entrance.close(); },
                   .finish =
                       [&] {
                         all_ended = deliveries.stop(time_to_end_work);
                         all_ended = partitions.stop(time_to_end_work) && all_ended;
                         all_ended = journals.stop(time_to_end_work) && all_ended;
                       },
                   .is_ready = [&] { return partitions.all_looked_at(); }});
  if (!all_ended) {
    // A thread hangs in the kernel and still uses what would be destroyed now.
    log::warning("a partition hangs; ending without waiting for it");
    std::_Exit(EXIT_SUCCESS);
  }
  return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
  // What is asked for?
  partition_wish wish;
  auto asked = config::start(argc, argv, about_stored(wish), settings_table());
  if (const int* code = std::get_if<int>(&asked)) {
    return *code;
  }
  auto& started = std::get<config::started<settings>>(asked);
  log::start("stored", started.settings.live.log_level);
  if (sabotage::is_possible) {
    log::warning("this build can be sabotaged: for tests only", {{"on", sabotage::switched_on()}});
  }

  // Never root, from here on.
  if (const result<void> good = give_up_root(started.settings.fixed.user); !good) {
    return does_not_start(good.error(), exit_no_permission);
  }

  // Make a partition and end, if that is the wish; else serve.
  if (!wish.name.empty()) {
    fs::real_file_system files;
    const system_clock_source clock;
    const result<void> made = make_partition(files, clock, started.settings, wish);
    return made ? EXIT_SUCCESS : ends("partition not made", made.error());
  }
  return serve(std::move(started.settings), started.file);
}

} // namespace
} // namespace homeward::stored

int main(int argc, char** argv) {
  try {
    return homeward::stored::run(argc, argv);
  } catch (const std::exception& e) { // threads or memory that the system does not give
    return homeward::stored::does_not_start(
        homeward::transient_failure("the system refuses", e.what(),
                                    "Look at TasksMax= and MemoryMax= of the unit, and ulimit."));
  }
}
