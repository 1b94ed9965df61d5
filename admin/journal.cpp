// homewardctl journal: what the journal of a volume holds, whether it is whole, and its messages
// as files.

#include <memory>

#include <CLI/CLI.hpp>

#include "lib/fs/real_file_system.hpp"

#include "admin/commands.hpp"
#include "admin/journal_commands.hpp"

namespace homeward::admin {

namespace {

using verb = std::function<exit_code(fs::file_system&, const opened_journal&)>;

exit_code on_journal(session& s, const std::string& where, const verb& run) {
  fs::real_file_system files;
  const auto opened = open_journal(files, where);
  return opened ? run(files, *opened) : s.report(opened.error());
}

CLI::App* add_verb(CLI::App& journal, const std::string& name, const std::string& description,
                   const std::shared_ptr<std::string>& where) {
  auto* command = journal.add_subcommand(name, description);
  command
      ->add_option("journal", *where, "A partition, or its journal's directory .homeward-journal")
      ->required()
      ->type_name("PATH");
  return command;
}

void add_show(CLI::App& journal, session& s) {
  const auto where = std::make_shared<std::string>();
  auto* command =
      add_verb(journal, "show", "Segments, checkpoint, backlog, groups, syncs, parked mail", where);
  command->footer("Exit code 2: it is damaged; 75: it cannot be looked at now.\n\n"
                  "Examples:\n"
                  "  homewardctl journal show /srv/homeward/mail1\n"
                  "  homewardctl journal show --json /srv/homeward/mail1 | jq .backlog");
  on_chosen(*command, s, [&s, where] {
    return on_journal(s, *where, [&s](fs::file_system& files, const opened_journal& of) {
      return show_journal(s, files, of);
    });
  });
}

void add_verify(CLI::App& journal, session& s) {
  const auto where = std::make_shared<std::string>();
  auto* command =
      add_verb(journal, "verify",
               "Read every record that is needed, and all files beside, and check them", where);
  command->footer("Exit code 0: all is well; 1: a torn end, which is harmless; 2: damage, with "
                  "file and offset and what to do; 75: it cannot be looked at now.\n\n"
                  "Example:\n"
                  "  homewardctl journal verify /srv/homeward/mail1");
  on_chosen(*command, s, [&s, where] {
    return on_journal(s, *where, [&s](fs::file_system& files, const opened_journal& of) {
      return verify_journal(s, files, of);
    });
  });
}

void add_export(CLI::App& journal, session& s) {
  const auto where = std::make_shared<std::string>();
  const auto o = std::make_shared<journal_export_options>();
  auto* command = add_verb(journal, "export",
                           "Write the messages as NUMBER.eml, the envelopes as NUMBER.json", where);
  command->footer(
      "All that can be read is written, also of a damaged journal and of parked mail. Most of it "
      "has long been in the Maildirs: file again only what is missing there.\n\n"
      "Exit code 2: the journal is damaged, what could be read was written; or the directory is "
      "not empty; 75: it cannot be looked at now.\n\n"
      "Examples:\n"
      "  mkdir /srv/rescue && homewardctl journal export /srv/homeward/mail1 /srv/rescue\n"
      "  homewardctl journal export /srv/homeward/mail1 /srv/ann --mailbox ann@example.org");
  command->add_option("directory", o->target, "An existing, empty directory")
      ->required()
      ->type_name("DIRECTORY");
  command->add_option("--from", o->from, "The first record")->capture_default_str();
  command->add_option("--partition", o->partition, "Only of the partition with this id")
      ->type_name("ID");
  command->add_option("--mailbox", o->mailbox, "Only for this mailbox")->type_name("MAILBOX");
  on_chosen(*command, s, [&s, where, o] {
    return on_journal(s, *where, [&s, o](fs::file_system& files, const opened_journal& of) {
      return export_journal(s, files, of, *o);
    });
  });
}

} // namespace

exit_code report_unreadable(session& s, const failure& why) {
  (void)s.report(why);
  return why.what == "the journal has moved on" ? exit_code::unavailable : journal_is_damaged;
}

void add_journal_command(CLI::App& app, session& s) {
  auto* journal = app.add_subcommand(
      "journal", "Look at the journal of a volume; a store may be at work on it");
  journal->require_subcommand(1);
  add_show(*journal, s);
  add_verify(*journal, s);
  add_export(*journal, s);
}

} // namespace homeward::admin
