"""A directory in which servers with several accounts can work.

Mail servers drop root. The accounts they change to must be able to walk down to their
files, and sendmail refuses sockets below a directory others may write to. So neither
pytest's tmp_path (mode 0700) nor /tmp itself will do, nor a checkout below /root.
"""

import os
import stat
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def is_safe_for_servers(directory):
    """True when all accounts can enter `directory` and only root can change its parents."""
    directory = Path(directory).resolve()
    for step in (directory, *directory.parents):
        status = step.stat()
        if not status.st_mode & stat.S_IXOTH:
            return False
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid != 0:
            return False
    return True


def new_run_directory(name):
    """Make an empty directory, mode 0755, whose path is short enough for unix sockets.

    It is made below build/run in the tree where that is fit, else below /var/lib; for
    anybody but root, who can run no mail server with other accounts, below /tmp. The
    caller removes it (shutil.rmtree).
    """
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_base()))
    os.chmod(directory, 0o755)
    return directory


def _base():
    if os.geteuid() != 0:
        return Path(tempfile.gettempdir())
    for base in (TREE / "build" / "run", Path("/var/lib/homeward-run")):
        base.mkdir(parents=True, exist_ok=True)
        if is_safe_for_servers(base) and len(str(base)) < 60:
            break
    return base
