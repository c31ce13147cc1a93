"""Draining the outbox: effects that a transaction promised, carried out until they succeed.

A row goes only after its effect is done, so whatever dies in between is done again; every effect may be done twice. A row
that fails waits longer each time and keeps its error, the others do not wait for it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

from sqlalchemy import delete, func, select

from .. import work
from ..extensions import db
from ..house import House
from ..models import Outbox
from ..work import Work
from . import lease

log = logging.getLogger("intranet.jobs")
FIRST_WAIT, LONGEST_WAIT = 2, 3600  # seconds before a failed row is tried again: 2, 4, 8 … up to an hour


@dataclass(frozen=True)
class Row:
    """One promised effect."""

    id: int
    item_id: int | None
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """What came of a batch: rows that failed, with why. `lost` is run in the transaction that removes the others where
    the lease had gone to another worker meanwhile."""

    failed: Mapping[int, str] = field(default_factory=dict)
    lost: Callable[[Work], None] = lambda _w: None


@dataclass(frozen=True)
class Topic:
    """How rows of one topic are carried out: by whom, how many at once, and for how long the lease is taken."""

    name: str
    run: Callable[[House, Sequence[Row]], Done]
    batch: int = 1
    seconds: float = 60


def each(effect: Callable[[House, Row], None]) -> Callable[[House, Sequence[Row]], Done]:
    """A topic of single effects: one that raises fails alone."""

    def run(house: House, rows: Sequence[Row]) -> Done:
        failed: dict[int, str] = {}
        for row in rows:
            try:
                effect(house, row)
            except Exception as error:  # noqa: BLE001  kept with the row; the next one is tried
                failed[row.id] = describe(error)
        return Done(failed)

    return run


def describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def ready(house: House, topics: Mapping[str, Topic]) -> dict[str, int]:
    """How many rows of each topic may be carried out now, in the order of `topics`. One statement; the session is left fresh."""
    session = db.session()
    session.rollback()
    query = select(Outbox.topic, func.count()).where(
        Outbox.topic.in_(list(topics)), Outbox.ready <= house.clock()
    )
    found = dict(session.execute(query.group_by(Outbox.topic)).all())
    session.rollback()
    return {name: found[name] for name in topics if name in found}


def drain(
    house: House, topics: Mapping[str, Topic], stop: Event | None = None, seconds: float = math.inf
) -> dict[str, int]:
    """Carry out what is due until nothing is, until told to stop, or, after a batch, until `seconds` have passed: what runs
    beside it has its turn then. Rows done, by topic; failed ones as `topic!`."""
    counts: dict[str, int] = {}
    until = time.monotonic() + seconds
    for name in ready(house, topics):
        topic, key = topics[name], f"outbox:{name}"
        while not (stop is not None and stop.is_set()) and lease.take(house, key, topic.seconds):
            rows = _batch(house, topic)
            if not rows:
                lease.give_back(house, key)
                break
            done = _carried_out(house, topic, rows)
            last = len(rows) < topic.batch or time.monotonic() >= until
            _finish(house, key, rows, done, release=last)
            counts[name] = counts.get(name, 0) + len(rows) - len(done.failed)
            if done.failed:
                counts[f"{name}!"] = counts.get(f"{name}!", 0) + len(done.failed)
                log.warning("outbox", extra={"topic": name, "failed": list(done.failed.values())[:5]})
            if last:
                break
        else:
            if stop is not None and stop.is_set():
                lease.give_back(house, key)
    return counts


def _batch(house: House, topic: Topic) -> list[Row]:
    session = db.session()
    session.rollback()  # the newest state of rows and of what they name: one snapshot for both
    query = select(Outbox.id, Outbox.item_id, Outbox.payload).where(
        Outbox.topic == topic.name, Outbox.ready <= house.clock()
    )
    return [Row(*row) for row in session.execute(query.order_by(Outbox.ready, Outbox.id).limit(topic.batch))]


def _carried_out(house: House, topic: Topic, rows: Sequence[Row]) -> Done:
    try:
        return topic.run(house, rows)
    except Exception as error:  # noqa: BLE001  a whole batch failed (store away, disk full): every row waits
        return Done({row.id: describe(error) for row in rows})


def _finish(house: House, key: str, rows: Sequence[Row], done: Done, *, release: bool) -> None:
    with work.begin(house, lease.WORKER) as w:
        if not lease.held(w, key):
            done.lost(w)
        elif release:
            lease.release(w, key, error=next(iter(done.failed.values()), ""))
        well = [row.id for row in rows if row.id not in done.failed]
        w.session.execute(delete(Outbox).where(Outbox.id.in_(well)))
        if done.failed:
            query = select(Outbox).where(Outbox.id.in_(done.failed)).execution_options(populate_existing=True)
            for row in w.session.scalars(query):
                row.tries += 1
                row.error = done.failed[row.id][:300]
                row.ready = w.now + timedelta(seconds=min(FIRST_WAIT ** min(row.tries, 12), LONGEST_WAIT))
