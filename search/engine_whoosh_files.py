"""The index folder: which generation is current, which one is being built, who may write.

    current          name of the generation folder in use, replaced by rename
    g000001/         an index; every process that reads it holds a shared lock on g000001/in-use
    g000002/source   in a generation that is being built, or was when its rebuild was killed (search/engine_whoosh_half.py)
    write.lock       held by the one writer, for a commit or for the swap at the end of a rebuild
    rebuild.lock     held during a rebuild

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
from collections.abc import Collection, Iterator
from pathlib import Path

from search import engine_whoosh_disk as disk
from search import engine_whoosh_store as store
from search.engine import Busy
from search.engine_whoosh_half import Half

_NAME = re.compile(r"g\d{6,}")
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

    def __init__(self, folder: Path, timeout: float, *, fsync: bool) -> None:
        self.folder = folder
        self.timeout = timeout
        self.fsync = fsync
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
        last = max((int(path.name[1:]) for path in self._generations()), default=0)
        folder = self.folder / f"g{last + 1:06}"
        folder.mkdir(mode=0o700)
        store.create(folder, fsync=self.fsync)
        return folder

    def point(self, folder: Path) -> None:
        """Make a generation current: from here on every process uses it. Survives a power cut."""
        disk.replace(self.folder / "current", folder.name.encode(), fsync=self.fsync)

    def half(self) -> Half | None:
        """The generation that a rebuild is building, or was building when it was interrupted."""
        current = self.current().name
        for path in self._generations():
            if path.name != current and (path / "source").exists():
                return Half(path, fsync=self.fsync)
        return None

    def begin(self, source: str) -> Half:
        """An empty generation to be built; one that was begun before goes. Under write.lock and rebuild.lock."""
        old = self.half()
        if old is not None:
            old.end()
        self.remove_old()
        half = Half(self.new_generation(), fsync=self.fsync)
        half.begin(source, self.current().name)
        return half

    def note(self, ids: Collection[int]) -> None:
        """Before a write: keep its ids for the rebuild that goes on or was interrupted, if there is one. Under write.lock."""
        half = self.half()
        if half is None:
            return
        try:
            if self.rebuilding() or half.pays():
                half.note(ids)
                return
        except FileNotFoundError:
            pass  # what it needs to go on with is gone
        half.end()

    def rebuilding(self) -> bool:
        """Does a living process hold rebuild.lock?"""
        file = os.open(self.folder / "rebuild.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            return not _try_lock(file)
        finally:
            os.close(file)

    def alone(self) -> bool:
        """Whether nobody reads or builds another generation than the current one. Under write.lock."""
        half = self.half()
        resting = set() if half is None or self.rebuilding() else {half.folder.name}
        return {path.name for path in self._generations()} - resting == {self.current().name}

    def remove_old(self) -> None:
        """Remove every generation that nobody reads or builds but the current one. Under write.lock."""
        current = self.current()
        if (current / "source").exists():  # killed between the swap and the end of a rebuild
            Half(current, fsync=self.fsync).end()
        for path in self._generations():
            if path.name == current.name or (path / "source").exists():
                continue
            file = os.open(path / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if _try_lock(file):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(file)

    def _generations(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
