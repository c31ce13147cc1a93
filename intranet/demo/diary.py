"""The diary of the demo: who did what and when. Entries are data with a plain function; the loader carries them out in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from vault.levels import Level

from ..models import Approval, DisposalRow, Item, Loan, Person, Place, Repository, Unit
from ..work import Work

Act = Callable[[Work, Sequence[int]], Any]


@dataclass(frozen=True)
class File:
    """A file to be sealed before the entry's own transaction; made only when it is needed."""

    name: str
    make: Callable[[], bytes]
    field: str = "files"


@dataclass(frozen=True)
class Entry:
    """One change by one person. `login` of the form `cli:…` is the installation itself."""

    at: datetime
    login: str
    act: Act
    files: tuple[File, ...] = ()
    level: Level = Level.INTERNAL


class Diary:
    """Collects entries relative to `now`. The same `now` gives the same diary, to the minute."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self.now = now
        self.zone = zone
        self.today: date = now.astimezone(zone).date()
        self.random = Random(20261123)
        self.entries: list[Entry] = []

    def moment(self, days: float, hour: int = 0) -> datetime:
        """A working hour `days` before today, never in the future."""
        day = datetime.combine(self.today, datetime.min.time(), self.zone) - timedelta(days=int(days))
        minutes = self.random.randrange(60)
        at = day + timedelta(
            hours=hour or self.random.choice((8, 9, 10, 11, 14, 15, 16, 17)), minutes=minutes
        )
        return min(at, self.now - timedelta(minutes=5))

    def day(self, days: int) -> str:
        """The date `days` from today (negative: before), as a form field holds it."""
        return (self.today + timedelta(days=days)).isoformat()

    def add(
        self,
        at: datetime,
        login: str,
        act: Act,
        *files: File,
        level: Level = Level.INTERNAL,
    ) -> None:
        self.entries.append(Entry(at, login, act, files, level))

    def after(self, at: datetime, hours: float) -> datetime:
        """`hours` later, but not later than now."""
        return min(at + timedelta(hours=hours), self.now - timedelta(minutes=2))

    def ordered(self) -> list[Entry]:
        return sorted(self.entries, key=lambda e: e.at)


# -- looking things up by the words of the data: nothing is remembered between two runs -----------------------------
def unit(w: Work, code: str) -> int:
    return w.session.scalars(select(Unit.id).where(Unit.code == code)).one()


def person(w: Work, login: str) -> int:
    return w.session.scalars(select(Person.id).where(Person.login == login)).one()


def place(w: Work, code: str) -> int:
    return w.session.scalars(select(Place.id).where(Place.code == code)).one()


def repository(w: Work, code: str) -> int | None:
    return w.session.scalars(select(Repository.id).where(Repository.code == code)).one() if code else None


def item(w: Work, kind: str, title: str) -> int:
    """Titles are unique within a kind of the demo; the newest wins where they are not."""
    found = select(Item.id).where(Item.kind == kind, Item.title == title).order_by(Item.id.desc())
    return w.session.scalars(found).first() or 0


def approval(w: Work, kind: str, title: str) -> int:
    """What waits for a word on this item."""
    waits = select(Approval.id).where(Approval.item_id == item(w, kind, title), Approval.outcome == "")
    return w.session.scalars(waits).first() or 0


def loan(w: Work, title: str, login: str, state: str, kind: str = "document") -> int:
    found = select(Loan.id).where(
        Loan.item_id == item(w, kind, title),
        Loan.borrower_id == person(w, login),
        Loan.state == state,
    )
    return w.session.scalars(found.order_by(Loan.id.desc())).first() or 0


def disposal_list(w: Work, item_id: int) -> int:
    """The list that a file is on."""
    live = select(DisposalRow.list_id).where(DisposalRow.item_id == item_id, DisposalRow.dropped.is_(None))
    return w.session.scalars(live).one()
