"""Clearing what nobody owns: uploads that were never adopted, objects without a row, unfinished pieces of dead writers.

A deposit commits its row before the first byte, so an object without a row is never one that is arriving; and nothing younger
than `orphan_hours` (never less than one) is touched, so a slow upload is not either.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import delete, select

from vault.store import Stat

from .. import work
from ..extensions import db
from ..house import House
from ..models import Blob, BlobText
from . import lease

log = logging.getLogger("intranet.jobs")
OURS = re.compile(r"[0-9a-f]{32}")
BATCH = 500
FEW = 100  # more strangers than this, and more than a tenth of the store: not litter, but a database that is too old


class TooMany(Exception):
    """Half the store seems to belong to nobody: the database was set back. Nothing was removed."""


def orphans(house: House) -> dict[str, int]:
    """Remove what is nobody's. Raises TooMany when that is suspiciously much."""
    hours = max(1, house.settings.orphan_hours)
    before = house.clock() - timedelta(hours=hours)
    found = {"uploads": _uploads(house, before), "objects": _objects(house, before)}
    found["partials"] = house.vault.store.clear_partials(hours * 3600)
    if any(found.values()):
        log.info("sweep", extra=found)
    return found


def _uploads(house: House, before: datetime) -> int:
    """Rows of uploads that no item took over, with their objects. Locked one by one: adopting one wins or loses whole."""
    session = db.session()
    session.rollback()
    query = select(Blob.id).where(
        Blob.item_id.is_(None), Blob.state.in_(("pending", "stored")), Blob.created < before
    )
    count = 0
    for blob_id in session.scalars(query.order_by(Blob.id)).all():
        with work.begin(house, lease.WORKER) as w:
            blob = w.session.get(Blob, blob_id, with_for_update=True, populate_existing=True)
            if blob is None or blob.item_id is not None or blob.created >= before:
                continue
            name = blob.name
            w.session.execute(delete(BlobText).where(BlobText.blob_id == blob_id))
            w.session.delete(blob)
            w.after("shred", name=name)  # with the row gone nobody can adopt it; the object follows
            w.record("body.orphan", detail={"blob": blob_id, "name": name})
            count += 1
    return count


def _objects(house: House, before: datetime) -> int:
    """Objects that no row names: left by a crash between the store and the database."""
    strangers, total = [], 0
    listed = iter(house.vault.store.list())
    while batch := list(islice(listed, BATCH)):
        total += len(batch)
        old = [s for s in batch if OURS.fullmatch(s.name) and s.modified < before]
        strangers += _unnamed(old)
    if len(strangers) > FEW and len(strangers) * 10 > total:
        raise TooMany(f"{len(strangers)} of {total} objects have no row")
    for name in strangers:
        house.vault.shred(name)
    return len(strangers)


def _unnamed(objects: list[Stat]) -> list[str]:
    session = db.session()
    session.rollback()
    names = [s.name for s in objects]
    known = set(session.scalars(select(Blob.name).where(Blob.name.in_(names))))
    return [name for name in names if name not in known]


__all__ = ["TooMany", "orphans"]
