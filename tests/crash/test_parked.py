"""A partition is not there when the store recovers its volume: its mail waits."""

from support.crashing_store import (journal_directory, start_after, store_on, sync_all,
                                    wait_for_log)
from support.store_judge import Judge
from support.store_senders import Senders
from support.waiting import wait_until


def test_mail_of_an_absent_partition_is_parked(here, volume_of, say):
    """After a power cut one of two partitions is away: the other serves, the journal goes round, and
    when the partition is back its mail is filed, also after more kills."""
    volume = volume_of("ext4", mebibytes=300)
    store = store_on(here, [volume], settings={
        "journal": {"checkpoint": "1s", "segment_size": "1MiB"}})
    with store:
        sync_all()
        senders = Senders(store, threads=8)
        with senders:
            senders.wait_for(400)
            volume.cut_power()
            store.kill()
        volume.remount()
        directory = journal_directory(volume)
        here_name, away_name = (("mail1", "mail2") if directory.parent.name == "mail1"
                                else ("mail2", "mail1"))
        root = store.paths[away_name]
        hidden = volume.path / "elsewhere"
        root.rename(hidden)
        root.mkdir()  # as an empty mount point would be
        start_after(store)
        others = Senders(store, threads=4, partitions=[here_name])
        with others:
            wait_for_log(store, "its mail in the journal is parked", 40)
            others.wait_for(3000, seconds=60)  # several times round the journal
        assert list(directory.glob("parked-*"))
        store.kill()
        start_after(store)
        with others:
            others.wait_for(50)
        root.rmdir()
        hidden.rename(root)
        sent = senders.sent | others.sent

        def findings():
            return Judge(store.paths).judge(sent)

        wait_until(lambda: not findings().lost, lambda: str(findings()), 30, pause=0.5)
        wait_until(lambda: not list(directory.glob("parked-*")), "parked files go", 30)
        senders.finish()
        others.finish()
        volume.cut_power()
        store.kill()
        volume.remount()
        start_after(store)
        found = Judge(store.paths).judge(sent, all_files=True)
    say(str(found))
    assert found.clean, str(found)
