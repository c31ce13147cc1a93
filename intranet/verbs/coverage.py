"""How much of the vault was read to its last byte, and when: counts by level, nothing that names a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from ..house import House
from ..models import Audit, Blob, Lease
from .deposits import LIVE
from .verifying import AGE

GRACE = timedelta(days=2)  # how much later than `verify_days` is a problem and not a delay
RUNS = 5


@dataclass(frozen=True, slots=True)
class Covered:
    """One level. `fresh`: verified within `verify_days` and good; `oldest`: of the verifications, None without any;
    `overdue`: longer unread than `verify_days` and GRACE; `due`: by when the longest unread is to be read again."""

    level: int
    objects: int
    bytes: int
    fresh: int
    never: int
    damaged: int
    overdue: int
    oldest: datetime | None
    due: datetime | None

    @property
    def percent(self) -> int:
        """Rounded down: 100 means all."""
        return self.fresh * 100 // self.objects if self.objects else 100


@dataclass(frozen=True, slots=True)
class Coverage:
    """`runs`: verifications by hand, (when, outcome), newest first. `complete`: by when each object now here is read."""

    levels: Sequence[Covered]
    days: int
    complete: datetime | None
    job: Lease | None
    runs: Sequence[tuple[str, str]]

    def total(self, name: str) -> int:
        return sum(getattr(c, name) for c in self.levels)


def levels(session: Session, house: House, now: datetime) -> tuple[list[Covered], datetime | None]:
    """Each level that has objects, and the newest deposit that was never read. One statement."""
    span = timedelta(days=house.settings.verify_days)
    good = and_(Blob.damaged.is_(None), Blob.verified >= now - span)
    query = (
        select(
            Blob.level, func.count(), func.sum(Blob.stored), func.count().filter(good),
            func.count().filter(Blob.verified.is_(None)), func.count().filter(Blob.damaged.is_not(None)),
            func.count().filter(now - span - GRACE > AGE), func.min(Blob.verified), func.min(AGE),
            func.max(Blob.created).filter(Blob.verified.is_(None)),
        )
        .where(Blob.state.in_(LIVE))
        .group_by(Blob.level)
        .order_by(Blob.level)
    )  # fmt: skip
    rows = session.execute(query).all()
    found = [Covered(*row[:6], row[6], row[7], row[8] + span if row[8] else None) for row in rows]
    return found, max((row[9] for row in rows if row[9] is not None), default=None)


def report(session: Session, house: House, now: datetime) -> Coverage:
    """The whole report. Three statements, however many objects."""
    found, newest = levels(session, house, now)
    runs = select(Audit.at, Audit.outcome).where(Audit.action == "vault.verify").order_by(Audit.seq.desc())
    return Coverage(
        found,
        house.settings.verify_days,
        newest + timedelta(days=house.settings.verify_days) if newest else None,
        session.get(Lease, "verify"),
        [(at, outcome) for at, outcome in session.execute(runs.limit(RUNS))],
    )
