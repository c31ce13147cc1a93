"""What the backup tests share: a source of sealed objects, a moment, a key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vault.age.recipients import X25519Identity, generate_identity
from vault.backup import ObjectRef, Repository
from vault.store import Store

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DUMP = b"CREATE TABLE item; -- canary-in-the-dump\n" * 50


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def body(number: int, size: int = 1000) -> bytes:
    """The sealed bytes of object `number`: incompressible, reproducible."""
    return hashlib.shake_256(number.to_bytes(8, "big")).digest(size)


def name_of(number: int) -> str:
    return hashlib.md5(number.to_bytes(8, "big"), usedforsecurity=False).hexdigest()


def ref(number: int, size: int = 1000) -> ObjectRef:
    return ObjectRef(name_of(number), size, hashlib.sha256(body(number, size)).hexdigest())


def fill(store: Store, numbers: range, size: int = 1000) -> list[ObjectRef]:
    """Put objects into a source and return what the database would say of them."""
    for number in numbers:
        store.put(name_of(number), [body(number, size)])
    return [ref(number, size) for number in numbers]


def contents(store: Store) -> dict[str, bytes]:
    return {found.name: b"".join(store.get(found.name)) for found in store.list()}


class Office:
    """A repository, its source and the backup key."""

    def __init__(self, store: Store, source: Store) -> None:
        self.store = store
        self.source = source
        self.key: X25519Identity = generate_identity()
        self.repository = Repository(store)

    def snapshot(
        self, number: float, refs: list[ObjectRef], extra: Mapping[str, object] | None = None
    ) -> str:
        """The id of a snapshot made on that day."""
        made = self.repository.snapshot(
            at=day(number),
            database=[DUMP],
            recipients=[str(self.key.recipient)],
            objects=refs,
            source=self.source,
            extra=extra,
        )
        return made.id


def file_of(folder: Path, name: str) -> Path:
    """Where a file store keeps an object of that name."""
    (found,) = folder.rglob(name.rpartition("/")[2])
    return found


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
