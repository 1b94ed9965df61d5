#include "lib/directory/settings.hpp"

#include "lib/directory/sqlite_engine.hpp"
#include "lib/directory/yaml_engine.hpp"

namespace homeward::directory {

using namespace std::chrono_literals;

config::table<settings> settings_table() {
  const auto absolute = [](const std::string& path) {
    return path.starts_with('/') ? "" : "is not an absolute path; write it in full, from / on";
  };
  config::table<settings> t{"directory"};
  t.add("engine", &settings::engine,
        {.doc = "What holds users, partitions and servers. `sqlite` is a file that `homewardctl` "
                "makes and changes. `yaml` is a static list for trials, written with an editor.",
         .names = {{"sqlite", engine_kind::sqlite}, {"yaml", engine_kind::yaml}}});
  t.add("file", &settings::file,
        {.doc =
             "The file of the engine. For sqlite, the program's user must be able to write it and "
             "its folder, because readers keep their place in side files there.",
         .check = absolute});
  t.add("replica_file", &settings::replica_file,
        {.doc =
             "Where the program keeps the last good state of the directory, so that it can start "
             "and work while the directory is away. Empty: it does not, and answers \"try later\" "
             "after a start until the directory is there.",
         .example = "/var/lib/homeward/bridge-replica",
         .check = [absolute](const std::string& path) {
           return path.empty() ? "" : absolute(path);
         }});
  t.add("refresh", &settings::refresh,
        {.doc = "How often the directory is asked for changes. A new user gets mail at the latest "
                "after this time.",
         .min = 100ms,
         .max = 1h});
  t.add("busy_timeout", &settings::busy,
        {.doc =
             "How long to wait for another program's lock on the sqlite file before that attempt "
             "counts as failed.",
         .min = 100ms,
         .max = 1min});
  t.validate([](const settings& s, const config::report& r) {
    if (!s.replica_file.empty() && s.replica_file == s.file) {
      r.add("replica_file", "is the directory itself", "name another file");
    }
  });
  return t;
}

std::unique_ptr<engine> make_engine(const settings& s) {
  if (s.engine == engine_kind::yaml) {
    return std::make_unique<yaml_engine>(s.file);
  }
  return std::make_unique<sqlite_engine>(s.file, s.busy);
}

} // namespace homeward::directory
