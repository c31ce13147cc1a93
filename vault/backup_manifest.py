"""The manifest of a snapshot: JSON lines, readable without the product, streamed in both directions.

Line 1 is the header; "entries" in it is the SHA-256 of all the bytes behind it, "hash" the SHA-256 of the
header's canonical JSON without "hash", "previous" the id and hash of the snapshot before: a chain, in which
no manifest can be changed unnoticed once another follows it. Every further line is one object:
``["name", "digest", size]``, with a fourth element, the problem, where it could not be copied.

Names are random, digests are of sealed bytes: nothing here tells what anything is about.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any

from vault.backup_types import INVALID, Dump, ManifestDamaged, NoSnapshot, ObjectRef, Snapshot
from vault.chain import Malformed, canonical
from vault.store import BLOCK, Corrupt, NotFound, Store, check_name

FORMAT = "backup-snapshot/1"
PREFIX = "snapshots/"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: object) -> bool:
    """True for the hex of a SHA-256."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def is_object(name: object, digest: object, size: object) -> bool:
    """True for what can be an object at all: the name one that a store may hold, the size not negative."""
    try:
        check_name(name if isinstance(name, str) else "")
    except ValueError:
        return False
    return is_digest(digest) and type(size) is int and size >= 0


def entry_line(ref: ObjectRef, problem: str) -> bytes:
    """One object as a line of the manifest."""
    entry: list[Any] = [ref.name, ref.digest, ref.stored, *([problem] if problem else [])]
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def header_of(snapshot: Snapshot, entries: str) -> dict[str, Any]:
    """The header of a manifest whose entries hash to `entries`, with its own hash in it.

    Raises ValueError when `extra` is not plain JSON."""
    if snapshot.database is None:
        raise ValueError("a snapshot has a database")
    header: dict[str, Any] = {
        "format": FORMAT,
        "id": snapshot.id,
        "at": snapshot.at.isoformat(),
        "objects": snapshot.objects,
        "bytes": snapshot.bytes,
        "new_objects": snapshot.new_objects,
        "new_bytes": snapshot.new_bytes,
        "seconds": snapshot.seconds,
        "problems": snapshot.problems,
        "previous": list(snapshot.previous) if snapshot.previous else None,
        "database": [snapshot.database.name, snapshot.database.size, snapshot.database.digest],
        "entries": entries,
        "extra": dict(snapshot.extra),
    }
    if snapshot.headers is not None:
        header["headers"] = [snapshot.headers.name, snapshot.headers.size, snapshot.headers.digest]
    return {**header, "hash": hashlib.sha256(canonical(header)).hexdigest()}


def write(store: Store, header: Mapping[str, Any], entries: SpooledTemporaryFile[bytes]) -> None:
    """Keep a manifest; from here on the snapshot exists."""

    def pieces() -> Iterator[bytes]:
        yield canonical(header) + b"\n"
        entries.seek(0)
        while piece := entries.read(BLOCK):
            yield piece

    store.put(PREFIX + header["id"], pieces())


def ids(store: Store) -> list[str]:
    """The ids of all snapshots, oldest first."""
    return sorted(found.name.removeprefix(PREFIX) for found in store.list(PREFIX))


class Manifest:
    """A manifest in a store. Raises NoSnapshot, ManifestDamaged."""

    def __init__(self, store: Store, snapshot_id: str) -> None:
        if not _ID.fullmatch(snapshot_id):
            raise NoSnapshot(snapshot_id)
        self._store = store
        self._id = snapshot_id
        line = next(self._lines(), b"")
        try:
            header = json.loads(line)
            known = header.pop("hash")
            if header["format"] != FORMAT or hashlib.sha256(canonical(header)).hexdigest() != known:
                raise ManifestDamaged(snapshot_id)
            if header["id"] != snapshot_id or not is_digest(header["entries"]):
                raise ManifestDamaged(snapshot_id)
            self._entries = str(header["entries"])
            self.snapshot = _snapshot(header, known)
        except (Malformed, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ManifestDamaged(snapshot_id) from None

    def entries(self) -> Iterator[tuple[ObjectRef, str]]:
        """Every object and its problem ("" when it was copied). Whoever relies on them reads to the end:
        ManifestDamaged comes at the latest there."""
        lines = self._lines()
        next(lines, b"")
        whole = hashlib.sha256()
        for line in lines:
            whole.update(line)
            try:
                name, digest, size, *rest = json.loads(line)
            except (ValueError, TypeError, RecursionError):
                raise ManifestDamaged(self._id) from None
            problem = str(rest[0]) if rest else ""
            if problem != INVALID and not is_object(name, digest, size):
                raise ManifestDamaged(self._id)
            yield ObjectRef(name, size, digest), problem
        if whole.hexdigest() != self._entries:
            raise ManifestDamaged(self._id)

    def check(self) -> None:
        """Read to the end. Raises ManifestDamaged."""
        for _ in self.entries():
            pass

    def _lines(self) -> Iterator[bytes]:
        try:
            yield from _split(self._store.get(PREFIX + self._id))
        except NotFound:
            raise NoSnapshot(self._id) from None
        except Corrupt:
            raise ManifestDamaged(self._id) from None


def read_all(store: Store) -> list[Snapshot]:
    """All snapshots, oldest first; one that cannot be read is there too, marked as damaged."""
    found = []
    for snapshot_id in ids(store):
        try:
            found.append(Manifest(store, snapshot_id).snapshot)
        except NoSnapshot:
            continue  # deleted meanwhile, or a stranger among the manifests
        except ManifestDamaged:
            found.append(damaged(snapshot_id))
    return found


def damaged(snapshot_id: str) -> Snapshot:
    """What is known of a snapshot from its id alone."""
    try:
        at = datetime.strptime(snapshot_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        at = datetime.min.replace(tzinfo=UTC)
    return Snapshot(snapshot_id, at, 0, 0, 0, 0, 0.0, damaged=True)


def _snapshot(header: Mapping[str, Any], known: str) -> Snapshot:
    name, size, digest = header["database"]
    previous = header["previous"]
    headers = header.get("headers")
    return Snapshot(
        id=header["id"],
        at=datetime.fromisoformat(header["at"]),
        objects=header["objects"],
        bytes=header["bytes"],
        new_objects=header["new_objects"],
        new_bytes=header["new_bytes"],
        seconds=header["seconds"],
        problems=header["problems"],
        hash=known,
        previous=(previous[0], previous[1]) if previous else None,
        database=Dump(name, size, digest),
        headers=Dump(headers[0], headers[1], headers[2]) if headers else None,
        extra=header["extra"],
    )


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest
