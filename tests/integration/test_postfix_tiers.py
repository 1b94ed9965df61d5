"""postfix-conf/slow-instance on a real Postfix: the slow tier, an instance for a domain, and the way back."""

import shutil
import subprocess

import pytest

from support import postfix
from support.fake_lmtp import FakeLmtp
from support.maildir_ledger import Ledger
from support.ports import free_port
from support.process import run
from support.run_directory import new_run_directory
from support.smtp_sender import Message, SmtpSender, compose
from support.waiting import wait_until

SCRIPT = postfix.FRAGMENTS / "slow-instance"


class Tiers:
    """A first instance at its default place, a sink for its LMTP hop, and slow-instance for it."""

    def __init__(self, here, name="postfix-slow", options=()):
        self.here = here
        self.name = name
        self.remote_port = free_port()  # nobody listens there yet
        self.port = free_port()
        self.options = ("-n", name, "-p", str(self.port), *options)
        lmtp = here / "first" / "queue" / "homeward" / "lmtp.sock"
        remote = f"remote.test=smtp:[127.0.0.1]:{self.remote_port}"
        self.mta = postfix.PrivatePostfix(
            here / "first", free_port(), "unix:homeward/lmtp.sock", at_default_place=True,
            settings={
                "smtpd_relay_restrictions": "permit_mynetworks, reject",
                "transport_maps": f"hash:/etc/postfix/homeward-transport, inline:{{ {remote} }}"})
        self.mta.write_configuration()
        self.sink = FakeLmtp(lmtp)
        self.config, self.queue = here / "its/etc", here / "its/queue"

    def run(self, *command, check=True):
        environment = self.mta.environment() | {
            "HOMEWARD_INSTANCE_CONFIG": str(self.config), "HOMEWARD_INSTANCE_QUEUE": str(self.queue),
            "HOMEWARD_INSTANCE_DATA": str(self.here / "its/data"),
            "HOMEWARD_BACKUP": str(self.here / "kept"),
            "HOMEWARD_FIRST": f"[127.0.0.1]:{self.mta.smtp_port}"}
        return run([*self.mta.inside(), SCRIPT, *self.options, *command], environment, check=check)

    def first_files(self):
        return {name: (self.mta.config / name).read_bytes() for name in ("main.cf", "master.cf")}

    def instance_files(self):
        return {name: (self.config / name).read_bytes() for name in ("main.cf", "master.cf")}

    def instance(self, program, *arguments):
        return run([self.mta.program(program), "-c", self.config, *arguments],
                   self.mta.environment()).stdout

    def waiting(self):
        """Messages in the instance's queue."""
        return len(self.instance("postqueue", "-j").splitlines())

    def send(self, *recipients, subject="x"):
        messages = [Message(f"{subject}.{number}", "ann@example.org", (address,),
                            compose(f"{subject}.{number}", "ann@example.org", 1000))
                    for number, address in enumerate(recipients)]
        ledger = Ledger(self.here / "ledger")
        totals = SmtpSender(self.mta.smtp_port, ledger, 2).send(messages)
        ledger.close()
        assert totals.accepted == len(recipients)

    def __enter__(self):
        self.sink.start()
        self.mta.start()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.mta.log_text()[-8000:])
        if self.config.exists():
            self.run("stop", check=False)
        self.mta.stop()
        self.sink.stop()


@pytest.fixture
def here():
    reason = postfix.can_have_instances()
    if reason:
        pytest.skip(reason)
    directory = new_run_directory("tier")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def test_the_slow_tier_takes_what_did_not_go_out_and_goes_without_a_trace(here):
    with Tiers(here) as tiers:
        before = tiers.first_files()
        tiers.run("create")
        made = tiers.first_files(), tiers.instance_files()
        tiers.run("create")
        assert (tiers.first_files(), tiers.instance_files()) == made
        assert "unused" not in tiers.instance("postconf", "-n")
        assert tiers.run("status", check=False).returncode == 1
        tiers.run("start")
        tiers.run("start")
        assert tiers.run("status").returncode == 0

        recipients = [f"r{number}@remote.test" for number in range(5)]
        tiers.send(*recipients, "refused@remote.test", "bob@example.org")
        tiers.mta.wait_until_empty()
        assert tiers.waiting() == 6
        assert tiers.sink.recipients() == ["bob@example.org"]
        first_tries = [line for line in tiers.mta.log_text().splitlines()
                       if " postfix/smtp[" in line and "status=" in line]
        assert len(first_tries) == 6
        assert all("status=sent" in line and f":{tiers.port}," in line for line in first_tries)

        refused = tiers.run("remove", check=False)
        assert refused.returncode == 1 and "6 messages wait" in refused.stderr
        assert tiers.waiting() == 6

        remote = FakeLmtp(port=tiers.remote_port, on_rcpt=lambda address: (
            "550 5.1.1 unknown" if address.startswith("refused") else "250 2.1.5 known"))
        with remote:
            tiers.instance("postqueue", "-f")
            wait_until(lambda: tiers.waiting() == 0, "the slow tier delivers")
            assert sorted(remote.recipients()) == recipients
        # Its bounce found the way to a user of ours without DNS.
        wait_until(lambda: tiers.sink.recipients() == ["bob@example.org", "ann@example.org"],
                   "the bounce comes home")

        tiers.run("stop")
        tiers.run("remove")
        tiers.run("remove")
        assert tiers.first_files() == before
        assert not any(path.is_file() for path in [*here.glob("its/**/*"), *here.glob("kept/**/*")])
        assert tiers.mta.running


