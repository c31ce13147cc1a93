"""A backup repository over any store: snapshots of the database and all sealed objects.

Sealed objects are written once and never change, so a snapshot copies only what is new. In the repository:

    snapshots/<id>      manifest: what the snapshot consists of (vault/backup_manifest.py)
    dumps/<id>.age      the database, gzip inside an age file for the backup recipients:
                        ``age -d -i backup.key <file> | gunzip`` opens it without this product
    headers/<id>-<sha256>.age     the headers of all objects, kept for days only (vault/backup_headers.py)
    objects/<sha256>    sealed bodies as they lie in the source; ``sha256sum`` checks them without it
    lease/ prunes/ shredded/      who is writing; what was taken out on purpose

Whoever runs backups holds recipients only and can read nothing. To restore to plain text takes the backup
identity (the database and the headers of all objects) and, to read an object, the identity of its level;
keep both away from the repository. Nothing stands in it in clear but random names, sizes, times and what
the caller puts into `extra`.

No clock in here: the caller says what time it is, `elapsed` how much of it has passed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from vault.age.keyfile import parse_recipient
from vault.age.recipients import Identity
from vault.backup_check import Checker
from vault.backup_headers import Header, HeaderCopy, HeadersShrank, copies, expire, keep, new_id
from vault.backup_lease import Lease
from vault.backup_manifest import ids, read_all
from vault.backup_remove import discard, forget_snapshot, prune, shred
from vault.backup_restore import Restorer, Sink
from vault.backup_retention import Retention, decide
from vault.backup_types import (
    BackupError,
    Busy,
    Decision,
    Dump,
    Fault,
    LeaseLost,
    ManifestDamaged,
    NoSnapshot,
    ObjectRef,
    Progress,
    PruneReport,
    RestoreReport,
    Snapshot,
    VerifyReport,
    utc,
)
from vault.backup_write import Writer
from vault.store import Store

__all__ = [
    "BackupError",
    "Busy",
    "Decision",
    "Dump",
    "Fault",
    "Header",
    "HeaderCopy",
    "HeadersShrank",
    "LeaseLost",
    "ManifestDamaged",
    "NoSnapshot",
    "ObjectRef",
    "Progress",
    "PruneReport",
    "Repository",
    "RestoreReport",
    "Retention",
    "Sink",
    "Snapshot",
    "VerifyReport",
    "decide",
]

_TTL = timedelta(minutes=15)


def _boot_time() -> float:
    """Seconds that also pass while the machine sleeps, as a lease does (where the system can tell)."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _silent(step: str, objects: int, size: int) -> None:
    """Nobody watches."""


