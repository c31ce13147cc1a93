"""One reminder a day: what is soon due, due, overdue, summed up for each person in one message (FEATURES row 78).

A thing has three moments: `remind_days` before its day, its day, and each week after. Whoever has one of them new since their
last digest is told today, once, of all that is theirs: counts only, what may be known is looked up when the desk shows it. Of
what is overdue the custodians are told too, and the head of the borrower's unit (or the next above), each of files that they
may know of. What else can be due is another line in SOURCES.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import func, select, update

from .. import work
from ..actor import Actor
from ..house import House
from ..models import Hop, Item, Loan, Message, Person, Role, Slip, Unit
from ..policy import Standing
from ..verbs import people, reading
from ..work import Work
from . import lease, tell

WEEK = 7
CODE = "digest"


@dataclass(frozen=True)
class Due:
    """Something in somebody's hands: `what` (loan, slip, inspection), the day on which it is due, since when they have it."""

    what: str
    person_id: int
    item_id: int
    day: date
    since: date


@dataclass
class Told:
    """What one person is to be told. `news`: the day of the newest moment in it."""

    counts: Counter[str] = field(default_factory=Counter)
    news: date = date.min

    def add(self, code: str, moment: date) -> None:
        self.counts[code] += 1
        self.news = max(self.news, moment)


Source = Callable[[Work, date], Iterable[Due]]


def loans(w: Work, until: date) -> Iterator[Due]:
    """The loans that are due until a day, overdue ones too."""
    query = select(Loan).where(Loan.state == "lent", Loan.until <= until).order_by(Loan.id)
    for x in w.session.scalars(query):
        handed = (x.handed or x.applied).astimezone(w.house.zone).date()
        yield Due("loan", x.borrower_id, x.item_id, x.until, handed)


def slips(w: Work, until: date) -> Iterator[Due]:
    """The copies on their way whose cycle ends until a day; one that is in its place is in nobody's hands."""
    query = (
        select(Slip, func.max(Hop.taken))
        .join(Hop, Hop.slip_id == Slip.id)
        .where(Slip.state == "moving", Slip.ends <= until, Slip.holder_id.is_not(None))
        .group_by(Slip.id)
        .order_by(Slip.id)
    )
    for x, taken in w.session.execute(query):
        since = (taken or x.created).astimezone(w.house.zone).date()
        yield Due("slip", x.holder_id, x.item_id, x.ends, since)


SOURCES: tuple[Source, ...] = (loans, slips)


def daily(house: House) -> int:
    """Tell everybody who has something new to be told today. How many messages were new. One transaction: whoever dies in it has
    told nobody; of two workers at once the key of the message lets one through."""
    with work.begin(house, lease.WORKER) as w:
        before = house.settings.remind_days
        everybody = _everybody(w, before)
        last = _last(w, everybody)
        chosen = {p: told for p, told in everybody.items() if told.news > last.get(p, date.min)}
        new = 0
        for person, told in sorted(chosen.items()):
            old = update(Message).where(
                Message.person_id == person, Message.code == CODE, Message.read.is_(None)
            )
            w.session.execute(old.values(read=w.now))  # the newest says all that the older ones said
            new += tell.tell(w, [person], CODE, f"{CODE}:{w.today}", counts=dict(told.counts))
        return new


def moment(due: Due, today: date, before: int) -> tuple[str, date] | None:
    """Where a thing stands today (soon, due, late), and the day on which it came there; not before the day after it was handed
    over. None: not to be told of yet."""
    late = (today - due.day).days
    if late > 0:
        stage, start = "late", due.day + timedelta(days=1 + (late - 1) // WEEK * WEEK)
    elif late == 0:
        stage, start = "due", due.day
    elif late >= -before:
        stage, start = "soon", due.day - timedelta(days=before)
    else:
        return None
    start = max(start, due.since + timedelta(days=1))
    return (stage, start) if start <= today else None


def _everybody(w: Work, before: int) -> dict[int, Told]:
    """What each active person would be told today."""
    found: dict[int, Told] = {}
    keepers = _Keepers(w)
    until = w.today + timedelta(days=before)
    for due in (d for source in SOURCES for d in source(w, until)):
        stage = moment(due, w.today, before)
        if stage is None:
            continue
        found.setdefault(due.person_id, Told()).add(f"{due.what}.{stage[0]}", stage[1])
        if stage[0] == "late":
            for code, persons in (("kept", keepers.custodians(due)), ("unit", keepers.heads(due))):
                for person in persons:
                    found.setdefault(person, Told()).add(f"{code}.late", stage[1])
    active = set(w.session.scalars(select(Person.id).where(Person.id.in_(found), Person.active)))
    return {p: told for p, told in found.items() if p in active}


def _last(w: Work, persons: Iterable[int]) -> dict[int, date]:
    """The day of each person's last digest."""
    query = select(Message.person_id, func.max(Message.at)).where(Message.code == CODE)
    rows = w.session.execute(query.where(Message.person_id.in_(list(persons))).group_by(Message.person_id))
    return {p: at.astimezone(w.house.zone).date() for p, at in rows}


class _Keepers:
    """Who else is told of what is overdue: looked up once for a run."""

    def __init__(self, w: Work) -> None:
        self._w = w
        query = select(Person, Role.role).join(Role, Role.person_id == Person.id)
        rows = w.session.execute(query.where(Role.role.in_(("custodian", "lead")), Person.active)).all()
        self._actors = {p.id: people.actor_of(w.session, p) for p, _role in rows}
        self._leads: dict[int | None, list[int]] = {}
        given = select(Role.unit_id, Role.person_id).where(Role.role == "lead")
        for unit, person in w.session.execute(given):
            self._leads.setdefault(unit, []).append(person)
        self._units: dict[int, str] = dict(map(tuple, w.session.execute(select(Unit.id, Unit.path))))  # type: ignore[arg-type]
        self._standings: dict[int, Standing] = {}

    def _sees(self, actor: Actor, item_id: int) -> bool:
        if item_id not in self._standings:
            item = self._w.session.get_one(Item, item_id)
            self._standings[item_id] = reading.standing(
                self._w.session, self._w.house, lease.WORKER, item, self._w.now
            )
        return self._w.house.policy.sees(actor, self._standings[item_id])

    def custodians(self, due: Due) -> list[int]:
        unit = self._w.session.get_one(Item, due.item_id).unit_id
        return [
            p
            for p, actor in self._actors.items()
            if p != due.person_id and actor.has("custodian", unit) and self._sees(actor, due.item_id)
        ]

    def heads(self, due: Due) -> list[int]:
        """Those who lead the borrower's unit; where nobody there but the borrower does, or may know of the file, the next above."""
        path = self._units[self._w.session.get_one(Person, due.person_id).unit_id]
        ways: list[int | None] = [int(x) for x in reversed(path.strip("/").split("/")) if x]
        for unit in [*ways, None]:
            found = [
                p
                for p in self._leads.get(unit, [])
                if p != due.person_id and p in self._actors and self._sees(self._actors[p], due.item_id)
            ]
            if found:
                return found
        return []
