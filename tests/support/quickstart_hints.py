"""What to try on the farm that `./quickstart --keep` leaves running.

`sections` are shell commands under titles; a test runs them as they are printed.
"""

import shlex
import shutil
import textwrap
import time

from .homeward import program


def hints(run):
    """The text for a person: `run` is the Quickstart whose farm goes on."""
    lines = ["", f"Everything keeps running, in {run.directory}. Things to try, as "
             f"{'root' if run.farm.bridge.owner else 'this user'}:"]
    for title, commands in sections(run):
        lines += ["", f"  # {title}"]
        lines += [textwrap.indent(command, "  ") for command in commands]
    return "\n".join([*lines, "", "  # Stop everything and remove it", "  ./quickstart --stop"])


def sections(run):
    """[(title, [command, ...])]. Titles say what is to be seen; the order matters."""
    farm, mta = run.farm, run.mta
    ann, bob = _with_most_mail(farm, farm.stores[0]), _with_most_mail(farm, farm.stores[-1])
    control = _control(farm)
    last = f"ls -t {_quoted(farm.maildir(ann) / 'new')}/* | head -n 1"
    result = [
        (f"Send a message; {ann} lives on {farm.homes[ann]}", [_send(run, ann)]),
        ("Read it: the newest file of that Maildir (or: mutt -f, or Dovecot)",
         [f'head -n 30 "$({last})"']),
        ("Its way through the logs: who took it, where it went",
         [f"tail -n 2 {_quoted(farm.bridge.log)} {_quoted(farm.stores[0].log)}"]),
        ("Talk to a store by hand: telnet 127.0.0.1 "
         f"{farm.stores[0].port} and these lines, or in one go", [_by_hand(farm, ann)]),
        ("The directory: where a user lives; all users; a message that is really stored",
         [f"{control} locate {ann}", f"{control} user list", f"{control} deliver-test {ann}"]),
        ("The stores: reachable, version, load, space", [f"{control} status"]),
    ]
    if run.options.mta != "none":
        result.append(_store_away(run, bob))
    return result


def _with_most_mail(farm, store):
    return max(farm.living_on(store.name), key=lambda user: len(farm.messages(user)))


def _control(farm):
    return f"{_quoted(program('homewardctl'))} --settings {_quoted(farm.bridge.config)}"


def _send(run, mailbox):
    kind = "LMTP" if run.options.mta == "none" else "SMTP"
    message = r"Subject: hello\r\n\r\nIs anybody home?\r\n"
    return (f'python3 -c \'import smtplib; smtplib.{kind}("127.0.0.1", {run.mta.smtp_port}).'
            f'sendmail("sender@example.org", "{mailbox}", "{message}")\'')


def _by_hand(farm, mailbox):
    part = next(iter(farm.stores[0].paths))
    commands = ["SIZE 7", f"NAME {int(time.time())}.by-hand-$RANDOM.example", f"PRTN {part}",
                "FROM <sender@example.org>", f"RCPT <{mailbox}>", "DATA", "hello", "QUIT"]
    return (f"exec 3<>/dev/tcp/127.0.0.1/{farm.stores[0].port}\n"
            f'printf "%s\\r\\n" "{commands[0]}" "{commands[1]}" "{commands[2]}" \\\n'
            f'  "{commands[3]}" "{commands[4]}" {" ".join(commands[5:])} >&3; cat <&3')


def _store_away(run, mailbox):
    """Stop a store, see mail wait in the MTA, start the store, see it arrive."""
    store = run.farm.stores[-1]
    new = _quoted(run.farm.maildir(mailbox) / "new")
    start = (f"({_quoted(program('stored'))} --config {_quoted(store.config)} "
             f">>{_quoted(store.log)} 2>&1 &)")
    return (f"Stop {store.name}: mail for {mailbox} waits in the queue. Start it: it arrives",
            [f"kill {store.pid}; ls {new} | wc -l",
             _send(run, mailbox),
             f"sleep 2; {_queue_command(run)}",
             start,
             f"sleep 25; ls {new} | wc -l"])


def _queue_command(run):
    """Shows the MTA's queue with the MTA's own program, or sendmail's as the files it is."""
    mta = run.mta
    if run.options.mta == "sendmail":
        return f"ls {_quoted(mta.queue)}"
    environment = mta.environment()
    wanted = [f"{name}={environment[name]}" for name in ("MAIL_CONFIG", "LD_LIBRARY_PATH")
              if name in environment]
    postqueue = shutil.which("postqueue", path=environment["PATH"])
    return shlex.join(["env", *wanted, postqueue, "-p"])


def _quoted(path):
    return shlex.quote(str(path))
