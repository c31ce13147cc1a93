"""A folder in memory for programs that read and write files only: no text in clear reaches a disk.

It is of this user alone, and gone afterwards. What a power cut or `kill -9` leaves behind goes at the next start:
the owner of a folder holds a lock on it, which ends with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Where file systems in memory usually are; Docker gives `/tmp` where it is told to.
PLACES = ("/dev/shm", "/run/shm", "/tmp")  # noqa: S108 - used only where they are in memory, in a folder of our own
_IN_MEMORY = ("tmpfs", "ramfs")


class NoPlace(OSError):
    """There is no file system in memory in which this user can keep a folder of its own."""


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder (0700) in memory, removed with all that is in it. Raises `NoPlace`."""
    with _own() as own:
        _sweep(own)
        made = Path(tempfile.mkdtemp(dir=own))
        held = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield made
    finally:
        try:
            remove(made)
        finally:
            os.close(held)


def usable() -> bool:
    """Whether `folder` will find a place."""
    try:
        with _own():
            return True
    except NoPlace:
        return False


def sweep() -> None:
    """Remove what processes have left behind that are gone."""
    with _own() as own:
        _sweep(own)


def remove(tree: Path) -> None:
    """Remove a folder whatever is in it; a program may have taken the rights to its own folders away."""
    tree.chmod(0o700)
    for above, names, _files in os.walk(tree):
        for name in names:
            inner = Path(above, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(tree)


@contextmanager
def _own() -> Iterator[Path]:
    """The folder of this user, locked: nobody else makes or sweeps folders in it meanwhile."""
    where = _place()
    if not where:
        raise NoPlace("no file system in memory")
    own = Path(where, f"intranet-extract-{os.getuid()}")
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        held = os.open(own, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise NoPlace(f"{own}: {error.strerror}") from error
    try:
        found = os.fstat(held)
        if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise NoPlace(f"{own} is not ours alone")
        fcntl.flock(held, fcntl.LOCK_EX)
        yield own
    finally:
        os.close(held)


def _sweep(own: Path) -> None:
    for left in own.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its owner has just come to its end
            _remove_unheld(left)


def _remove_unheld(left: Path) -> None:
    held = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(left)
    except BlockingIOError:
        pass  # its owner is at work
    finally:
        os.close(held)


def _place() -> str:
    """The first of `PLACES` that is in memory and writable; "" where none is."""
    mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    for place in PLACES:
        if os.access(place, os.W_OK | os.X_OK) and in_memory(Path(place), mounts):
            return place
    return ""


def in_memory(folder: Path, mounts: str) -> bool:
    """True where the folder's file system lives in memory; `mounts` is the text of /proc/self/mountinfo."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    return any(
        line.split(" ", 3)[2] == wanted and line.partition(" - ")[2].split(" ")[0] in _IN_MEMORY
        for line in mounts.splitlines()
    )
