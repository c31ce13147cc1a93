"""A store in a folder. Needs a file system with hard links, `fsync` of folders and advisory locks.

A new object is written under a temporary name in its final folder, flushed, linked to its name (`link`
fails when the name is taken, `rename` would replace silently) and the folder is flushed: after a power cut
the object is whole or absent. A killed writer leaves only a temporary file, which `list` never shows.

Layout: ``a/b/leaf`` lies at ``a/b/_le/_af/leaf``. The fan-out keeps folders small; its names begin with a
sign that no object name has, so an object can never take the place of a folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vault.store import BLOCK, Corrupt, Exists, NotFound, Stat, Unavailable, check_name, check_range, started

_TEMPORARY = ".part-"
_PIECE = 128 << 10
"""Written at once: for a MiB the kernel looks for large pages, which on a virtual machine are often cold (decision 022)."""


class FileStore:
    """Implements `vault.store.Store` over `folder`, which is created (0700) at the first write.

    `fsync=False` gives up durability after a power cut, never atomicity; for tests and for measuring.
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.folder = folder
        self._fsync = fsync

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """See Store.put."""
        final = self._path(name)
        with _as_unavailable():
            if final.exists():
                raise Exists(name)
        temporary = final.with_name(_TEMPORARY + secrets.token_hex(16))
        with _as_unavailable():
            self._make_folder(final.parent)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with _as_unavailable():
                # Held until the file is complete: it tells the sweep that the writer lives.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = 0
            for chunk in chunks:
                with _as_unavailable():
                    _write_all(descriptor, chunk)
                size += len(chunk)
            with _as_unavailable():
                if self._fsync:
                    os.fsync(descriptor)
                try:
                    os.link(temporary, final)
                except FileExistsError:
                    raise Exists(name) from None
        finally:
            # First the name, then the lock: no sweep can catch the file between the two.
            with suppress(OSError):
                temporary.unlink()
            os.close(descriptor)
        with _as_unavailable():
            self._flush_folder(final.parent)
        return size

    def get(self, name: str) -> Iterator[bytes]:
        """See Store.get."""
        return started(self._pieces(name, 0, None))

    def range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """See Store.range."""
        check_range(start, length)
        return started(self._pieces(name, start, length))

    def stat(self, name: str) -> Stat:
        """See Store.stat."""
        with _as_unavailable(name):
            return _as_stat(name, self._path(name).stat())

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See Store.list."""
        parent = prefix.rpartition("/")[0]
        if parent:
            check_name(parent)
        with _as_unavailable():
            yield from _walk(self.folder / parent, f"{parent}/" if parent else "", prefix)

    def delete(self, name: str) -> None:
        """See Store.delete."""
        path = self._path(name)
        with _as_unavailable():
            try:
                path.unlink()
            except FileNotFoundError:
                return
            self._flush_folder(path.parent)

    def check(self) -> None:
        """See Store.check."""
        self._now()

    def clear_partials(self, older_than_seconds: float) -> int:
        """See Store.clear_partials. Age is measured with the clock of the file system itself."""
        limit = self._now() - older_than_seconds
        removed = 0
        with _as_unavailable():
            for folder, _, files in os.walk(self.folder):
                for file in files:
                    if file.startswith(_TEMPORARY):
                        removed += _remove_abandoned(Path(folder, file), limit)
        return removed

    def _path(self, name: str) -> Path:
        parent, _, leaf = check_name(name).rpartition("/")
        return self.folder / parent / f"_{leaf[:2]}" / f"_{leaf[2:4]}" / leaf

    def _pieces(self, name: str, start: int, length: int | None) -> Generator[bytes]:
        with _as_unavailable(name):
            file = self._path(name).open("rb", buffering=0)
        with file:
            size = os.fstat(file.fileno()).st_size
            left = max(0, size - start) if length is None else max(0, min(length, size - start))
            file.seek(start)
            while left:
                with _as_unavailable():
                    piece = file.read(min(BLOCK, left))
                if not piece:
                    raise Corrupt(f"{name}: ends {left} bytes early")
                left -= len(piece)
                yield piece

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        self._flush_folder(folder.parent)

    def _flush_folder(self, folder: Path) -> None:
        if self._fsync:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _now(self) -> float:
        """The time of the file system; fails as every write would."""
        with _as_unavailable():
            self._make_folder(self.folder)
            probe = self.folder / (_TEMPORARY + secrets.token_hex(16))
            probe.touch(mode=0o600, exist_ok=False)
            try:
                return probe.stat().st_mtime
            finally:
                probe.unlink(missing_ok=True)


@contextmanager
def _as_unavailable(name: str = "") -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise (NotFound(name) if name else Unavailable(_reason(error))) from None
    except OSError as error:
        raise Unavailable(_reason(error)) from error


def _reason(error: OSError) -> str:
    return f"{error.strerror or error} ({error.filename})" if error.filename else str(error)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view[:_PIECE]) :]


def _as_stat(name: str, info: os.stat_result) -> Stat:
    return Stat(name, info.st_size, datetime.fromtimestamp(info.st_mtime, UTC))


def _walk(folder: Path, parent: str, prefix: str) -> Iterator[Stat]:
    """Objects below `folder`, whose names begin with `parent`; folders that vanish meanwhile hold none."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("_"):
            yield from _walk(folder / entry.name, parent, prefix)
        elif entry.name.startswith("."):
            continue
        elif entry.is_dir():
            below = f"{parent}{entry.name}/"
            if below.startswith(prefix) or prefix.startswith(below):
                yield from _walk(folder / entry.name, below, prefix)
        elif (name := parent + entry.name).startswith(prefix):
            with suppress(FileNotFoundError):
                info = entry.stat()
                if stat.S_ISREG(info.st_mode):
                    yield _as_stat(name, info)


def _remove_abandoned(path: Path, limit: float) -> bool:
    """Remove a temporary file that is old and that no writer holds."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if os.fstat(descriptor).st_mtime > limit:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True