class Repository:
    """See above. Every method that writes needs the time, holds the lease and raises Busy, LeaseLost and
    Unavailable; those that only read also work on a medium that cannot be written."""

    def __init__(
        self,
        store: Store,
        *,
        workers: int = 4,
        ttl: timedelta = _TTL,
        elapsed: Callable[[], float] = _boot_time,
    ) -> None:
        if workers < 1 or ttl <= timedelta(0):
            raise ValueError("a repository needs a worker and a lease that lasts")
        self._store = store
        self._workers = workers
        self._ttl = ttl
        self._elapsed = elapsed

    def snapshot(
        self,
        *,
        at: datetime,
        database: Iterable[bytes],
        recipients: Sequence[str],
        objects: Iterable[ObjectRef],
        source: Store,
        headers: Iterable[Header] = (),
        extra: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Snapshot:
        """Back up the plain `database` dump and the `headers`, sealed for the age `recipients`, and all `objects`
        of `source`. The dump holds no header: those live shorter, see `expire_headers`.

        `database`, `headers` and `objects` are read one after the other, all by the calling thread: a list taken
        from the same state as the dump makes a consistent set. The manifest is written last, so a run that
        dies leaves no snapshot, and the next one reuses what it copied. An object that cannot be copied
        is a problem of the snapshot (`complete` is false), not an error. `extra` is plain JSON and lies in
        clear. Raises ValueError for no recipients or a bad one.
        """
        moment = utc(at)
        with self._lease("snapshot", moment) as lease:
            writer = Writer(
                self._store,
                source,
                lease,
                workers=self._workers,
                patience=self._ttl.total_seconds() / 6,
                progress=progress or _silent,
            )
            return writer.run(
                at=moment,
                database=database,
                headers=headers,
                recipients=recipients,
                objects=objects,
                extra=extra or {},
                elapsed=self._elapsed,
            )

    def list(self) -> list[Snapshot]:
        """All snapshots, oldest first; one with an unreadable manifest is marked as damaged."""
        return read_all(self._store)

    def keep_headers(
        self, *, at: datetime, headers: Iterable[Header], recipients: Sequence[str]
    ) -> HeaderCopy:
        """A header copy without a snapshot: where none succeeds for days, the last copy must not outlive the
        retention."""
        moment = utc(at)
        everybody = [parse_recipient(recipient) for recipient in recipients]
        with self._lease("headers", moment):
            made = keep(self._store, new_id(moment), headers, everybody)
        return HeaderCopy(made.name, moment, made.size, made.digest)

    def header_copies(self) -> Sequence[HeaderCopy]:
        """All header copies, oldest first."""
        return copies(self._store)

    def expire_headers(self, retention: timedelta, *, at: datetime, anyway: bool = False) -> int:
        """Delete the header copies older than `retention`, but never the newest; how many. Raises HeadersShrank
        when the newest has lost half of what they have, unless told to go on `anyway`."""
        moment = utc(at)
        with self._lease("headers", moment) as lease:
            return expire(self._store, retention, lease, at=moment, anyway=anyway)

    def verify(
        self, snapshot_id: str | None = None, *, read_data: bool = False, progress: Progress | None = None
    ) -> VerifyReport:
        """Check one snapshot, or all: the manifests and their chain, and that every object, dump and header copy is
        there with its size (a header copy may be gone once there is a newer one); with `read_data` every byte is hashed again. Raises NoSnapshot."""
        checker = Checker(self._store, workers=self._workers, progress=progress or _silent)
        chosen = ids(self._store)[::-1] if snapshot_id is None else [snapshot_id]
        return checker.run(chosen, read_data=read_data, elapsed=self._elapsed)

    def restore(
        self,
        snapshot_id: str,
        identities: Sequence[Identity],
        objects_to: Store,
        database_to: Sink,
        headers_to: Path | None = None,
        *,
        progress: Progress | None = None,
    ) -> RestoreReport:
        """Copy the objects into `objects_to` under the names they had, then the database to `database_to`, then
        the newest good header copy to `headers_to`: the headers of today serve a snapshot of any age.

        With the backup identity the dump is opened; with no identities it comes out sealed as it is. Every
        byte is compared with its digest; an object that the target has already is compared and kept. What
        is missing or damaged is reported, the rest restored; a database file appears whole or not at all.
        Raises NoSnapshot, ManifestDamaged, NoIdentity, FileExistsError before anything is written.
        """
        restorer = Restorer(self._store, snapshot_id, workers=self._workers, progress=progress or _silent)
        return restorer.run(identities, objects_to, database_to, headers_to, self._elapsed)

    def prune(self, keep: Retention, *, at: datetime, dry_run: bool = False) -> PruneReport:
        """Delete the snapshots that `keep` lets go, and whatever no snapshot names. A dry run gives the same
        report and writes nothing. Raises ManifestDamaged when a manifest that stays cannot be read: it may
        need any object; see `forget`."""
        moment = utc(at)
        if dry_run:
            return prune(self._store, keep, None, at=moment, elapsed=self._elapsed)
        with self._lease("prune", moment) as lease:
            return prune(self._store, keep, lease, at=moment, elapsed=self._elapsed)

    def forget(self, snapshot_id: str, *, at: datetime) -> None:
        """Take out one snapshot, for instance a damaged one that stops pruning. Raises NoSnapshot."""
        moment = utc(at)
        with self._lease("forget", moment) as lease:
            forget_snapshot(self._store, snapshot_id, lease, at=moment)

    def discard(self, faults: Iterable[Fault], *, at: datetime) -> int:
        """Delete the objects among `faults` (of a report) whose bytes are really damaged, so that the next
        snapshot copies them from the source again. Returns how many."""
        with self._lease("discard", utc(at)) as lease:
            return discard(self._store, faults, lease)

    def shred(self, digests: Iterable[str], *, at: datetime) -> None:
        """Delete the bodies of destroyed files from all snapshots (销毁): their headers lie sealed in
        header copies until those expire, but there is nothing left to open here. Reports count them as shredded."""
        with self._lease("shred", utc(at)) as lease:
            shred(self._store, digests, lease)

    def _lease(self, purpose: str, at: datetime) -> Lease:
        return Lease(self._store, purpose, at=at, elapsed=self._elapsed, ttl=self._ttl)
