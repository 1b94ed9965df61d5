// homewardctl completion bash: the completion script, made from the command line's own tree, so
// that it knows every command and option.

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "admin/commands.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(sub->get_name());
  }
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      words.push_back("--" + name);
    }
  }
  return words;
}

// One line for each command: its path and what may follow. `paths` gets "|path|path|".
void describe(const CLI::App& app, const std::string& path, std::string& cases,
              std::string& paths) {
  cases += fmt::format("  \"{}\") words='{}' ;;\n", path, join(words_of(app), " "));
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string below = path.empty() ? sub->get_name() : path + ' ' + sub->get_name();
    paths += below + '|';
    describe(*sub, below, cases, paths);
  }
}

constexpr const char* head =
    R"sh(# bash completion for homewardctl; made by `homewardctl completion bash`.
# Install it as /usr/share/bash-completion/completions/homewardctl, or load it for one shell:
#   source <(homewardctl completion bash)

_homewardctl() {
  # The words as the shell would pass them: bash itself would split them at @ and :
  local line="${COMP_LINE:0:COMP_POINT}" word path='' words=''
  local -a typed
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  local current="${typed[-1]}" previous="${typed[-2]}"
)sh";

constexpr const char* middle = R"sh(  for word in "${typed[@]:1:${#typed[@]}-2}"; do
    [[ $commands == *"|${path:+$path }$word|"* ]] && path="${path:+$path }$word"
  done

  case "$path" in
)sh";

constexpr const char* tail = R"sh(  esac
  if [[ $current != -* ]]; then
    case "$path" in
    "server show" | "server set" | "server remove")
      words="$(homewardctl server list --names 2>/dev/null)" ;;
    "partition show" | "partition set" | "partition remove")
      words="$(homewardctl partition list --names 2>/dev/null)" ;;
    "user show" | "user set" | "user remove" | "locate" | "deliver-test")
      [[ -n $current ]] &&
        words="$(homewardctl user list --names --limit 100 "$current*" 2>/dev/null)" ;;
    "user import" | "directory backup" | "directory restore" | "directory publish")
      words="$(compgen -f -- "$current")" ;;
    "journal show" | "journal verify" | "journal export")
      words="$(compgen -d -- "$current")" ;;
    esac
  fi
  case "$previous" in
  --directory | --settings) words="$(compgen -f -- "$current")" ;;
  --state)
    words='active disabled'
    [[ $path == partition* ]] && words='active draining full offline' ;;
  --kind) words='stored path' ;;
  --format)
    words='yaml csv'
    [[ $path == 'user import' ]] && words='passwd csv' ;;
  --home | --secondary | --on) words="$(homewardctl partition list --names 2>/dev/null)" ;;
  --server) words="$(homewardctl server list --names 2>/dev/null)" ;;
  esac

  # Only what follows the last @, : or = may be offered, because bash replaces no more than that.
  local broken="${current%"${current##*[@:=]}"}"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  COMPREPLY=("${COMPREPLY[@]#"$broken"}")
}
complete -F _homewardctl homewardctl
)sh";

} // namespace

void add_completion_command(CLI::App& app, session& s) {
  auto* command = app.add_subcommand("completion", "Print a completion script for a shell");
  command->footer("Example:\n  source <(homewardctl completion bash)");
  // The check is all there is to it as long as there is one shell.
  command
      ->add_option_function<std::string>(
          "shell", [](const std::string&) {}, "The shell")
      ->required()
      ->check(CLI::IsMember({"bash"}));
  on_chosen(*command, s, [&s, &app] {
    std::string cases;
    std::string paths = "|";
    describe(app, "", cases, paths);
    s.out() << head << "  local commands='" << paths << "'\n" << middle << cases << tail;
    return exit_code::done;
  });
}

} // namespace homeward::admin
