#include "admin/mta/postfix_driver.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "admin/mta/file_image.hpp"
#include "admin/mta/marked_block.hpp"
#include "admin/mta/postfix_fragments.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

namespace {

namespace stdfs = std::filesystem;

constexpr std::string_view table_head =
    "# Written by `homewardctl mta apply` from its settings file: do not edit.\n";

// What the programs of Postfix read in a configuration directory.
void copy_configuration(const std::string& from, const std::string& to) {
  std::error_code error;
  stdfs::create_directories(to, error);
  for (const char* name :
       {"main.cf", "master.cf", "postfix-files", "dynamicmaps.cf", "main.cf.proto",
        "master.cf.proto", "postfix-files.d", "dynamicmaps.cf.d"}) {
    const stdfs::path source = stdfs::path(from) / name;
    if (stdfs::exists(source, error)) {
      stdfs::copy(source, stdfs::path(to) / name,
                  stdfs::copy_options::recursive | stdfs::copy_options::overwrite_existing, error);
    }
  }
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// What postmap appends to the name of the table.
std::string suffix_of(const std::string& type) {
  return type == "hash" || type == "btree" ? ".db"
         : type == "lmdb" || type == "cdb" ? "." + type
                                           : "";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

} // namespace

std::unique_ptr<driver> make_postfix_driver(settings s) {
  return std::make_unique<postfix_driver>(std::move(s));
}

postfix_driver::postfix_driver(settings s)
    : settings_(std::move(s)), live_(settings_, settings_.configuration) {}

std::string postfix_driver::postfix_socket(const std::string& setting,
                                           const std::string& name) const {
  if (setting.empty()) {
    return fmt::format("unix:homeward/{}.sock", name);
  }
  const std::string inside = "unix:" + queue_ + '/';
  return setting.starts_with(inside) ? "unix:" + setting.substr(inside.size()) : setting;
}

std::string postfix_driver::socket_file(const std::string& place) const {
  const std::string path = unix_path(place);
  return path.empty() || path.starts_with('/') ? path : queue_ + '/' + path;
}

// Fragments name the usual places; these are the ones of this host.
std::string postfix_driver::in_our_places(std::string fragment) const {
  const auto& s = settings_.sockets;
  fragment = replaced(std::move(fragment), "hash:/etc/postfix/homeward-transport",
                      map_type_ + ':' + table());
  for (const auto& [setting, name] : {std::pair<const std::string*, const char*>{&s.lmtp, "lmtp"},
                                      {&s.milter, "milter"},
                                      {&s.policy, "policy"},
                                      {&s.lookup, "lookup"}}) {
    fragment = replaced(std::move(fragment), fmt::format("unix:homeward/{}.sock", name),
                        postfix_socket(*setting, name));
  }
  return fragment;
}

result<std::string> postfix_driver::class_of(const std::string& domain) const {
  for (const char* name :
       {"mydestination", "virtual_mailbox_domains", "relay_domains", "virtual_alias_domains"}) {
    const auto list = live_.value(name);
    if (!list) {
      return list.error();
    }
    for (const auto& word : list_words(*list)) {
      if (word == domain) {
        return std::string(name);
      }
      if (word.find(':') == std::string::npos || word.starts_with("socketmap:")) {
        continue;
      }
      const auto found = live_.look_up(domain, word);
      if (found && !found->empty()) {
        return std::string(name);
      }
    }
  }
  return std::string();
}

result<void> postfix_driver::find_classes(plan& p) {
  std::vector<std::string> domains = settings_.domains;
  for (const auto& user : settings_.users) {
    if (!contains(domains, domain_part(user))) {
      domains.push_back(domain_part(user));
    }
  }
  for (const auto& domain : domains) {
    const auto found = class_of(domain);
    if (!found) {
      return found.error();
    }
    (*found == "mydestination" ? local_domains_ : virtual_domains_).push_back(domain);
    const bool wants_virtual = settings_.layout == layout_kind::virtual_domains;
    if (found->empty() && !wants_virtual) {
      p.problems.push_back(
          fmt::format("Postfix accepts no mail for {}: it is neither in mydestination nor in "
                      "virtual_mailbox_domains nor in relay_domains. Put it there, or set layout: "
                      "virtual.",
                      domain));
    } else if (*found == "virtual_alias_domains") {
      p.problems.push_back(fmt::format("{} is in virtual_alias_domains: all its addresses are "
                                       "rewritten before a transport is looked for. Take it out "
                                       "there first.",
                                       domain));
    } else if (wants_virtual && !found->empty() && *found != "virtual_mailbox_domains") {
      p.problems.push_back(fmt::format("{} is in {} and must not be in virtual_mailbox_domains as "
                                       "well. Set layout: transport, or take it out there first.",
                                       domain, *found));
    } else {
      p.notes.push_back(fmt::format(
          "{}: {}", domain, found->empty() ? "new to this Postfix" : "accepted by " + *found));
    }
  }
  return {};
}

result<moving> postfix_driver::what_moves() const {
  moving m;
  for (const auto& domain : settings_.domains) {
    (contains(local_domains_, domain) ? m.local_domains : m.virtual_domains).push_back(domain);
  }
  for (const auto& user : settings_.users) {
    (contains(local_domains_, domain_part(user)) ? m.local_users : m.virtual_users).push_back(user);
  }
  // The transport table is asked before local(8), which is who reads aliases.
  m.aliases_move = true;
  m.alias_files = settings_.aliases;
  if (m.alias_files.empty()) {
    const auto maps = live_.value("alias_maps");
    if (!maps) {
      return maps.error();
    }
    for (const auto& map : list_words(*maps)) {
      const auto colon = map.find(":/");
      m.alias_files.push_back(colon == std::string::npos ? "" : map.substr(colon + 1));
    }
  }
  return m;
}

result<plan> postfix_driver::make_plan(const std::string& staging) {
  plan p;
  p.mta = mta_kind::postfix;
  p.configuration = settings_.configuration;
  const auto queue = live_.value("queue_directory");
  const auto type = live_.value("default_database_type");
  if (!queue || !type) {
    return queue ? type.error() : queue.error();
  }
  queue_ = *queue;
  map_type_ = *type;
  if (auto done = find_classes(p); !done) {
    return done.error();
  }
  const auto moves = what_moves();
  if (!moves) {
    return moves.error();
  }
  p.old_routes = find_old_routes(settings_, *moves);
  const postfix_config staged(settings_, staging + "/postfix");
  copy_configuration(settings_.configuration, staged.directory());
  for (const auto step : {&postfix_driver::stage, &postfix_driver::stage_table}) {
    if (auto done = (this->*step)(staged, p); !done) {
      return done.error();
    }
  }
  if (auto done = validate(staged, p); !done) {
    return done.error();
  }
  if (auto done = collect(staged, p); !done) {
    return done.error();
  }
  look_at_sockets(p);
  return p;
}

result<void> postfix_driver::stage(const postfix_config& staged, plan& p) {
  if (auto done = stage_lists(staged, p); !done) {
    return done;
  }
  if (auto done = stage_scalars(staged, p); !done) {
    return done;
  }
  const auto master = read_fragment(settings_, "postfix-conf/homeward-master.cf");
  if (!master) {
    return master.error();
  }
  for (const auto& service : parse_master_cf(in_our_places(*master))) {
    if (auto done = staged.set_service(service); !done) {
      return done;
    }
  }
  return {};
}

result<void> postfix_driver::stage_lists(const postfix_config& staged, plan& p) {
  const std::string path = staged.directory() + "/main.cf";
  const auto image = read_image(path);
  if (!image) {
    return image.error();
  }
  auto items = list_items(settings_, local_domains_, virtual_domains_);
  if (!items) {
    return items.error();
  }
  std::string text = image->text;
  for (auto& item : *items) {
    item.item = in_our_places(item.item);
    if (!item.wanted) {
      text = without_list_item(text, item.name, item.item, true);
      continue;
    }
    const auto value = live_.value(item.name, false);
    if (!value) {
      return value.error();
    }
    for (const auto& word : list_words(*value)) {
      // An item of ours with other settings, from an earlier apply or a fragment copied by hand.
      const bool ours = word.find("unix:homeward/") != std::string::npos;
      if (ours && word != item.item && item.name.ends_with("_milters")) {
        text = without_list_item(text, item.name, word, false);
      }
    }
    text = with_list_item(text, item.name, *value, item.item, item.place);
  }
  write_text(path, text);
  if (!local_domains_.empty() && !settings_.doors.lookup) {
    p.warnings.push_back(fmt::format(
        "Users of {} who have no account on this host are refused at RCPT (local_recipient_maps). "
        "Set doors.lookup: true when there are such users.",
        fmt::join(local_domains_, ", ")));
  }
  if (settings_.layout == layout_kind::virtual_domains && !settings_.doors.lookup) {
    p.warnings.push_back("Postfix does not know the users of Homeward. Unless virtual_mailbox_maps "
                         "lists them, mail for them is refused, or with an empty list mail for "
                         "strangers is accepted. Set doors.lookup: true.");
  }
  return {};
}

// A value that main.cf has already is the administrator's, unless the name is ours.
bool postfix_driver::stays_as_it_is(plan& p, const std::vector<std::string>& set,
                                    const parameter& ours) const {
  if (!contains(set, ours.name) || ours.name.starts_with("homeward_")) {
    return false;
  }
  const auto now = live_.value(ours.name, false);
  if (now && list_words(*now) != list_words(ours.value)) {
    p.warnings.push_back(fmt::format("{} = {} stands in main.cf and stays; ours would be {}.",
                                     ours.name, *now, ours.value));
  }
  return true;
}

result<void> postfix_driver::stage_scalars(const postfix_config& staged, plan& p) {
  const auto scalars = scalar_parameters(settings_, true);
  const auto others = scalar_parameters(settings_, false);
  const auto set = live_.names_set();
  if (!scalars || !others || !set) {
    return !scalars ? scalars.error() : !others ? others.error() : set.error();
  }
  for (const auto& [name, value] : *others) {
    // A name of ours that nothing uses any more; other values may be the administrator's by now.
    if (contains(*set, name) && name.starts_with("homeward_")) {
      if (auto done = staged.remove(name); !done) {
        return done;
      }
    }
  }
  std::vector<parameter> values;
  for (auto ours : *scalars) {
    ours.value = in_our_places(ours.value);
    if (!stays_as_it_is(p, *set, ours)) {
      values.push_back(ours);
    }
  }
  return staged.set(values);
}

result<void> postfix_driver::stage_table(const postfix_config& staged, plan& p) {
  const auto here = read_image(table());
  if (!here) {
    return here.error();
  }
  if (here->exists && !here->text.starts_with(table_head)) {
    p.problems.push_back(fmt::format("{} was not written by homewardctl. Move what stands in it to "
                                     "the settings file, and remove it.",
                                     table()));
  }
  const std::string bridge = "homeward:" + postfix_socket(settings_.sockets.lmtp, "lmtp");
  const auto kept = kept_addresses(p.old_routes);
  std::string text(table_head);
  for (const auto& domain : settings_.domains) {
    text += fmt::format("{}\t{}\n", domain, bridge);
    p.probes.push_back({"homeward-probe@" + domain, bridge});
  }
  for (const auto& user : settings_.users) {
    if (!contains(kept, user)) {
      text += fmt::format("{}\t{}\n", user, bridge);
      p.probes.push_back({user, bridge});
    }
  }
  for (const auto& address : kept) {
    if (contains(settings_.domains, domain_part(address))) {
      text += fmt::format("# stays on its route of today\n{}\t:\n", address);
    }
    p.probes.push_back({address, "homeward:", true});
  }
  const std::string staged_table = staged.directory() + "/homeward-transport";
  write_text(staged_table, text);
  const std::string map = map_type_ + ':' + staged_table;
  if (!suffix_of(map_type_).empty()) {
    p.commands.push_back({settings_.programs.postmap, map_type_ + ':' + table()});
    if (const auto made = run_checked({settings_.programs.postmap, "-c", staged.directory(), map});
        !made) {
      return made.error();
    }
  }
  return {};
}

result<void> postfix_driver::validate(const postfix_config& staged, plan& p) const {
  const auto before = live_.warnings();
  const auto after = staged.warnings();
  if (!before || !after) {
    return before ? after.error() : before.error();
  }
  for (const auto& warning : *after) {
    if (!contains(*before, warning)) {
      p.problems.push_back(fmt::format("postconf warns of the new configuration: {}", warning));
    }
  }
  for (const auto& warning : *before) {
    p.notes.push_back(fmt::format("postconf warns of today's configuration: {}", warning));
  }
  if (const auto good = staged.check(); !good) {
    p.problems.push_back(fmt::format("{}: {}", good.error().what, good.error().cause));
  }
  const std::string map = map_type_ + ':' + staged.directory() + "/homeward-transport";
  for (const auto& probe : p.probes) {
    auto said = staged.look_up(probe.address, map);
    if (said && said->empty()) {
      said = staged.look_up(domain_part(probe.address), map);
    }
    const bool ours = said && said->starts_with(probe.route);
    if (!said || ours == probe.elsewhere) {
      p.problems.push_back(fmt::format("the staged table answers \"{}\" for {}",
                                       said ? *said : said.error().cause, probe.address));
    }
  }
  p.commands.push_back({settings_.programs.postfix, "check"});
  if (settings_.reload.how == reload_kind::automatic) {
    p.commands.push_back({settings_.programs.postfix, "reload"});
  } else if (settings_.reload.how == reload_kind::command) {
    p.commands.push_back(settings_.reload.command);
  }
  return {};
}

// The table before its users: a running Postfix may read master.cf and main.cf at any moment.
result<void> postfix_driver::collect(const postfix_config& staged, plan& p) {
  const std::string like = settings_.configuration + "/main.cf";
  const auto before = p.changes.size();
  for (const char* name : {"homeward-transport", "master.cf", "main.cf"}) {
    auto image = read_image(staged.directory() + '/' + name);
    if (!image) {
      return image.error();
    }
    const auto count = p.changes.size();
    if (auto added = add_change(p, {.path = settings_.configuration + '/' + name,
                                    .text = std::move(image->text),
                                    .like = like});
        !added) {
      return added;
    }
    const std::string suffix = suffix_of(map_type_);
    if (std::string_view(name) != "homeward-transport" || suffix.empty()) {
      continue;
    }
    std::error_code error;
    if (p.changes.size() > count || !stdfs::exists(table() + suffix, error)) {
      auto map = read_image(staged.directory() + "/homeward-transport" + suffix);
      if (!map) {
        return map.error();
      }
      p.changes.push_back({.path = resolved(table() + suffix),
                           .text = std::move(map->text),
                           .like = like,
                           .derived = true});
    }
  }
  if (p.changes.size() == before) {
    p.commands.clear();
  }
  return {};
}

void postfix_driver::look_at_sockets(plan& p) const {
  const auto look = [&](bool used, const std::string& setting, const char* name, const char* who) {
    const std::string path = socket_file(postfix_socket(setting, name));
    std::error_code error;
    if (used && !path.empty() && !stdfs::exists(path, error)) {
      p.warnings.push_back(fmt::format(
          "{} does not listen at {} yet; until it does mail waits or is answered 451.", who, path));
    }
  };
  const auto& s = settings_;
  look(true, s.sockets.lmtp, "lmtp", "homeward-bridge");
  look(s.doors.milter, s.sockets.milter, "milter", "homeward-milter");
  look(s.doors.policy, s.sockets.policy, "policy", "homeward-milter");
  look(s.doors.lookup, s.sockets.lookup, "lookup", "homeward-milter");
}

} // namespace homeward::admin::mta
