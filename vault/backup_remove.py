"""Taking out of the repository: pruning, and the three removals that a person decides.

The order makes every step safe to die in: the record of a removal, then the manifests, then what no manifest
names any more. Whatever a killed run leaves behind is unreferenced and goes with the next pruning.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime

from vault.backup_copy import DUMPS, OBJECTS, SHREDDED, examine, object_name
from vault.backup_lease import Lease
from vault.backup_manifest import PREFIX as MANIFESTS
from vault.backup_manifest import Manifest, damaged, is_digest, read_all
from vault.backup_prunes import forget, record
from vault.backup_retention import Retention, decide
from vault.backup_types import Fault, ManifestDamaged, PruneReport, Snapshot
from vault.store import Exists, Stat, Store

_CONFIRM = 64
"""Deletions between two looks at the lease: a pruner that was asleep must not go on for long."""

_ABANDONED = 24 * 3600.0


def prune(
    store: Store, keep: Retention, lease: Lease | None, *, at: datetime, elapsed: Callable[[], float]
) -> PruneReport:
    """See Repository.prune; without a lease nothing is written."""
    started = elapsed()
    decisions = decide(read_all(store), keep)
    kept = [decision.snapshot for decision in decisions if decision.keep]
    gone = [decision.snapshot for decision in decisions if not decision.keep]
    referenced = _referenced(store, kept)
    # Manifests that vanished as a whole are an accident or an attack; the objects may still be of use.
    objects = _unreferenced(store, kept, referenced) if kept else []
    if lease is not None:
        if gone:
            record(store, at, gone)
        _delete(store, lease, [MANIFESTS + snapshot.id for snapshot in gone])
        _delete(store, lease, [found.name for found in objects])
        _delete(store, lease, _old_marks(store, referenced))
        forget(store, {snapshot.previous[0] for snapshot in kept if snapshot.previous})
        store.clear_partials(_ABANDONED)
    return PruneReport(
        decisions=decisions,
        objects=len(objects),
        bytes=sum(found.size for found in objects),
        dry_run=lease is None,
        seconds=round(elapsed() - started, 3),
    )


def forget_snapshot(store: Store, snapshot_id: str, lease: Lease, *, at: datetime) -> None:
    """Take one snapshot out, be it damaged; its objects go with the next pruning."""
    try:
        snapshot = Manifest(store, snapshot_id).snapshot
    except ManifestDamaged:
        snapshot = damaged(snapshot_id)
    record(store, at, [snapshot])
    _delete(store, lease, [MANIFESTS + snapshot_id])


def discard(store: Store, faults: Iterable[Fault], lease: Lease) -> int:
    """Delete the objects among `faults` that are really damaged; returns how many."""
    count = 0
    for fault in faults:
        if fault.kind != "object" or not is_digest(fault.digest):
            continue
        lease.keep()
        name = object_name(fault.digest)
        sizes = [found.size for found in store.list(name)]
        if sizes and examine(store, name, sizes[0], fault.digest):
            lease.confirm()
            store.delete(name)
            count += 1
    return count


def shred(store: Store, digests: Iterable[str], lease: Lease) -> None:
    """Delete objects for good, and leave a mark so that nobody takes it for a loss."""
    for digest in digests:
        if not is_digest(digest):
            raise ValueError("an object is named by its SHA-256")
        lease.confirm()
        with suppress(Exists):  # an earlier run died between the mark and the deletion
            store.put(SHREDDED + digest, [])
        store.delete(object_name(digest))


def _referenced(store: Store, kept: Iterable[Snapshot]) -> set[str]:
    """The digests of all objects that the snapshots name. Raises ManifestDamaged: who cannot read them all
    does not know what nobody needs."""
    found: set[str] = set()
    for snapshot in kept:
        found.update(str(ref.digest) for ref, _ in Manifest(store, snapshot.id).entries())
    return found


def _unreferenced(store: Store, kept: Iterable[Snapshot], referenced: Collection[str]) -> list[Stat]:
    dumps = {snapshot.database.name for snapshot in kept if snapshot.database is not None}
    objects = [found for found in store.list(OBJECTS) if found.name.removeprefix(OBJECTS) not in referenced]
    return objects + [found for found in store.list(DUMPS) if found.name not in dumps]


def _old_marks(store: Store, referenced: Collection[str]) -> list[str]:
    return [
        found.name for found in store.list(SHREDDED) if found.name.removeprefix(SHREDDED) not in referenced
    ]


def _delete(store: Store, lease: Lease, names: Iterable[str]) -> None:
    for index, name in enumerate(names):
        if index % _CONFIRM == 0:
            lease.confirm()
        else:
            lease.keep()
        store.delete(name)
