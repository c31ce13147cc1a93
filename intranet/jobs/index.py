"""Keeping the search index in step: promised entries in one write, a rebuild beside the living index, a comparison."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from search.engine import Busy, Damaged, Entry, SearchError, Unreachable

from .. import work
from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Item, Outbox
from ..verbs import entries
from ..work import Work
from . import lease
from .outbox import Done, Row, Topic, describe, drain

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
    except (Busy, Unreachable):
        raise  # no row is to blame: all of them wait
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


TOPIC = Topic("index", write, batch=BATCH)


def catch_up(house: House) -> int:
    """Write the entries that are promised by now, unless another worker is at it. How many could not be written."""
    return drain(house, {TOPIC.name: TOPIC}).get(f"{TOPIC.name}!", 0)


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
    """How many entries the new index has, and what was left out, with why. `resumed`: items that an interrupted rebuild had done."""

    written: int = 0
    resumed: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)


def rebuild(house: House, progress: Progress = lambda _n: None, *, anew: bool = False) -> Rebuilt:
    """Write the whole index anew beside the living one, then swap. Search and saving go on meanwhile. One that was interrupted
    goes on where it was, unless `anew`, or what entries are made of is no longer the same."""
    report = Rebuilt()
    session = db.session()

    def seen(made: entries.Made) -> None:
        report.left_out += _left_out(made) + [_undeclared(i) for i in sorted(made.gone)]
        progress(len(made.entries))

    def after(last: int) -> Iterator[Entry]:
        if last:
            report.resumed = session.scalar(select(func.count()).where(Item.id <= last)) or 0
            report.left_out += [_undeclared(i) for i in session.scalars(_of_no_ledger(house, last))]
            progress(report.resumed)
        return entries.every(session, house, seen, last)

    report.written = house.engine.rebuild(after, source=entries.source(session, house), anew=anew)
    if report.resumed:  # what was left out then was told to somebody else; and whatever went by both is found
        told = {row["id"] for row in report.left_out}
        report.left_out += [row for row in compare(house).left_out if row["id"] not in told]
        report.written = house.engine.count()
    return report


def _left_out(made: entries.Made) -> list[dict[str, Any]]:
    return [{"id": i, "reason": why} for i, why in made.failed.items()]


def _undeclared(item_id: int) -> dict[str, Any]:
    return {"id": item_id, "reason": "no such ledger"}


def _of_no_ledger(house: House, last: int) -> Select[tuple[int]]:
    return select(Item.id).where(Item.id <= last, Item.kind.not_in(list(house.kinds))).order_by(Item.id)


@dataclass
class Compared:
    """What differed between index and database; `mended`: it no longer does, or is promised to the worker that is at it."""

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


def compare(house: House, progress: Progress = lambda _n: None, *, mend: bool = True) -> Compared:
    """Make every entry anew and compare its fingerprint with the one in the index: words, level, state, who may find it.

    A living office writes meanwhile. What is promised in the outbox, or was written between the first look at the index
    and the last, is on its way and no difference."""
    report = Compared()
    try:
        before = dict(house.engine.fingerprints())
    except Damaged:
        before, report.damaged = {}, True
    failed: set[int] = set()

    def seen(made: entries.Made) -> None:
        failed.update(made.failed)
        report.left_out += _left_out(made)
        progress(len(made.entries) + len(made.failed))

    with db.session.session_factory() as session:  # its own: whoever asks keeps what they have read
        right = {e.id: e.fingerprint() for e in entries.every(session, house, seen)}
        ignored = failed | _on_their_way(session, house)
    report.items, report.indexed = len(right) + len(failed), len(before)
    if not report.damaged:
        after = dict(house.engine.fingerprints())
        for i in sorted((right.keys() | before.keys()) - ignored):
            if before.get(i) == after.get(i) != right.get(i):
                kind = report.extra if i not in right else report.stale if i in before else report.missing
                kind.append(i)
    if mend and not report.same:
        _mend(house, report)
    return report


def _on_their_way(session: Session, house: House) -> set[int]:
    """Items whose entry is about to be written: promised now, or with the step that has just come due."""
    now = house.clock()
    promised = select(Outbox.item_id).where(Outbox.topic == "index", Outbox.ready <= now)
    over = select(Item.id).where(Item.due > now - timedelta(hours=1), house.policy.over(now))
    return {i for i in session.scalars(promised.union(over)) if i is not None}


def _mend(house: House, report: Compared) -> None:
    """By the one way that entries are written: promised, then carried out. Whatever dies in between is done again."""
    failed = 0
    if report.damaged or len(report.missing) + len(report.stale) > report.items // 2:
        report.left_out = rebuild(house).left_out
    else:
        with work.begin(house, lease.WORKER) as w:
            for item_id in (*report.missing, *report.stale):
                w.reindex(item_id)
        failed = catch_up(house)
        for start in range(0, len(report.extra), BATCH):
            house.engine.write([], report.extra[start : start + BATCH])
    report.mended = not report.left_out and not failed


def agree(house: House, progress: Progress = lambda _n: None, *, actor: Actor = lease.WORKER) -> Compared:
    """Compare and mend, and what differed is in the log (FEATURES row 50)."""
    report = compare(house, progress)
    if not report.same:
        counts = {name: len(getattr(report, name)) for name in ("missing", "stale", "extra", "left_out")}
        log.error("index.differs", extra=counts | {"damaged": report.damaged})
        with work.begin(house, actor) as w:
            outcome = "ok" if report.mended else "alarm"
            w.record("index.mended", outcome=outcome, detail=counts | {"damaged": report.damaged})
    return report


def nightly(house: House) -> None:
    """Once a day: a rebuild that somebody began and nobody brought to its end is finished, then all is compared."""
    if house.engine.building() is not None:
        with contextlib.suppress(Busy):  # it goes on by itself
            rebuild(house)
    agree(house)


def wake(house: House) -> bool:
    """An index that has nothing while the office has something (restored, moved, lost) is made anew at once: by one worker."""
    try:
        empty = house.engine.count() == 0
    except Damaged:
        empty = True
    except Unreachable:
        return False
    if not empty or db.session.scalar(select(Item.id).limit(1)) is None:
        return False
    try:
        rebuild(house)
    except Busy:
        return False
    return True
