"""Records of what was taken out of the repository on purpose: without them a snapshot that was pruned
looks like one that was stolen."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from vault.backup_types import Snapshot
from vault.chain import canonical
from vault.store import NotFound, Store

PREFIX = "prunes/"


def record(store: Store, at: datetime, removed: Sequence[Snapshot]) -> None:
    """Say which snapshots are about to go; written before they do."""
    entry = {"at": at.isoformat(), "removed": [[snapshot.id, snapshot.hash] for snapshot in removed]}
    store.put(f"{PREFIX}{at:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}", [canonical(entry) + b"\n"])


def pruned(store: Store) -> dict[str, str]:
    """Id and hash ("" if it was unreadable) of what was taken out. An unreadable record says nothing."""
    found: dict[str, str] = {}
    for name in [entry.name for entry in store.list(PREFIX)]:
        try:
            removed = json.loads(b"".join(store.get(name)))["removed"]
            found.update({str(snapshot_id): str(known) for snapshot_id, known in removed})
        except (NotFound, ValueError, KeyError, TypeError):
            continue
    return found


def forget(store: Store, needed: Collection[str]) -> None:
    """Delete the records that name none of the `needed` snapshots: no snapshot left points there."""
    for name in [entry.name for entry in store.list(PREFIX)]:
        try:
            removed = json.loads(b"".join(store.get(name)))["removed"]
            wanted = any(snapshot_id in needed for snapshot_id, _ in removed)
        except (NotFound, ValueError, KeyError, TypeError):
            wanted = False
        if not wanted:
            store.delete(name)
