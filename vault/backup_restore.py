"""Restoring: every object compared with its digest on the way, the database last and in one step."""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from vault.age.errors import AgeError, NoIdentity
from vault.age.file import decrypt
from vault.age.recipients import Identity
from vault.backup_copy import (
    SHREDDED,
    Meter,
    Mismatch,
    checked,
    copy,
    decompress,
    examine,
    in_parallel,
    object_name,
)
from vault.backup_headers import copies
from vault.backup_manifest import Manifest
from vault.backup_types import (
    DAMAGED,
    INVALID,
    MISSING,
    Dump,
    Fault,
    ObjectRef,
    Progress,
    RestoreReport,
    Snapshot,
)
from vault.store import Corrupt, Exists, NotFound, Store

Sink = Callable[[Iterable[bytes]], object] | Path
"""Where the database goes: a file that is not there yet, or a function that consumes the pieces. The pieces
end with an exception when the dump is not whole; whatever the function did with them must then be undone."""


class Restorer:
    """One restore. Reads the repository only, so it works from a disk that cannot be written."""

    def __init__(self, store: Store, snapshot_id: str, *, workers: int, progress: Progress) -> None:
        self._store = store
        self._manifest = Manifest(store, snapshot_id)
        self._manifest.check()  # nothing is restored by a list that is not whole
        self._workers = workers
        self._progress = progress
        self._faults: dict[str, list[Fault]] = {MISSING: [], DAMAGED: []}
        self._objects = self._bytes = self._existing = self._shredded = 0

    def run(
        self,
        identities: Sequence[Identity],
        objects_to: Store,
        database_to: Sink,
        headers_to: Path | None,
        elapsed: Callable[[], float],
    ) -> RestoreReport:
        """See Repository.restore."""
        started = elapsed()
        snapshot = self._manifest.snapshot
        for path in (database_to, headers_to):
            if isinstance(path, Path) and path.exists():
                raise FileExistsError(f"{path} is there already")
        if snapshot.database is None:
            raise NotFound(snapshot.id)
        if identities:
            self._try_key(snapshot.database, identities)
        self._restore_objects(objects_to)
        size = self._restore_database(snapshot, snapshot.database, identities, database_to)
        used = self._restore_headers(identities, headers_to) if headers_to and snapshot.headers else ""
        missing, damaged = self._faults[MISSING], self._faults[DAMAGED]
        return RestoreReport(
            ok=not missing and not damaged,
            snapshot=snapshot.id,
            objects=self._objects,
            bytes=self._bytes,
            existing=self._existing,
            missing=tuple(missing),
            damaged=tuple(damaged),
            shredded=self._shredded,
            opened=bool(identities),
            database_bytes=size,
            extra=snapshot.extra,
            seconds=round(elapsed() - started, 3),
            headers=used,
        )

    def _try_key(self, dump: Dump, identities: Sequence[Identity]) -> None:
        """Raise NoIdentity now and not after hours of copying; other troubles are reported in their turn."""
        try:
            decrypt(self._store.get(dump.name), identities)
        except NoIdentity:
            raise
        except (AgeError, NotFound, Corrupt):
            return

    def _restore_objects(self, target: Store) -> None:
        shredded = {found.name.removeprefix(SHREDDED) for found in self._store.list(SHREDDED)}

        def work(entry: tuple[ObjectRef, str]) -> tuple[str, bool]:
            ref, problem = entry
            if problem == INVALID:
                return MISSING, False
            found, written = self._copy(ref, target)
            return ("shredded" if found == MISSING and ref.digest in shredded else found), written

        results = in_parallel(
            work, self._manifest.entries(), workers=self._workers, idle=lambda: None, patience=60.0
        )
        with closing(results):
            for (ref, _), (problem, written) in results:
                if problem == "shredded":
                    self._shredded += 1
                elif problem:
                    fault = Fault("object", str(ref.name), self._manifest.snapshot.id, str(ref.digest))
                    self._faults[problem].append(fault)
                else:
                    self._objects += 1
                    self._bytes += ref.stored
                    self._existing += not written
                self._progress("objects", self._objects, self._bytes)

    def _copy(self, ref: ObjectRef, target: Store) -> tuple[str, bool]:
        """Runs in a worker thread."""
        try:
            problem, written = copy(
                self._store, object_name(ref.digest), target, ref.name, ref.stored, ref.digest
            )
        except Exists:
            return DAMAGED, False  # the target has another object of this name and keeps it
        if not problem and not written:
            problem = examine(target, ref.name, ref.stored, ref.digest)
        return problem, written

    def _restore_database(
        self, snapshot: Snapshot, dump: Dump, identities: Sequence[Identity], sink: Sink
    ) -> int:
        """Returns the size of what came out; 0 and a fault when it was not whole."""
        return self._unseal(dump, Fault("database", dump.name, snapshot.id, dump.digest), identities, sink)

    def _restore_headers(self, identities: Sequence[Identity], path: Path) -> str:
        """The newest copy that is whole. Its name, or "" and a fault when there is none."""
        found = copies(self._store)[::-1]
        for newest in found:
            fault = Fault("headers", newest.name, self._manifest.snapshot.id, newest.digest)
            self._unseal(Dump(newest.name, newest.size, newest.digest), fault, identities, path)
            if path.exists():
                return newest.name
        if not found and (named := self._manifest.snapshot.headers):
            fault = Fault("headers", named.name, self._manifest.snapshot.id, named.digest)
            self._faults[MISSING].append(fault)
        return ""

    def _unseal(self, dump: Dump, fault: Fault, identities: Sequence[Identity], sink: Sink) -> int:
        try:
            pieces = checked(self._store.get(dump.name), dump.size, dump.digest)
            meter = Meter(self._watched(decompress(decrypt(pieces, identities)) if identities else pieces))
            if isinstance(sink, Path):
                write_file(sink, meter)
            else:
                sink(meter)
        except NotFound:
            self._faults[MISSING].append(fault)
            return 0
        except (Mismatch, Corrupt, AgeError, zlib.error, EOFError):
            self._faults[DAMAGED].append(fault)
            return 0
        return meter.size

    def _watched(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            self._progress("database", self._objects, size)
            yield piece


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file, readable by its owner only, that appears whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
