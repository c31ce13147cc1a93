"""The index folder: which generation is current, who may write, what a rebuild must not forget.

    current          name of the generation folder in use, replaced by rename
    g000001/         an index; every process that reads it holds a shared lock on g000001/in-use
    write.lock       held by the one writer, for a commit or for the swap at the end of a rebuild
    rebuild.lock     held during a rebuild
    journal          ids written while a rebuild runs, one a line: ids only, no text

Locks are flock(2): the kernel frees them when a process dies, so there is no stale lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from search import engine_whoosh_store as store
from search.engine import Busy

_NAME = re.compile(r"g(\d{6,})")
_POLL = 0.02


class Held:
    """A generation folder kept from being removed, as long as the object lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def __del__(self) -> None:
        file, self._file = getattr(self, "_file", -1), -1
        if file >= 0:
            os.close(file)


class Home:
    """The folder of an index; made at first use, 0700, with an empty generation in it."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self.folder = folder
        self.timeout = timeout
        self._threads = {"write.lock": threading.Lock(), "rebuild.lock": threading.Lock()}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not (folder / "current").exists():
            with self.locked("write.lock"):
                if not (folder / "current").exists():
                    self.point(self.new_generation())

    @contextlib.contextmanager
    def locked(self, name: str, timeout: float | None = None) -> Iterator[None]:
        """Hold a lock against threads and processes. Raises Busy after the time limit."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        lock = self._threads[name]
        if not lock.acquire(timeout=max(0.0, end - time.monotonic())):
            raise Busy(name)
        try:
            file = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                while not _try_lock(file):
                    if time.monotonic() >= end:
                        raise Busy(name)
                    time.sleep(_POLL)
                yield
            finally:
                os.close(file)
        finally:
            lock.release()

    def mark(self) -> tuple[int, int]:
        """Changes when another generation becomes current."""
        found = os.stat(self.folder / "current")
        return found.st_ino, found.st_mtime_ns

    def current(self) -> Path:
        """Folder of the current generation."""
        return self.folder / (self.folder / "current").read_text().strip()

    def hold(self) -> tuple[Held, tuple[int, int]]:
        """The current generation, kept from removal, and the mark it had."""
        for _ in range(50):
            mark = self.mark()
            with contextlib.suppress(FileNotFoundError):
                held = Held(self.current())
                if self.current() == held.folder:
                    return held, mark
        raise FileNotFoundError(str(self.folder))

    def new_generation(self) -> Path:
        """An empty generation beside the others; not current yet. Under write.lock or rebuild.lock only."""
        numbers = [int(m[1]) for path in self.folder.iterdir() if (m := _NAME.fullmatch(path.name))]
        folder = self.folder / f"g{max(numbers, default=0) + 1:06}"
        folder.mkdir(mode=0o700)
        store.create(folder)
        return folder

    def point(self, folder: Path) -> None:
        """Make a generation current: from here on every process uses it. Survives a power cut."""
        fresh = self.folder / "current.new"
        with open(fresh, "w") as file:
            file.write(folder.name)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.folder / "current")
        directory = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def open_journal(self) -> None:
        """From now on `note` keeps ids. Under write.lock and rebuild.lock."""
        (self.folder / "journal").write_text("")

    def note(self, ids: Iterable[int]) -> None:
        """Keep ids for the rebuild that is running, if one is; forget the journal of one that died."""
        journal = self.folder / "journal"
        if not journal.exists():
            return
        if self.rebuilding():
            with open(journal, "a") as file:
                file.writelines(f"{number}\n" for number in ids)
        else:
            journal.unlink(missing_ok=True)

    def take_journal(self) -> set[int]:
        """Ids noted since `open_journal`. Under write.lock."""
        with open(self.folder / "journal") as file:
            return {int(line) for line in file}

    def close_journal(self) -> None:
        """End of a rebuild. Under write.lock."""
        (self.folder / "journal").unlink(missing_ok=True)

    def rebuilding(self) -> bool:
        """Does a living process hold rebuild.lock?"""
        file = os.open(self.folder / "rebuild.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return not _try_lock(file)
        finally:
            os.close(file)

    def sweep(self) -> None:
        """Remove generations that nobody reads and that no rebuild is writing. Under write.lock."""
        if self.rebuilding():
            return
        self.remove_old()

    def alone(self) -> bool:
        """Whether the current generation is the only one on the disk. Under write.lock."""
        return sum(_NAME.fullmatch(path.name) is not None for path in self.folder.iterdir()) == 1

    def remove_old(self) -> None:
        """Remove every generation but the current one that nobody reads. Under write.lock."""
        current = self.current().name
        for path in self.folder.iterdir():
            if path.name == current or not _NAME.fullmatch(path.name):
                continue
            file = os.open(path / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if _try_lock(file):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(file)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
