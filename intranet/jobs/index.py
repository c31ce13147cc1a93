"""Keeping the search index in step: promised entries in one write, a rebuild beside the living index, a comparison."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from search.engine import Busy, Damaged, Entry, SearchError

from .. import work
from ..extensions import db
from ..house import House
from ..models import Item, Outbox
from ..verbs import entries
from ..work import Work
from . import lease
from .outbox import Done, Row, describe

log = logging.getLogger("intranet.jobs")
BATCH = 200


def write(house: House, rows: Sequence[Row]) -> Done:
    """The entries of these rows: each item once, however often it was saved, all in one write of the engine."""
    session = db.session()
    ids = list(dict.fromkeys(row.item_id for row in rows if row.item_id is not None))
    made = entries.entries(session, house, ids)
    session.rollback()
    failed = dict(made.failed)
    try:
        house.engine.write(made.entries, made.gone)
    except Damaged:
        log.error("index.damaged", extra={"mending": "rebuild"})
        rebuild(house)
    except Busy:
        raise
    except SearchError as error:
        failed |= _one_by_one(house, made.entries, describe(error))

    def again(w: Work) -> None:
        # Another worker may have written a newer entry that ours has now replaced: the item is indexed once more.
        for item_id in ids:
            w.reindex(item_id)

    return Done({row.id: failed[row.item_id] for row in rows if row.item_id in failed}, lost=again)


def _one_by_one(house: House, made: Sequence[Entry], why: str) -> dict[int, str]:
    """The write as a whole failed: find which entries it is that cannot be written."""
    if len(made) <= 1:
        return {e.id: why for e in made}
    failed: dict[int, str] = {}
    for one in made:
        try:
            house.engine.write([one], ())
        except SearchError as error:
            failed[one.id] = describe(error)
    return failed


def repository(house: House, row: Row) -> None:
    """The readers of a repository changed: its items are indexed anew."""
    with work.begin(house, lease.WORKER) as w:
        for item_id in w.session.scalars(
            select(Item.id).where(Item.repository_id == row.payload["repository"])
        ):
            w.reindex(item_id)


Progress = Callable[[int], None]


@dataclass
class Rebuilt:
    """How many entries the new index has, and what was left out, with why."""

    written: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)


def rebuild(house: House, progress: Progress = lambda _n: None) -> Rebuilt:
    """Write the whole index anew beside the living one, then swap. Search and saving go on meanwhile."""
    report = Rebuilt()

    def seen(made: entries.Made) -> None:
        report.left_out += [{"id": i, "reason": why} for i, why in made.failed.items()]
        report.left_out += [{"id": i, "reason": "no such ledger"} for i in sorted(made.gone)]
        progress(len(made.entries))

    report.written = house.engine.rebuild(entries.every(db.session(), house, seen))
    return report


@dataclass
class Compared:
    """What differed between index and database; `mended`: it no longer does."""

    items: int = 0
    indexed: int = 0
    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    damaged: bool = False
    mended: bool = False
    left_out: list[dict[str, Any]] = field(default_factory=list)

    @property
    def same(self) -> bool:
        return not (self.missing or self.stale or self.extra or self.damaged or self.left_out)


def compare(house: House, *, mend: bool = True) -> Compared:
    """Compare ids and times of index and database; write what is missing or old, remove what is too much.

    What is still promised in the outbox is on its way and no difference."""
    report = Compared()
    session = db.session()
    session.rollback()
    try:
        indexed = dict(house.engine.ids())
    except SearchError:
        indexed, report.damaged = {}, True
    promised = select(Outbox.item_id).where(Outbox.topic == "index", Outbox.ready <= house.clock())
    waiting = set(session.scalars(promised))
    rows = session.execute(select(Item.id, Item.kind, Item.updated).order_by(Item.id))
    known = {i: entries.stamp(updated) for i, kind, updated in rows if kind in house.kinds}
    report.items, report.indexed = len(known), len(indexed)
    if not report.damaged:
        report.missing = [i for i in known if i not in indexed and i not in waiting]
        report.stale = [i for i in known if i in indexed and indexed[i] != known[i] and i not in waiting]
        report.extra = [i for i in indexed if i not in known]
    if report.same or not mend:
        return report
    if report.damaged:
        report.left_out = rebuild(house).left_out
    else:
        for ids in _batches([*report.missing, *report.stale]):
            made = entries.entries(session, house, ids)
            house.engine.write(made.entries, made.gone)
            report.left_out += [{"id": i, "reason": why} for i, why in made.failed.items()]
        for ids in _batches(report.extra):
            house.engine.write([], ids)
    report.mended = not report.left_out
    return report


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def nightly(house: House) -> None:
    """Once a day: index and database agree, or are made to, and it is said (FEATURES row 50)."""
    report = compare(house)
    if not report.same:
        log.error(
            "index.differs",
            extra={"missing": len(report.missing), "stale": len(report.stale), "extra": len(report.extra)},
        )
        with work.begin(house, lease.WORKER) as w:
            w.record(
                "index.mended",
                outcome="ok" if report.mended else "alarm",
                detail={
                    "missing": len(report.missing), "stale": len(report.stale), "extra": len(report.extra),
                    "damaged": report.damaged,
                },
            )  # fmt: skip


def wake(house: House) -> bool:
    """An index that has nothing while the office has something (restored, moved, lost) is made anew at once."""
    try:
        empty = house.engine.count() == 0
    except SearchError:
        empty = True
    if not empty or db.session.scalar(select(Item.id).limit(1)) is None:
        return False
    rebuild(house)
    return True
