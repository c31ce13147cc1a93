"""Where sealed bytes live: one protocol, its errors, and the rules every store keeps.

The conformance suite `tests/vault/test_stores.py` is the executable form of this text; each store runs it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from vault.errors import VaultError

BLOCK = 1 << 20
"""The size of the pieces a store hands out: large enough for speed, small enough for bounded memory."""

_NAME = re.compile(r"[0-9a-z][0-9a-z._-]{0,127}(?:/[0-9a-z][0-9a-z._-]{0,127})*")


class StoreError(VaultError):
    """Base of what a store raises."""


class NotFound(StoreError):
    """There is no object of that name."""


class Exists(StoreError):
    """An object of that name is already there; objects are written once and never replaced."""


class Unavailable(StoreError):
    """The store cannot be reached, refuses us, or has no room. Trying again later may help."""


class Corrupt(StoreError):
    """The store gave or kept something else than what was asked: cut short, or of another length."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What a store knows of an object. `modified` is aware (UTC) and comes from the store's own clock."""

    name: str
    size: int
    modified: datetime


class Store(Protocol):
    """Objects by name. A store sees sealed bytes only and never needs a key.

    Names: lower-case segments of ``[0-9a-z._-]`` (not beginning with a sign) joined by ``/``; anything else
    is a ValueError. Errors of the store are the classes above; an exception raised by the caller's own
    chunks passes through unchanged. All methods may be called from several threads and processes.
    """

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """Keep a new object and return its size. Write-once and atomic: the object appears whole and
        durable, or not at all. Raises Exists, Unavailable."""

    def get(self, name: str) -> Iterator[bytes]:
        """The whole object in pieces. NotFound and Unavailable come at the call, not at the first piece;
        Corrupt comes later when the body ends early."""

    def range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """The bytes of [start, start + length) that exist, in pieces: fewer, or none, behind the end.
        Raises ValueError for a negative start or length; otherwise as `get`."""

    def stat(self, name: str) -> Stat:
        """Size and time of an object. Raises NotFound, Unavailable."""

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """Every object whose name begins with `prefix`, in no promised order, never an unfinished one."""

    def delete(self, name: str) -> None:
        """The object is gone afterwards; deleting what is not there is no error, so a retry is safe."""

    def check(self) -> None:
        """Return when the store can be written now; raises Unavailable with the reason."""

    def clear_partials(self, older_than_seconds: float) -> int:
        """Remove what writers that died left unfinished for longer than that; returns how many. An
        unfinished object in the hands of a living writer stays."""


def check_name(name: str) -> str:
    """The name itself when it is one a store may hold; raises ValueError otherwise."""
    if len(name) > 512 or not _NAME.fullmatch(name):
        raise ValueError(f"not a name for an object: {name!r}")
    return name


def check_range(start: int, length: int) -> None:
    """Refuse ranges that no object has. Raises ValueError."""
    if start < 0 or length < 0:
        raise ValueError("start and length of a range are not negative")


def started(pieces: Generator[bytes], ahead: int = 1) -> Generator[bytes]:
    """The same pieces, with the first `ahead` bytes fetched now: what fails there fails here, at the call,
    before anybody has promised the bytes to a third party."""
    held: deque[bytes] = deque()
    while ahead > 0 and (piece := next(pieces, None)) is not None:
        held.append(piece)
        ahead -= len(piece)

    def run() -> Generator[bytes]:
        try:
            while held:
                yield held.popleft()
            yield from pieces
        finally:
            pieces.close()

    return run()
