#include "tests/unit/config/example_table.hpp"

namespace homeward::config::testing {

using namespace std::chrono_literals;

table<listing> listing_table() {
  table<listing> t{"directory"};
  t.add("engine", &listing::engine, {.doc = "What holds the users.", .reloadable = true});
  t.add("refresh", &listing::refresh,
        {.doc = "How often it is read again.", .min = 1s, .max = 1h, .reloadable = true});
  t.validate([](const listing& l, const report& r) {
    if (l.engine == "yaml" && l.refresh < 10s) {
      r.add("refresh", "is too often for the yaml engine", "write 10s or more");
    }
  });
  return t;
}

static table<shelf> shelf_table() {
  table<shelf> t{"shelf"};
  t.add("name", &shelf::name, {.doc = "Its name.", .example = "mail1", .required = true});
  t.add("path", &shelf::path,
        {.doc = "Where it is.",
         .example = "/srv/mail1",
         .required = true,
         .check = [](const std::string& path) {
           return path.starts_with('/') ? "" : "is not an absolute path; write it as /srv/mail1";
         }});
  t.add("weight", &shelf::weight, {.doc = "Its share.", .min = 1U, .max = 100U});
  t.add("owners", &shelf::owners, {.doc = "Who looks after it."});
  return t;
}

table<settings> make_table() {
  table<settings> t{"homeward-example"};
  t.section("lmtp", "How MTAs hand mail over", "One paragraph.\n\nAnd another.");
  t.add("lmtp.listen", &settings::listen,
        {.doc = "Where the LMTP server listens. A unix socket needs no firewall.",
         .example = "inet:127.0.0.1:24"});
  t.add("lmtp.idle_timeout", &settings::idle_timeout,
        {.doc = "After this time without a command a session is closed.",
         .min = 1s,
         .max = 1h,
         .reloadable = true});
  t.add("lmtp.poll", &settings::poll, {.doc = "The step of the clock."});
  t.add("lmtp.limits.memory", &settings::memory_limit,
        {.doc = "Messages up to this size stay in memory.", .min = 4_KiB, .max = 1_GiB});
  t.section("filing", "How messages are filed");
  t.add("filing.recipe", &settings::filing,
        {.doc = "Which recipe.", .names = {{"late", recipe::late}, {"strict", recipe::strict}}});
  t.add("verbose", &settings::verbose, {.doc = "Says more.", .reloadable = true});
  t.add("offset", &settings::offset,
        {.doc = "A number that may be negative.", .min = -10, .max = 10});
  t.add("port", &settings::port, {.doc = "A port.", .min = std::uint16_t{1}});
  t.add("peers", &settings::peers, {.doc = "Who may connect.", .reloadable = true});
  t.add_records("shelves", &settings::shelves, shelf_table(),
                {.doc = "Where things are.", .unique = "name"});
  t.section("directory", "Who lives where");
  t.include("directory", &settings::directory, listing_table());
  t.validate([](const settings& s, const report& r) {
    if (s.idle_timeout < s.poll) {
      r.add("lmtp.idle_timeout", "is shorter than lmtp.poll", "make it longer");
    }
  });
  return t;
}

} // namespace homeward::config::testing
