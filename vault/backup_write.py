"""Making a snapshot: the dump, the header copy, then the objects that are new, then, last, the manifest."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

from vault.age.file import encrypt
from vault.age.keyfile import parse_recipient
from vault.age.recipients import Recipient
from vault.backup_copy import DUMPS, OBJECTS, Meter, compress, copy, examine, in_parallel, object_name
from vault.backup_headers import Header, keep, new_id
from vault.backup_lease import Lease
from vault.backup_manifest import PREFIX as MANIFESTS
from vault.backup_manifest import entry_line, header_of, is_object, read_all, write
from vault.backup_types import INVALID, Dump, LeaseLost, ObjectRef, Progress, Snapshot
from vault.chain import canonical
from vault.store import Store

_SPOOL = 8 << 20


class Writer:
    """One run. Everything it writes before the manifest is either reused or cleared away by later runs."""

    def __init__(
        self, store: Store, source: Store, lease: Lease, *, workers: int, patience: float, progress: Progress
    ) -> None:
        self._store = store
        self._source = source
        self._lease = lease
        self._workers = workers
        self._patience = patience
        self._progress = progress
        self._present = {
            found.name.removeprefix(OBJECTS): found.size for found in store.list(OBJECTS)
        }  # one listing is far cheaper than asking for each object
        self._objects = self._bytes = self._new_objects = self._new_bytes = self._problems = 0

    def run(
        self,
        *,
        at: datetime,
        database: Iterable[bytes],
        headers: Iterable[Header],
        recipients: Sequence[str],
        objects: Iterable[ObjectRef],
        extra: Mapping[str, Any],
        elapsed: Callable[[], float],
    ) -> Snapshot:
        """See Repository.snapshot."""
        started = elapsed()
        canonical(extra)  # what cannot be kept is refused before hours of work, not after
        everybody = [parse_recipient(recipient) for recipient in recipients]
        known = [snapshot for snapshot in read_all(self._store) if not snapshot.damaged]
        snapshot_id = new_id(at)
        dump = self._dump(f"{DUMPS}{snapshot_id}.age", database, everybody)
        header_copy = keep(self._store, snapshot_id, self._counted(headers), everybody)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as entries:
            digest = self._copy_all(objects, entries)
            snapshot = Snapshot(
                id=snapshot_id,
                at=at,
                objects=self._objects,
                bytes=self._bytes + dump.size + header_copy.size,
                new_objects=self._new_objects,
                new_bytes=self._new_bytes + dump.size + header_copy.size,
                seconds=round(elapsed() - started, 3),
                problems=self._problems,
                previous=(known[-1].id, known[-1].hash) if known else None,
                database=dump,
                headers=header_copy,
                extra=extra,
            )
            header = header_of(snapshot, digest)
            # Whoever lost the lease may have lost objects to a pruning: such a snapshot must not appear.
            self._lease.confirm()
            write(self._store, header, entries)
        try:
            self._lease.confirm()
        except LeaseLost:
            self._store.delete(MANIFESTS + snapshot_id)
            raise
        return replace(snapshot, hash=header["hash"])

    def _dump(self, name: str, database: Iterable[bytes], recipients: Sequence[Recipient]) -> Dump:
        sealed = Meter(encrypt(compress(self._watched(database)), recipients))
        self._store.put(name, sealed)
        return Dump(name, sealed.size, sealed.digest)

    def _watched(self, database: Iterable[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in database:
            self._lease.keep()
            size += len(piece)
            self._progress("database", 0, size)
            yield piece

    def _counted(self, headers: Iterable[Header]) -> Iterator[Header]:
        self._progress("headers", 0, 0)
        for header in headers:
            self._lease.keep()
            yield header

    def _copy_all(self, objects: Iterable[ObjectRef], entries: tempfile.SpooledTemporaryFile[bytes]) -> str:
        """Copy what is new, list everything in `entries`; returns the digest of the list."""
        whole = hashlib.sha256()
        results = in_parallel(
            self._copy, objects, workers=self._workers, idle=self._lease.keep, patience=self._patience
        )
        with closing(results):  # no worker outlives the lease
            for ref, (problem, new) in results:
                line = entry_line(ref, problem)
                whole.update(line)
                entries.write(line)
                self._objects += 1
                if problem:
                    self._problems += 1
                else:
                    self._bytes += ref.stored
                    self._new_objects += new
                    self._new_bytes += ref.stored * new
                self._progress("objects", self._objects, self._bytes)
        return whole.hexdigest()

    def _copy(self, ref: ObjectRef) -> tuple[str, bool]:
        """Runs in a worker thread: ("" or the problem, whether bytes were written)."""
        if not is_object(ref.name, ref.digest, ref.stored):
            return INVALID, False
        name = object_name(ref.digest)
        size = self._present.get(ref.digest)
        if size == ref.stored:
            return "", False
        if size is not None:
            if not examine(self._store, name, size, ref.digest):
                return INVALID, False  # ours is what its name says, so it is the reference that is wrong
            self._store.delete(name)  # damaged here: make room for a good copy
        problem, written = copy(self._source, ref.name, self._store, name, ref.stored, ref.digest)
        if not problem:
            self._present[ref.digest] = ref.stored
        return problem, written
