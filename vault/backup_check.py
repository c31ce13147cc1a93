"""Verifying: is everything there that the manifests promise, and is every byte what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from vault.backup_copy import DUMPS, OBJECTS, SHREDDED, examine, in_parallel, object_name
from vault.backup_headers import HeaderCopy, copies
from vault.backup_manifest import Manifest
from vault.backup_prunes import pruned
from vault.backup_types import (
    INVALID,
    MISSING,
    Fault,
    ManifestDamaged,
    NoSnapshot,
    Progress,
    Snapshot,
    VerifyReport,
)
from vault.store import Store

_Item = tuple[Fault, str, int]
# How it would be reported, its name in the repository, its size.


class Checker:
    """One run over some snapshots; what several of them share is checked once."""

    def __init__(self, store: Store, *, workers: int, progress: Progress) -> None:
        self._store = store
        self._workers = workers
        self._progress = progress
        self._missing: list[Fault] = []
        self._damaged: list[Fault] = []
        self._seen: set[str] = set()
        self._header_copies: list[HeaderCopy] = []
        self._shredded = self._checked = self._bytes = 0

    def run(self, snapshots: list[str], *, read_data: bool, elapsed: Callable[[], float]) -> VerifyReport:
        """See Repository.verify."""
        started = elapsed()
        sizes = {found.name: found.size for prefix in (OBJECTS, DUMPS) for found in self._store.list(prefix)}
        shredded = {found.name.removeprefix(SHREDDED) for found in self._store.list(SHREDDED)}
        manifests = self._manifests(snapshots)
        self._check_chain(manifests)
        self._header_copies = copies(self._store)
        sizes |= {copy.name: copy.size for copy in self._header_copies}
        present = self._present(self._items(manifests), sizes, shredded)
        if read_data:
            results = in_parallel(
                self._read, present, workers=self._workers, idle=lambda: None, patience=60.0
            )
            with closing(results):
                for (fault, _, size), problem in results:
                    self._bytes += size
                    self._progress("read", self._checked, self._bytes)
                    if problem:
                        (self._missing if problem == MISSING else self._damaged).append(fault)
        else:
            for _ in present:
                self._progress("check", self._checked, 0)
        return VerifyReport(
            ok=not self._missing and not self._damaged,
            snapshots=len(snapshots),
            checked=self._checked,
            bytes=self._bytes,
            missing=tuple(self._missing),
            damaged=tuple(self._damaged),
            shredded=self._shredded,
            seconds=round(elapsed() - started, 3),
        )

    def _manifests(self, snapshots: Iterable[str]) -> list[Manifest]:
        """The manifests that are whole."""
        good = []
        for snapshot_id in snapshots:
            try:
                manifest = Manifest(self._store, snapshot_id)
                manifest.check()
            except ManifestDamaged:
                self._damaged.append(Fault("manifest", snapshot_id, snapshot_id))
            else:
                good.append(manifest)
        return good

    def _check_chain(self, manifests: Iterable[Manifest]) -> None:
        """The snapshot before is the one it was then, or it was pruned and the record of that says so."""
        gone = pruned(self._store)
        for manifest in manifests:
            previous = manifest.snapshot.previous
            if previous is None:
                continue
            snapshot_id, known = previous
            try:
                now = Manifest(self._store, snapshot_id).snapshot.hash
            except NoSnapshot:
                if gone.get(snapshot_id) not in (known, ""):
                    self._fault(self._missing, Fault("manifest", snapshot_id, manifest.snapshot.id))
            except ManifestDamaged:
                self._fault(self._damaged, Fault("manifest", snapshot_id, manifest.snapshot.id))
            else:
                if now != known:
                    self._fault(self._damaged, Fault("manifest", snapshot_id, manifest.snapshot.id))

    @staticmethod
    def _fault(faults: list[Fault], fault: Fault) -> None:
        if not any((known.kind, known.name) == (fault.kind, fault.name) for known in faults):
            faults.append(fault)

    def _items(self, manifests: Iterable[Manifest]) -> Iterator[_Item]:
        """What the snapshots consist of, each thing once."""
        for manifest in manifests:
            snapshot = manifest.snapshot
            if snapshot.database is not None:
                dump = snapshot.database
                yield Fault("database", dump.name, snapshot.id, dump.digest), dump.name, dump.size
            yield from self._headers_of(snapshot)
            for ref, problem in manifest.entries():
                if problem == INVALID:
                    self._missing.append(Fault("object", str(ref.name), snapshot.id, str(ref.digest)))
                elif ref.digest not in self._seen:
                    self._seen.add(ref.digest)
                    fault = Fault("object", ref.name, snapshot.id, ref.digest)
                    yield fault, object_name(ref.digest), ref.stored

    def _headers_of(self, snapshot: Snapshot) -> Iterator[_Item]:
        """Every copy that is there, and the one of this snapshot unless a newer one has taken its place."""
        known = [(copy.name, copy.size, copy.digest) for copy in self._header_copies]
        named = snapshot.headers
        if named is not None and not any(name >= named.name for name, _, _ in known):
            known.append((named.name, named.size, named.digest))
        for name, size, digest in known:
            if digest not in self._seen:
                self._seen.add(digest)
                yield Fault("headers", name, snapshot.id, digest), name, size

    def _present(self, items: Iterable[_Item], sizes: dict[str, int], shredded: set[str]) -> Iterator[_Item]:
        """Those of the right size; the others are noted."""
        for item in items:
            fault, name, size = item
            if name not in sizes and fault.digest in shredded:
                self._shredded += 1
                continue
            self._checked += 1
            if name not in sizes:
                self._missing.append(fault)
            elif sizes[name] != size:
                self._damaged.append(fault)
            else:
                yield item

    def _read(self, item: _Item) -> str:
        fault, name, size = item
        return examine(self._store, name, size, fault.digest)