def test_a_slow_tier_gives_its_mail_back_and_leaves_foreign_changes_alone(here):
    with Tiers(here) as tiers:
        tiers.run("create")
        tiers.run("start")
        tiers.send("r1@remote.test", "r2@remote.test")
        wait_until(lambda: tiers.waiting() == 2, "the slow tier has both")
        tiers.mta.command("postconf", "-e", "smtpd_banner=changed by hand")
        tiers.run("give-back")
        assert tiers.waiting() == 0
        assert sorted(entry["recipients"][0]["address"] for entry in tiers.mta.queue_entries()) == [
            "r1@remote.test", "r2@remote.test"]
        with FakeLmtp(port=tiers.remote_port) as remote:
            tiers.mta.wait_until_empty(flush=True)
            assert sorted(remote.recipients()) == ["r1@remote.test", "r2@remote.test"]
        # Used again, it must not send its mail to the first instance any more.
        tiers.run("start")
        assert tiers.instance("postconf", "-h", "default_transport").strip() == "smtp"
        said = tiers.run("remove").stdout
        assert "changed by somebody" in said
        settings = tiers.mta.command("postconf", "-n").stdout
        assert "smtpd_banner = changed by hand" in settings
        for name in ("fallback_relay", "xforward", "multi_instance"):
            assert name not in settings


@pytest.mark.parametrize("back_by_hand", [False, True])
def test_a_domain_with_an_instance_of_its_own(here, back_by_hand):
    """Its mail waits in its own queue while the bridge is away; long lines pass both hops whole."""
    with Tiers(here, "postfix-org", ("-d", "example.org")) as tiers:
        before = tiers.first_files()
        tiers.run("create")
        tiers.run("create")
        tiers.run("start")
        tiers.sink.stop()
        octets = b"X-Homeward-Id: long.1\r\n\r\n" + b"x" * 5000 + b"\r\n"
        ledger = Ledger(here / "ledger")
        totals = SmtpSender(tiers.mta.smtp_port, ledger, 1).send(
            [Message("long.1", "ann@example.org", ("ann@example.org", "bob@example.org"), octets)])
        assert totals.accepted == 2
        tiers.mta.wait_until_empty()
        wait_until(lambda: tiers.waiting() == 1, "its own queue has it")
        if back_by_hand:
            tiers.run("give-back")
            assert tiers.waiting() == 0
            tiers.sink.start()
            tiers.mta.flush()
        else:
            tiers.sink.start()
            tiers.instance("postqueue", "-f")
        wait_until(lambda: len(tiers.sink.recipients()) == 2, "it comes to the bridge")
        (transaction,) = tiers.sink.transactions
        assert b"x" * 5000 in transaction.octets
        assert transaction.xforward["IDENT"]
        tiers.run("stop")
        assert "postfix-org" not in tiers.mta.command("postconf", "-h", "transport_maps").stdout
        tiers.run("remove")
        assert tiers.first_files() == before


def test_what_is_wrong_is_said_before_anything_is_changed(here):
    with Tiers(here) as tiers:
        before = tiers.first_files()
        assert "must begin with postfix-" in tiers.run("-n", "slow", "create", check=False).stderr
        assert "no instance" in tiers.run("start", check=False).stderr
        tiers.queue.mkdir(parents=True)
        (tiers.queue / "somebody's").write_text("mail")
        assert "not empty" in tiers.run("create", check=False).stderr
        shutil.rmtree(tiers.queue)
        assert tiers.first_files() == before
        tiers.run("create")
        tiers.mta.command("postconf", "-e", "smtp_fallback_relay=[192.0.2.1]")
        refused = tiers.run("start", check=False)
        assert refused.returncode == 1 and "Decide which one" in refused.stderr
        assert subprocess.run([SCRIPT, "-h"], capture_output=True, check=False).returncode == 0
