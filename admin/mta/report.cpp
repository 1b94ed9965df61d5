#include "admin/mta/report.hpp"

#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "admin/mta/file_image.hpp"
#include "admin/mta/line_diff.hpp"
#include "admin/output.hpp"

namespace homeward::admin::mta {

namespace {

const char* name_of(severity how_bad) {
  switch (how_bad) {
  case severity::advice: return "advice";
  case severity::warning: return "warning";
  case severity::error: return "error";
  }
  return "error";
}

const char* name_of(mta_kind mta) {
  return mta == mta_kind::postfix ? "postfix" : "sendmail";
}

std::string diff_of(const file_change& change) {
  const auto now = read_image(change.path);
  const bool exists = now && now->exists;
  return unified_diff(exists ? now->text : "", change.text, exists ? change.path : "/dev/null",
                      change.path);
}

// Several lines under one heading, each with its own indent.
void print_list(session& s, const char* heading, const std::vector<std::string>& lines) {
  if (!lines.empty()) {
    s.out() << heading << '\n';
    for (const auto& line : lines) {
      std::string text;
      for (const char c : line) {
        text += c == '\n' ? std::string("\n      ") : std::string(1, c);
      }
      s.out() << "  - " << text << '\n';
    }
    s.out() << '\n';
  }
}

void print_old_routes(session& s, const std::vector<old_route>& routes) {
  if (routes.empty()) {
    return;
  }
  s.out() << "Mail of these is handled by files of their own today:\n";
  table t({"ADDRESS", "KIND", "FILE", "AFTERWARDS"});
  for (const auto& route : routes) {
    t.add({route.address, route.kind, route.path,
           route.kept ? "stays on its old route" : "goes to Homeward, the file is not used"});
  }
  t.print(s.out());
  s.out() << '\n';
}

} // namespace

void print_plan(session& s, const plan& p) {
  print_old_routes(s, p.old_routes);
  print_list(s, "Found:", p.notes);
  for (const auto& change : p.changes) {
    if (change.derived) {
      s.out() << fmt::format("{} is made from its source\n\n", change.path);
    } else {
      s.out() << diff_of(change) << '\n';
    }
  }
  std::vector<std::string> lines;
  for (const auto& d : p.directories) {
    lines.push_back(fmt::format("{} (mode {:04o})", d.path, d.mode));
  }
  print_list(s, "Directories to make:", lines);
  lines.clear();
  for (const auto& command : p.commands) {
    lines.push_back(spelled(command));
  }
  print_list(s, "Commands:", lines);
  print_list(s, "Mind:", p.warnings);
  print_list(s, "This cannot be applied:", p.problems);
}

nlohmann::json to_json(const plan& p) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& change : p.changes) {
    files.push_back({{"path", change.path},
                     {"derived", change.derived},
                     {"diff", change.derived ? "" : diff_of(change)}});
  }
  nlohmann::json routes = nlohmann::json::array();
  for (const auto& route : p.old_routes) {
    routes.push_back({{"address", route.address},
                      {"kind", route.kind},
                      {"path", route.path},
                      {"kept", route.kept}});
  }
  nlohmann::json directories = nlohmann::json::array();
  for (const auto& d : p.directories) {
    directories.push_back(d.path);
  }
  nlohmann::json commands = nlohmann::json::array();
  for (const auto& command : p.commands) {
    commands.push_back(command);
  }
  return {{"mta", name_of(p.mta)},  {"configuration", p.configuration},
          {"changes", files},       {"directories", directories},
          {"commands", commands},   {"old_routes", routes},
          {"notes", p.notes},       {"warnings", p.warnings},
          {"problems", p.problems}, {"changes_anything", p.changes_anything()}};
}

void print_findings(session& s, const std::vector<finding>& findings) {
  if (s.json()) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& f : findings) {
      list.push_back({{"severity", name_of(f.how_bad)},
                      {"name", f.name},
                      {"what", f.what},
                      {"why", f.why},
                      {"mend", f.mend}});
    }
    s.print({{"findings", list}});
    return;
  }
  for (const auto& f : findings) {
    s.out() << fmt::format("{}: {} [{}]\n    {}\n    {}\n", name_of(f.how_bad), escape(f.what, 600),
                           f.name, escape(f.why, 600), escape(f.mend, 600));
  }
  if (findings.empty()) {
    s.out() << "No trap was found.\n";
  }
}

void print_backups(session& s, const std::vector<backup>& backups) {
  if (s.json()) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& b : backups) {
      std::vector<std::string> paths;
      for (const auto& f : b.files) {
        paths.push_back(f.path);
      }
      list.push_back({{"name", b.name},
                      {"state", mta::name_of(b.state)},
                      {"mta", name_of(b.mta)},
                      {"configuration", b.configuration},
                      {"files", paths}});
    }
    s.print({{"backups", list}});
    return;
  }
  table t({"BACKUP", "STATE", "MTA", "CONFIGURATION", "FILES>"});
  for (const auto& b : backups) {
    t.add({b.name, mta::name_of(b.state), name_of(b.mta), b.configuration,
           std::to_string(b.files.size())});
  }
  t.print(s.out());
}

void print_waiting(session& s, const waiting_mail& w) {
  if (w.messages > 0) {
    s.out() << fmt::format("{} in the queue; {} the new way with `{}`.\n",
                           w.messages == 1 ? "1 message waits"
                                           : fmt::format("{} messages wait", w.messages),
                           w.messages == 1 ? "it goes" : "they go", spelled(w.send_on));
  }
}

} // namespace homeward::admin::mta
