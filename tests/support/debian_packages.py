"""Debian packages unpacked beside the system instead of installed into it.

Postfix and sendmail exclude each other as packages, and a test must not put a mail
server on the machine it runs on. Both are therefore fetched with apt and unpacked with
`dpkg-deb -x` below a cache directory; nothing of them is installed. Libraries they need
and the host lacks are unpacked into the same place.
"""

import fcntl
import os
import re
import shutil
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .process import run
from .run_directory import TREE

DEFAULT_CACHE = TREE / "build" / "mta"

_COMPLETE = ".complete"

_LIBRARY = re.compile(r"\.so(\.\d+)*$")


class PackageUnavailable(Exception):
    """A package could not be had. Tests that need it are skipped with this reason."""


def unpack(name, cache=DEFAULT_CACHE):
    """Unpack the Debian package `name` and return the root it was unpacked into.

    Does nothing when an earlier run finished the work. An interrupted run leaves only a
    temporary directory, which the next run removes. Several processes may call at once.
    """
    cache = Path(cache)
    root = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".lock"):
        if not (root / _COMPLETE).exists():
            _unpack_afresh(name, root, cache)
    return root


def library_environment(*roots):
    """LD_LIBRARY_PATH for the programs below `roots`; empty when they need none."""
    folders = [str(folder) for root in roots for folder in _library_folders(Path(root))]
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def _unpack_afresh(name, root, cache):
    shutil.rmtree(root, ignore_errors=True)
    fresh = cache / f".{name}.unpacking"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    archive = _download(name, cache)
    run(["dpkg-deb", "-x", archive, fresh])
    for library in _missing_libraries(archive, fresh):
        run(["dpkg-deb", "-x", _download(library, cache), fresh])
    _drop_set_id_bits(fresh)
    missing = _unresolved(fresh)
    if missing:
        raise PackageUnavailable(f"{name}: no Debian package gives {', '.join(missing)}")
    (fresh / _COMPLETE).write_text(archive.name + "\n")
    fresh.rename(root)


def _download(name, cache):
    """Fetch NAME's archive into the cache; the partial file of a cut run is not used."""
    folder = cache / ".archives"
    folder.mkdir(exist_ok=True)
    if not _candidate(name):
        _apt(["apt-get", "-q", "update"], folder)
    if not _candidate(name):
        raise PackageUnavailable(f"apt knows no package named {name}; is bookworm main set up?")
    fetched = folder / f"{name}.fetching"
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir()
    _apt(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", name], fetched)
    archives = list(fetched.glob("*.deb"))
    if len(archives) != 1:
        raise PackageUnavailable(f"apt-get download {name} left {len(archives)} files")
    archive = archives[0].replace(folder / archives[0].name)
    fetched.rmdir()
    return archive


def _apt(arguments, directory):
    try:
        run(arguments, dict(os.environ, LC_ALL="C"), directory, seconds=600)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        raise PackageUnavailable(str(error)) from error


def _candidate(name):
    try:
        text = run(["apt-cache", "policy", name], dict(os.environ, LC_ALL="C"), check=False).stdout
    except OSError as error:
        raise PackageUnavailable(f"apt is not there: {error}") from error
    match = re.search(r"^  Candidate: (\S+)$", text, re.M)
    return match and match.group(1) != "(none)"


def _missing_libraries(archive, root):
    """Library packages to add until every program below `root` finds its libraries."""
    if not _unresolved(root):
        return []
    depends = run(["dpkg-deb", "-f", archive, "Depends"]).stdout
    names = re.findall(r"(?:^|[,|])\s*(lib[a-z0-9.+-]+)", depends)
    wanted = []
    for name in names:
        text = run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests",
                    "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", name])
        for found in [name, *re.findall(r"^(lib[a-z0-9.+-]+)$", text.stdout, re.M)]:
            if found not in wanted and not _installed(found):
                wanted.append(found)
    return wanted


def _installed(name):
    status = run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], check=False).stdout
    return status == "installed"


def _unresolved(root):
    """Sonames that no library on the host or below `root` provides, for all ELF files."""
    environment = dict(os.environ, **library_environment(root))
    missing = set()
    for file in root.rglob("*"):
        if file.is_symlink() or not file.is_file() or not _is_elf(file):
            continue
        listing = run(["ldd", file], environment, check=False).stdout
        missing.update(re.findall(r"^\s*(\S+) => not found", listing, re.M))
    return sorted(missing)


def _is_elf(file):
    with open(file, "rb") as opened:
        return opened.read(4) == b"\x7fELF"


def _library_folders(root):
    files = (file for file in root.glob("**/lib/**/*.so*") if _LIBRARY.search(file.name))
    return sorted({file.parent for file in files})


def _drop_set_id_bits(root):
    """Set-id programs ignore LD_LIBRARY_PATH, and nobody but root runs these."""
    for file in root.rglob("*"):
        if file.is_symlink():
            continue
        mode = file.stat().st_mode
        if mode & (stat.S_ISUID | stat.S_ISGID):
            file.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))


@contextmanager
def _locked(path):
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
