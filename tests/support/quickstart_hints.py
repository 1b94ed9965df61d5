"""What to try on the farm that `./quickstart --keep` leaves running.

`preparation` and `sections` are shell commands; a test runs them as they are printed.
"""

import shlex
import shutil
import textwrap
import time

from .homeward import program


def hints(run):
    """The text for a person: `run` is the Quickstart whose farm goes on."""
    who = "as root" if run.farm.bridge.owner else "as this user"
    lines = ["", f"Everything keeps running. Things to try, {who}, in bash; first paste this:"]
    lines += [textwrap.indent(preparation(run), "  ")]
    for title, commands in sections(run):
        lines += ["", f"  # {title}"]
        lines += [textwrap.indent(command, "  ") for command in commands]
    return "\n".join([*lines, "", "  # Stop everything and remove it", "  ./quickstart --stop"])


def preparation(run):
    """Short names for the places and programs of this farm."""
    lines = [f"D={shlex.quote(str(run.directory))}",
             f"B={shlex.quote(str(program('stored').parent))}",
             'homewardctl() { "$B"/homewardctl --settings "$D"/bridge/bridge.yaml "$@"; }']
    if run.options.mta == "postfix":
        lines.append(f"mailq() {{ {_postqueue(run.mta)}; }}")
    if run.options.mta == "sendmail":
        lines.append('mailq() { ls "$D"/mta/mqueue; }')
    return "\n".join(lines)


def sections(run):
    """[(title, [command, ...])]; the order matters."""
    farm = run.farm
    first, last = farm.stores[0], farm.stores[-1]
    ann, bob = _with_most_mail(farm, first), _with_most_mail(farm, last)
    result = [
        (f"Send a message; {ann} lives on {farm.homes[ann]}", [_send(run, ann)]),
        ("Read it: the newest file of that Maildir",
         [f'cd {_maildir(farm, ann)} && head -n 30 "$(ls -t new/* | head -n 1)"; cd - >/dev/null']),
        ("Its way: the ends of the logs",
         [f'tail -n 1 "$D"/bridge/bridge.log "$D"/{first.name}/{first.name}.log']),
        (f"Talk to {first.name} by hand, as telnet 127.0.0.1 {first.port} would, line by line",
         [_by_hand(first, ann)]),
        ("The user directory, and a test message that is really stored",
         [f"homewardctl locate {ann}", "homewardctl partition list",
          f"homewardctl deliver-test {ann}"]),
        ("The stores: reachable, version, load, space", ["homewardctl status"]),
    ]
    if run.options.mta != "none":
        result.append(_store_away(run, last, bob))
    return result


def _with_most_mail(farm, store):
    return max(farm.living_on(store.name), key=lambda user: len(farm.messages(user)))


def _maildir(farm, mailbox):
    return f'"$D"/{farm.maildir(mailbox).relative_to(farm.directory)}'


def _send(run, mailbox):
    kind = "LMTP" if run.options.mta == "none" else "SMTP"
    message = r"Subject: hello\r\n\r\nIs anybody home?\r\n"
    return (f'python3 -c \'import smtplib; smtplib.{kind}("127.0.0.1", {run.mta.smtp_port}).'
            f'sendmail(\n  "sender@{run.farm.domain}", "{mailbox}", "{message}")\'')


def _by_hand(store, mailbox):
    part = next(iter(store.paths))
    return (f"exec 3<>/dev/tcp/127.0.0.1/{store.port}\n"
            f'printf "%s\\r\\n" "SIZE 7" "NAME {int(time.time())}.by-hand-$RANDOM.example" '
            f'"PRTN {part}" \\\n  "FROM <sender@example.org>" "RCPT <{mailbox}>" '
            "DATA hello QUIT >&3; cat <&3")


def _store_away(run, store, mailbox):
    """Stop a store, see mail wait in the MTA, start the store, see it arrive."""
    count = f"ls {_maildir(run.farm, mailbox)}/new | wc -l"
    start = (f'("$B"/stored --config "$D"/{store.name}/{store.name}.yaml '
             f'>>"$D"/{store.name}/{store.name}.log 2>&1 &)')
    return (f"Stop {store.name}: mail for {mailbox} waits in the queue. Start it: it arrives",
            [f"kill {store.pid}; {count}", _send(run, mailbox), "sleep 2; mailq", start,
             f"sleep 25; {count}"])


def _postqueue(mta):
    environment = mta.environment()
    wanted = [f"{name}={environment[name]}" for name in ("MAIL_CONFIG", "LD_LIBRARY_PATH")
              if name in environment]
    postqueue = shutil.which("postqueue", path=environment["PATH"])
    return shlex.join(["env", *wanted, postqueue, "-p"])
