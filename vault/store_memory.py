"""A store in memory: for tests, and the reference that the other stores are compared with."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from threading import Lock

from vault.store import BLOCK, Exists, NotFound, Stat, check_name, check_range, started


class MemoryStore:
    """Implements `vault.store.Store`. The objects are gone with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._lock = Lock()

    def put(self, name: str, chunks: Iterable[bytes]) -> int:
        """See Store.put."""
        check_name(name)
        if name in self._objects:
            raise Exists(name)
        body = b"".join(chunks)
        with self._lock:
            if name in self._objects:
                raise Exists(name)
            self._objects[name] = body, datetime.now(UTC)
        return len(body)

    def get(self, name: str) -> Iterator[bytes]:
        """See Store.get."""
        return started(self._pieces(name, 0, None))

    def range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """See Store.range."""
        check_range(start, length)
        return started(self._pieces(name, start, start + length))

    def stat(self, name: str) -> Stat:
        """See Store.stat."""
        body, modified = self._object(name)
        return Stat(name, len(body), modified)

    def list(self, prefix: str = "") -> Iterator[Stat]:
        """See Store.list."""
        with self._lock:
            found = list(self._objects.items())
        for name, (body, modified) in found:
            if name.startswith(prefix):
                yield Stat(name, len(body), modified)

    def delete(self, name: str) -> None:
        """See Store.delete."""
        with self._lock:
            self._objects.pop(check_name(name), None)

    def check(self) -> None:
        """See Store.check."""

    def clear_partials(self, older_than_seconds: float) -> int:
        """See Store.clear_partials: nothing unfinished is ever visible here."""
        return 0

    def _object(self, name: str) -> tuple[bytes, datetime]:
        try:
            return self._objects[check_name(name)]
        except KeyError:
            raise NotFound(name) from None

    def _pieces(self, name: str, start: int, end: int | None) -> Generator[bytes]:
        body = self._object(name)[0]
        end = len(body) if end is None else min(end, len(body))
        for at in range(start, end, BLOCK):
            yield body[at : min(at + BLOCK, end)]
