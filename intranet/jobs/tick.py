"""What runs by the clock, and how often. Each job has its lease: one worker does it, the others go by.

A job that fails keeps its error, is tried again at its next time, and stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from sqlalchemy import select

from ..extensions import db
from ..house import House
from ..models import Lease
from . import backup, expire, heads, index, lease, remind, sweep, verify, watch
from .outbox import describe

log = logging.getLogger("intranet.jobs")
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Job:
    """One thing that is due every so many seconds; `hold`: how long it may take before another worker takes over.
    `stops`: it is long, is given `stop` too, and ends early when that is set."""

    name: str
    run: Callable[..., object]
    every: float
    hold: float = 5 * MINUTE
    stops: bool = False


def ended_grants(house: House) -> int:
    return expire.grants(house, "grants")


#: Short ones, beside which the outbox does not wait.
QUICK: Sequence[Job] = (
    Job("expire", expire.notices, 20),
    Job("grants", ended_grants, MINUTE),
    Job("clocks", remind.clocks, MINUTE),
    Job("loans", remind.loans, 15 * MINUTE),
    Job("slips", remind.slips, 15 * MINUTE),
    Job("searches", watch.alerts, 20),
)
#: Long ones, beside which everything else goes on.
SLOW: Sequence[Job] = (
    Job("header-copies", backup.headers, HOUR),
    Job("sweep", sweep.orphans, HOUR, hold=2 * HOUR),
    Job(verify.LEASE, verify.rolling, verify.EVERY, hold=verify.HOLD, stops=True),
    Job("index-alive", index.wake, MINUTE, hold=2 * HOUR),
    Job("index-check", index.nightly, 24 * HOUR, hold=2 * HOUR),
)


def run(house: House, jobs: Sequence[Job], stop: Event | None = None) -> dict[str, int]:
    """Run those of the jobs whose time has come. What each did, where it did something; `name!` where it failed."""
    counts: dict[str, int] = {}
    for job in due(house, jobs):
        if stop is not None and stop.is_set():
            break
        if not lease.take(house, job.name, job.hold):
            continue
        error = ""
        try:
            did = job.run(house, stop) if job.stops else job.run(house)
            count = sum(did.values()) if isinstance(did, dict) else did
            if isinstance(count, int) and count:
                counts[job.name] = count
        except Exception as failed:  # kept with the lease, told to the operator; the other jobs go on
            error = describe(failed)
            counts[f"{job.name}!"] = 1
            log.exception("job", extra={"job": job.name})
        following = house.clock() + timedelta(seconds=job.every)
        lease.give_back(house, job.name, error=error, next_run=following)
    return counts


def due(house: House, jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose time has come and that nobody holds. One statement."""
    session = db.session()
    session.rollback()
    now = house.clock()
    names = [job.name for job in jobs]
    rows = session.execute(select(Lease.name, Lease.next_run, Lease.until).where(Lease.name.in_(names))).all()
    session.rollback()
    later = {name for name, following, _until in rows if following is not None and following > now}
    return [job for job in jobs if job.name not in later]


def always(house: House) -> None:
    """What follows every change at once: the head of the audit chain leaves the database."""
    heads.keep(house)


def long_work(house: House) -> int:
    """Backups keep their own time and lease."""
    return backup.due(house)
