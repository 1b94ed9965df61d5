#include "admin/mta/sendmail_driver.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "admin/mta/file_image.hpp"
#include "admin/mta/line_diff.hpp"
#include "admin/mta/marked_block.hpp"

namespace homeward::admin::mta {

namespace {

namespace stdfs = std::filesystem;

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

bool exists(const std::string& path) {
  std::error_code error;
  return stdfs::exists(path, error);
}

std::string local_part(const std::string& address) {
  return address.substr(0, address.rfind('@'));
}

// The first lines of a text.
std::string head_of(const std::string& text, std::size_t lines) {
  auto all = split_lines(text);
  const bool cut = all.size() > lines;
  all.resize(std::min(all.size(), lines));
  return join_lines(all) + (cut ? "...\n" : "");
}

} // namespace

std::unique_ptr<driver> make_sendmail_driver(settings s, user_directory users) {
  return std::make_unique<sendmail_driver>(std::move(s), std::move(users));
}

result<plan> sendmail_driver::make_plan(const std::string& staging) {
  plan p;
  p.mta = mta_kind::sendmail;
  p.configuration = settings_.configuration;
  staging_ = staging;
  using step = result<void> (sendmail_driver::*)(plan&);
  for (const step next :
       {&sendmail_driver::read_live, &sendmail_driver::choose_layout, &sendmail_driver::find_users,
        &sendmail_driver::stage_tables, &sendmail_driver::stage_cf, &sendmail_driver::validate,
        &sendmail_driver::collect}) {
    if (auto done = (this->*next)(p); !done) {
      return done.error();
    }
    if (!p.problems.empty() && new_cf_.empty()) {
      return p; // what follows would only repeat it
    }
  }
  stage_queues(p);
  return p;
}

// sendmail.cf has to be what m4 makes of sendmail.mc: else building it anew would lose an edit.
result<void> sendmail_driver::read_live(plan& p) {
  const auto mc = read_image(path("sendmail.mc"));
  const auto cf = read_image(path("sendmail.cf"));
  if (!mc || !cf) {
    return mc ? cf.error() : mc.error();
  }
  if (!mc->exists) {
    p.problems.push_back(fmt::format("{} is missing: homewardctl changes sendmail.mc and lets m4 "
                                     "make sendmail.cf of it.",
                                     path("sendmail.mc")));
    return {};
  }
  mc_ = mc->text;
  cf_text_ = cf->text;
  cf_ = parse_cf(cf_text_);
  const std::string ours = path("mailertable");
  const bool in_block = mc_.find("FEATURE(`mailertable', `hash -o " + ours) != std::string::npos &&
                        without_blocks(mc_, m4_comments).find("`mailertable'") == std::string::npos;
  mc_has_mailertable_ = cf_.map("mailertable") != nullptr && !in_block;
  const auto built = build_cf(settings_, path("sendmail.mc"), settings_.configuration);
  if (!built) {
    return built.error();
  }
  const std::string diff =
      unified_diff(without_build_marks(built->text), without_build_marks(cf_text_),
                   "what m4 makes of sendmail.mc", "sendmail.cf");
  if (!diff.empty()) {
    p.problems.push_back(fmt::format(
        "sendmail.cf is not what m4 makes of sendmail.mc; building it anew would lose this. Bring "
        "it into sendmail.mc first (or build sendmail.cf):\n{}",
        head_of(diff, 25)));
  }
  if (has_broken_block(mc_, m4_comments)) {
    p.problems.push_back("A mark `BEGIN homeward` or `END homeward` in sendmail.mc has no partner. "
                         "Remove our lines by hand, marks included.");
  }
  if (without_blocks(mc_, m4_comments).find("feature/homeward.m4') ") != std::string::npos ||
      without_blocks(mc_, m4_comments).find("feature/homeward.m4')dnl") != std::string::npos) {
    p.problems.push_back("sendmail.mc includes feature/homeward.m4 outside of our marked lines. "
                         "Remove what was written by hand, or go on by hand.");
  }
  const auto local = class_members(settings_, path("sendmail.cf"), "w");
  const auto relayed = class_members(settings_, path("sendmail.cf"), "R");
  if (!local || !relayed) {
    return local ? relayed.error() : local.error();
  }
  local_ = *local;
  relayed_ = *relayed;
  return {};
}

result<void> sendmail_driver::choose_layout(plan& p) {
  domains_ = settings_.domains;
  for (const auto& user : settings_.users) {
    if (!contains(domains_, domain_part(user))) {
      domains_.push_back(domain_part(user));
    }
  }
  layout_ = settings_.layout;
  if (layout_ == layout_kind::automatic) {
    const bool local = std::any_of(domains_.begin(), domains_.end(),
                                   [this](const auto& d) { return contains(local_, d); });
    layout_ = local ? layout_kind::local_domain : layout_kind::mailertable;
  }
  refuse_what_cannot_be(p);
  for (const auto& domain : domains_) {
    p.notes.push_back(
        fmt::format("{}: {}", domain,
                    contains(local_, domain) ? "local (class w)" : "not local to this sendmail"));
  }
  return {};
}

void sendmail_driver::refuse_what_cannot_be(plan& p) const {
  const bool wants_local =
      layout_ == layout_kind::local_domain || layout_ == layout_kind::replace_local;
  for (const auto& domain : domains_) {
    if (contains(local_, domain) != wants_local) {
      p.problems.push_back(
          wants_local ? fmt::format("{} is not local to sendmail (class w): put it into "
                                    "local-host-names, or set layout: mailertable.",
                                    domain)
                      : fmt::format("{} is local to sendmail (class w), so mailertable and rule 0 "
                                    "are not asked about it: take it out of local-host-names, or "
                                    "set layout: local_domain.",
                                    domain));
    }
  }
  if (!settings_.users.empty() && layout_ != layout_kind::local_domain) {
    p.problems.push_back("Single users can be moved only in a local domain (layout: local_domain). "
                         "Name the whole domain below `domains:`.");
  }
  if (layout_ == layout_kind::local_domain && domains_.size() > 1) {
    p.problems.push_back("The layout local_domain knows one domain. Move the others out of "
                         "local-host-names and use mailertable.");
  }
  const bool tcp = settings_.sockets.lmtp.starts_with("inet:");
  if (tcp && layout_ != layout_kind::mailertable) {
    p.problems.push_back("sockets.lmtp: inet:... works only with the layout mailertable; use a "
                         "unix socket.");
  }
}

result<void> sendmail_driver::find_users(plan& p) {
  moving m;
  const bool local = layout_ == layout_kind::local_domain || layout_ == layout_kind::replace_local;
  (local ? m.local_domains : m.virtual_domains) = settings_.domains;
  m.local_users = settings_.users;
  p.old_routes = find_old_routes(settings_, m); // aliases come first in these layouts
  auto kept = kept_addresses(p.old_routes);
  if (!kept.empty() && layout_ != layout_kind::local_domain) {
    p.problems.push_back(fmt::format(
        "These users cannot be left on their old route in this layout: {}. Move what their files "
        "do to Homeward or to aliases, then say so with old_routes.keep: false.",
        fmt::join(kept, ", ")));
  }
  if (layout_ != layout_kind::local_domain || (settings_.users.empty() && kept.empty())) {
    if (local) {
      p.warnings.push_back("Every local user without an alias goes to the bridge, root and "
                           "postmaster too: see that these have aliases.");
    }
    return {};
  }
  uses_list_ = true;
  for (const auto& user : settings_.users) {
    if (!contains(kept, user)) {
      list_.push_back(local_part(user));
    }
  }
  for (const auto& domain : settings_.domains) {
    auto all = users_.local_parts(domain);
    if (!all) {
      failure f = all.error();
      f.advice = "Some users stay on their old route, so all others of the domain have to be "
                 "listed; name the directory with --directory, or set old_routes.keep: false.";
      return f;
    }
    for (const auto& name : *all) {
      if (!contains(kept, name + '@' + domain) && !contains(list_, name)) {
        list_.push_back(name);
      }
    }
    p.notes.push_back(fmt::format("{} users of {} are listed; apply again when there are new ones",
                                  all->size(), domain));
  }
  std::sort(list_.begin(), list_.end());
  return {};
}

std::string sendmail_driver::mailertable_value() const {
  const std::string& place = settings_.sockets.lmtp;
  if (!place.starts_with("inet:")) {
    return "homeward:any";
  }
  const auto colon = place.rfind(':');
  return fmt::format("homewardtcp:[{}]", place.substr(5, colon - 5));
}

void sendmail_driver::stage_list(const char* name, const std::vector<std::string>& lines) {
  files_.push_back({.path = path(name),
                    .staged = staging_ + '/' + name,
                    .text = join_lines(lines),
                    .map_type = {}});
  write_text(files_.back().staged, files_.back().text);
}

result<void> sendmail_driver::stage_table(plan& p, const cf_map* map, const char* name,
                                          const std::vector<std::string>& lines) {
  const std::string place = map != nullptr ? map->file() : path(name);
  const std::string type = map != nullptr ? map->type : "hash";
  if (place.empty() || (type != "hash" && type != "btree")) {
    p.problems.push_back(fmt::format("The table {} of sendmail is no file made by makemap ({} {}). "
                                     "Add the lines to it yourself:\n{}",
                                     name, type, place, join_lines(lines)));
    return {};
  }
  const auto now = read_image(place);
  if (!now) {
    return now.error();
  }
  if (has_broken_block(now->text, table_comments)) {
    p.problems.push_back(fmt::format("A mark of ours in {} has no partner. Remove our lines by "
                                     "hand, marks included.",
                                     place));
    return {};
  }
  std::vector<std::string> keys;
  for (const auto& line : lines) {
    keys.push_back(table_key(line));
  }
  const std::string own = without_blocks(now->text, table_comments);
  const std::string text = with_block_at_end(with_keys_set_aside(own, keys), lines, table_comments);
  if (!now->exists && lines.empty()) {
    return {};
  }
  files_.push_back({.path = place,
                    .staged = staging_ + '/' + stdfs::path(place).filename().string(),
                    .text = text,
                    .map_type = type});
  write_text(files_.back().staged, text);
  const auto made = run_checked(
      {settings_.programs.makemap, "-C", path("sendmail.cf"), type, files_.back().staged},
      {.input = text});
  if (!made) {
    return made.error();
  }
  if (text != now->text || !exists(place + ".db")) {
    p.commands.push_back({settings_.programs.makemap, type, place, "<", place});
  }
  return {};
}

result<void> sendmail_driver::stage_tables(plan& p) {
  const bool by_table = layout_ == layout_kind::mailertable;
  std::vector<std::string> routes;
  std::vector<std::string> relays;
  for (const auto& domain : settings_.domains) {
    if (by_table) {
      routes.push_back(fmt::format("{}\t{}", domain, mailertable_value()));
      if (!contains(relayed_, domain)) {
        relays.push_back(fmt::format("To:{}\tRELAY", domain));
      }
    }
  }
  if (by_table || cf_.map("mailertable") != nullptr) {
    if (auto done = stage_table(p, cf_.map("mailertable"), "mailertable", routes); !done) {
      return done;
    }
  }
  if (cf_.map("access") != nullptr) {
    if (auto done = stage_table(p, cf_.map("access"), "access", relays); !done) {
      return done;
    }
  }
  if (uses_list()) {
    stage_list("homeward-users", list_);
  }
  if (layout_ == layout_kind::rule0 || (by_table && settings_.doors.lookup)) {
    stage_list("homeward-domains", settings_.domains);
  }
  return {};
}

result<void> sendmail_driver::stage_cf(plan& p) {
  const auto text = with_mc_blocks(mc_, feature_lines(), mailer_lines());
  if (!text) {
    p.problems.push_back("sendmail.mc has no MAILER() line, so there is no place for ours. Write "
                         "MAILER(`local') and MAILER(`smtp') at its end.");
    return {};
  }
  const std::string staged = staging_ + "/sendmail.mc";
  write_text(staged, *text);
  files_.push_back({.path = path("sendmail.mc"), .staged = staged, .text = *text, .map_type = {}});
  const auto built = build_cf(settings_, staged, settings_.configuration);
  if (!built) {
    return built.error();
  }
  const auto before = build_cf(settings_, path("sendmail.mc"), settings_.configuration);
  for (const auto& complaint : built->complaints) {
    if (!before || !contains(before->complaints, complaint)) {
      p.problems.push_back(fmt::format("m4 complains: {}", complaint));
    }
  }
  new_cf_ = built->text;
  if (without_build_marks(new_cf_) == without_build_marks(cf_text_)) {
    new_cf_ = cf_text_;
  }
  return {};
}

// The staged configuration with the staged tables, as sendmail itself sees it.
result<void> sendmail_driver::validate(plan& p) {
  std::string trial = new_cf_;
  for (const auto& file : files_) {
    trial = with_path_moved(trial, file.path, file.staged);
  }
  if (settings_.queues.directories > 0) {
    trial = with_trial_queues(trial);
  }
  const std::string trial_cf = staging_ + "/sendmail.cf";
  write_text(trial_cf, trial);
  if (const auto read = class_members(settings_, trial_cf, "w"); !read) {
    p.problems.push_back(fmt::format("{}: {}", read.error().what, read.error().cause));
    return {};
  }
  const std::string mailer = layout_ == layout_kind::replace_local ? "local" : "homeward";
  for (const auto& domain : settings_.domains) {
    // In rule 0 the look-up server decides, which may not run yet; and with a list nobody is sure.
    if (layout_ != layout_kind::rule0 && !uses_list()) {
      p.probes.push_back({"homeward-probe@" + domain, mailer});
    }
  }
  for (const auto& name : list_) {
    if (p.probes.size() < 20) {
      p.probes.push_back({name + '@' + domains_.front(), mailer});
    }
  }
  for (const auto& address : kept_addresses(p.old_routes)) {
    if (p.probes.size() < 40) {
      p.probes.push_back({address, "homeward", true});
    }
  }
  std::vector<std::string> addresses;
  for (const auto& probe : p.probes) {
    addresses.push_back(probe.address);
  }
  const auto mailers = mailers_of(settings_, trial_cf, addresses);
  if (!mailers) {
    return mailers.error();
  }
  for (const auto& probe : p.probes) {
    const std::string& found = mailers->at(probe.address);
    if (found.starts_with(probe.route) == probe.elsewhere) {
      p.problems.push_back(fmt::format("the staged sendmail.cf delivers {} by {}", probe.address,
                                       found.empty() ? "nothing" : "the mailer " + found));
    }
  }
  return {};
}

result<void> sendmail_driver::collect(plan& p) {
  for (auto& file : files_) {
    const auto count = p.changes.size();
    if (auto added =
            add_change(p, {.path = file.path, .text = file.text, .like = path("sendmail.mc")});
        !added) {
      return added;
    }
    const std::string map = resolved(file.path) + ".db";
    const bool needed = file.text.find(block_begin) != std::string::npos && !exists(map);
    if (!file.map_type.empty() && (p.changes.size() > count || needed)) {
      auto image = read_image(file.staged + ".db");
      if (!image) {
        return image.error();
      }
      p.changes.push_back({.path = map,
                           .text = std::move(image->text),
                           .like = path("sendmail.mc"),
                           .derived = true});
    }
  }
  if (auto added = add_change(
          p, {.path = path("sendmail.cf"), .text = new_cf_, .like = path("sendmail.cf")});
      !added) {
    return added;
  }
  if (p.changes.empty()) {
    p.commands.clear();
    return {};
  }
  const auto daemon = read_pid_file(cf_.option("PidFile"));
  if (settings_.reload.how == reload_kind::command) {
    p.commands.push_back(settings_.reload.command);
  } else if (settings_.reload.how == reload_kind::automatic && daemon.pid != 0) {
    p.commands.push_back({"kill", "-HUP", std::to_string(daemon.pid)});
    if (!daemon.command.starts_with('/')) {
      p.problems.push_back(fmt::format(
          "sendmail was started as `{}`, without its full path: SIGHUP would end it. Restart it by "
          "its path, or set reload.how: command.",
          daemon.command));
    }
  }
  return {};
}

} // namespace homeward::admin::mta
