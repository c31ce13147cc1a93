"""Clearing what nobody owns: uploads that were never adopted, objects without a row, unfinished pieces of dead writers.

A deposit commits its row before the first byte, so an object without a row is never one that is arriving. A deposit ends
itself after `orphan_hours` (never less than one; `deposits.patience`), and its row and pieces are taken `GRACE` later: what
is swept is dead, in every store, without asking the store who writes.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import and_, delete, or_, select

from vault.store import Stat

from .. import work
from ..extensions import db
from ..house import House
from ..models import Blob, BlobText
from ..verbs import deposits
from . import lease

log = logging.getLogger("intranet.jobs")
OURS = re.compile(r"[0-9a-f]{32}")
BATCH = 500
GRACE = timedelta(
    hours=1
)  # for a deposit whose last byte came just in time: the store finishes, the row is written
FEW = 100  # more strangers than this, and more than a tenth of the store: not litter, but a database that is too old


class TooMany(Exception):
    """Half the store seems to belong to nobody: the database was set back. Nothing was removed."""


def orphans(house: House) -> dict[str, int]:
    """Remove what is nobody's. Raises TooMany when that is suspiciously much."""
    patience = deposits.patience(house)
    before = house.clock() - patience
    found = {"uploads": _uploads(house, before), "objects": _objects(house, before)}
    found["partials"] = house.vault.store.clear_partials((patience + GRACE).total_seconds())
    if any(found.values()):
        log.info("sweep", extra=found)
    return found


def _uploads(house: House, before: datetime) -> int:
    """Rows of uploads that no item took over, with their objects. Locked one by one: adopting one wins or loses whole."""
    session = db.session()
    session.rollback()
    dead = or_(
        and_(Blob.state == "pending", Blob.created < before - GRACE),
        and_(Blob.state == "stored", Blob.created < before),
    )
    query = select(Blob.id).where(Blob.item_id.is_(None), dead)
    count = 0
    for blob_id in session.scalars(query.order_by(Blob.id)).all():
        with work.begin(house, lease.WORKER) as w:
            again = select(Blob).where(Blob.id == blob_id, Blob.item_id.is_(None), dead).with_for_update()
            blob = w.session.scalar(again.execution_options(populate_existing=True))
            if blob is None:
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
