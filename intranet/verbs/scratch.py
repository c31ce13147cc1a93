"""Folders with a copy of the database in clear, for the minutes of a dump or a drill. A process that dies leaves its own
behind, with headers that may be destroyed later; the next one, or the sweep, removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "scratch-"


@contextmanager
def scratch(data: Path) -> Iterator[Path]:
    """A private folder (0700) in the data folder, gone afterwards."""
    clear(data)
    folder, lock = _made(data)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(data: Path) -> tuple[Path, int]:
    """A new folder and the lock that says its maker lives."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=data))
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # cleared before it was locked
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)


def clear(data: Path) -> int:
    """Remove the folders of makers that died; how many. The kernel frees the lock of a dead process."""
    count = 0
    for folder in data.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            count += 1
        finally:
            os.close(lock)
    return count
