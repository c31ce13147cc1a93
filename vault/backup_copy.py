"""Bytes on their way: measured, compared with what they should be, several objects at a time.

Nothing here holds more of an object than the pieces in flight.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from vault.backup_types import DAMAGED, MISSING, BackupError
from vault.store import Corrupt, Exists, NotFound, Store

OBJECTS = "objects/"
DUMPS = "dumps/"
SHREDDED = "shredded/"

_GZIP = 31
_PIECE = 1 << 20

T = TypeVar("T")
R = TypeVar("R")


class Mismatch(BackupError):
    """The source ends early, goes on too long, or gives other bytes than the digest says."""


class Meter:
    """Passes pieces on and knows afterwards how many bytes they were and their SHA-256 (hex)."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def digest(self) -> str:
        """SHA-256 of what has passed."""
        return self._hash.hexdigest()


def compress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The gzip form of a stream."""
    # Level 1: a dump is compressed for size on disk, but the writer of the database waits for the dump.
    press = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        if out := press.compress(piece):
            yield out
    yield press.flush()


def decompress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The inverse of `compress`, in bounded pieces. Raises zlib.error for other bytes, EOFError when cut."""
    press = zlib.decompressobj(_GZIP)
    for piece in pieces:
        rest = piece
        while rest:
            if out := press.decompress(rest, _PIECE):
                yield out
            rest = press.unconsumed_tail
        if press.unused_data:
            raise zlib.error("bytes behind the end of the dump")
    if out := press.flush():
        yield out
    if not press.eof:
        raise EOFError("the dump is cut short")


def checked(pieces: Iterable[bytes], size: int, digest: str) -> Iterator[bytes]:
    """The same pieces; raises Mismatch at the latest instead of the end, so that an atomic writer behind
    it keeps nothing."""
    meter = Meter(pieces)
    try:
        for piece in meter:
            if meter.size > size:
                raise Mismatch
            yield piece
    except (Corrupt, NotFound):
        raise Mismatch from None
    if meter.size != size or meter.digest != digest:
        raise Mismatch


def copy(source: Store, name: str, target: Store, to: str, size: int, digest: str) -> tuple[str, bool]:
    """Copy one object, compared with its digest on the way. Returns "", MISSING or DAMAGED (of the source),
    and whether it was written: an object of the same name and size may have been there.

    Errors of the target, and a source that cannot be reached, are raised."""
    try:
        pieces = source.get(name)
    except NotFound:
        return MISSING, False
    except Corrupt:
        return DAMAGED, False
    try:
        target.put(to, checked(pieces, size, digest))
    except Mismatch:
        return DAMAGED, False
    except Exists:
        if target.stat(to).size != size:
            raise
        return "", False
    return "", True


def examine(store: Store, name: str, size: int, digest: str) -> str:
    """Read an object to its end. Returns "", MISSING or DAMAGED."""
    try:
        for _ in checked(store.get(name), size, digest):
            pass
    except NotFound:
        return MISSING
    except (Mismatch, Corrupt):
        return DAMAGED
    return ""


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], *, workers: int, idle: Callable[[], None], patience: float
) -> Generator[tuple[T, R]]:
    """(item, work(item)) in the order of `items`, which the calling thread reads, a bounded number ahead.

    `idle` is called by the calling thread at least every `patience` seconds. The first error ends it all,
    after the work under way has ended.
    """
    pending: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="backup")
    try:
        for item in items:
            pending.append((item, pool.submit(work, item)))
            idle()
            while pending and (len(pending) >= workers * 8 or pending[0][1].done()):
                yield _first(pending, idle, patience)
        while pending:
            yield _first(pending, idle, patience)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _first(pending: deque[tuple[T, Future[R]]], idle: Callable[[], None], patience: float) -> tuple[T, R]:
    item, future = pending[0]
    while not wait([future], timeout=patience, return_when=FIRST_COMPLETED).done:
        idle()
    pending.popleft()
    return item, future.result()


def object_name(digest: str) -> str:
    """Where the repository keeps the sealed object of this digest: any object can be checked by its name."""
    return OBJECTS + digest
