# bash completion for homewardctl; made by `homewardctl completion bash`.
# Install it as /usr/share/bash-completion/completions/homewardctl, or load it for one shell:
#   source <(homewardctl completion bash)

_homewardctl() {
  # The words as the shell would pass them: bash itself would split them at @ and :
  local line="${COMP_LINE:0:COMP_POINT}" word path='' words=''
  local -a typed
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  local current="${typed[-1]}" previous="${typed[-2]}"
  local commands='|server|server add|server list|server show|server set|server remove|partition|partition add|partition list|partition show|partition set|partition remove|user|user add|user list|user show|user set|user remove|user import|locate|deliver-test|status|directory|directory init|directory backup|directory restore|directory check|directory publish|directory export|journal|journal show|journal verify|journal export|mta|mta plan|mta apply|mta check|mta rollback|mta backups|mta settings|queue|completion|'
  for word in "${typed[@]:1:${#typed[@]}-2}"; do
    [[ $commands == *"|${path:+$path }$word|"* ]] && path="${path:+$path }$word"
  done

  case "$path" in
  "") words='server partition user locate deliver-test status directory journal mta queue completion --help --directory --settings --json --version --manual' ;;
  "server") words='add list show set remove --help' ;;
  "server add") words='--help --endpoint' ;;
  "server list") words='--help --names' ;;
  "server show") words='--help' ;;
  "server set") words='--help --endpoint' ;;
  "server remove") words='--help --yes' ;;
  "partition") words='add list show set remove --help' ;;
  "partition add") words='--help --kind --path --state --weight' ;;
  "partition list") words='--help --server --names' ;;
  "partition show") words='--help' ;;
  "partition set") words='--help --state --weight --path' ;;
  "partition remove") words='--help --yes' ;;
  "user") words='add list show set remove import --help' ;;
  "user add") words='--help --home --secondary --quota --state' ;;
  "user list") words='--help --on --state --limit --names' ;;
  "user show") words='--help' ;;
  "user set") words='--help --home --secondary --quota --state --yes' ;;
  "user remove") words='--help --yes' ;;
  "user import") words='--help --format --domain --home --quota --min-uid --max-uid --dry-run --skip-existing --keep-going' ;;
  "locate") words='--help' ;;
  "deliver-test") words='--help --from --timeout' ;;
  "status") words='--help --timeout' ;;
  "directory") words='init backup restore check publish export --help' ;;
  "directory init") words='--help' ;;
  "directory backup") words='--help' ;;
  "directory restore") words='--help --yes' ;;
  "directory check") words='--help' ;;
  "directory publish") words='--help --mode' ;;
  "directory export") words='--help --format' ;;
  "journal") words='show verify export --help' ;;
  "journal show") words='--help' ;;
  "journal verify") words='--help' ;;
  "journal export") words='--help --from --partition --mailbox' ;;
  "mta") words='plan apply check rollback backups settings --help' ;;
  "mta plan") words='--help --mta-settings --move-forwarded' ;;
  "mta apply") words='--help --mta-settings --move-forwarded --yes --no-reload --force' ;;
  "mta check") words='--help --mta-settings' ;;
  "mta rollback") words='--help --mta-settings --yes --no-reload --force' ;;
  "mta backups") words='--help --mta-settings' ;;
  "mta settings") words='--help --mta-settings --example --manual-page' ;;
  "queue") words='--help --sendmail-queue --sendmail-cf --postfix --top' ;;
  "completion") words='--help' ;;
  esac
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
