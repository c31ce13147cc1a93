"""Carrying out the diary: each entry in its own transaction, at its own hour, by its own person.

How far it came is counted in the transaction of each entry (table `counter`), so a load that was killed goes on where it
stopped, and a finished one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import func, select

from .. import work
from ..actor import ANONYMOUS, Actor, system
from ..errors import Conflict
from ..extensions import db
from ..house import House
from ..models import Counter, Item, Person
from ..verbs import deposits, people
from .diary import Diary, Entry
from .setting import founding

DONE, BASE = "demo:done", "demo:base"


def load(house: House) -> bool:
    """The whole office with everything that happened in it. Whether anything was done.

    Raises Conflict in an office that has people or items of its own."""
    from . import complaints, documents, keeping, materials, notices, orders, readings, resources, slips

    parts = (resources, notices, documents, materials, slips, complaints, orders, keeping, readings)
    return _run(house, [founding, *(part.write for part in parts)])


def settle(house: House) -> bool:
    """Only the people, units, places and words: what most tests and the benchmarks start from."""
    return _run(house, [founding])


def _run(house: House, chapters: Sequence[Callable[[Diary], None]]) -> bool:
    base = _base(house)
    diary = Diary(base, house.zone)
    for chapter in chapters:
        chapter(diary)
    entries = diary.ordered()
    done = _count(DONE)
    with _stepping(house) as at:
        for number, entry in enumerate(entries[done:], done + 1):
            at(entry.at)
            _carry_out(house, entry, number)
    return done < len(entries)


def _carry_out(house: House, entry: Entry, number: int) -> None:
    actor = _actor(entry.login)
    blobs = [
        deposits.deposit(house, actor, level=entry.level, filename=f.name, chunks=[f.make()], field=f.field)
        for f in entry.files
    ]
    with work.begin(house, actor) as w:
        entry.act(w, blobs)
        _set(w, DONE, number)


def _actor(login: str) -> Actor:
    """No login: somebody without an account (a complaint)."""
    if not login:
        return ANONYMOUS
    if login.startswith("cli:"):
        return system(login, "console")
    session = db.session()
    person = session.scalars(select(Person).where(Person.login == login)).one()
    return people.actor_of(session, person, fresh=True, origin="demo")


@contextmanager
def _stepping(house: House) -> Iterator[Callable[[datetime], None]]:
    """The house's clock shows the hour of the entry; afterwards the real one again."""
    real, now = house.clock, house.clock()
    hour = [now]

    def set_hour(at: datetime) -> None:
        hour[0] = at.astimezone(UTC)

    house.clock = lambda: hour[0]
    try:
        yield set_hour
    finally:
        house.clock = real


def _base(house: House) -> datetime:
    """The moment the diary is relative to: that of the first load."""
    if (kept := _count(BASE)) > 0:
        return datetime.fromtimestamp(kept, UTC)
    session = db.session()
    strangers = session.scalar(select(func.count()).select_from(Person).where(Person.password != ""))
    if strangers or session.scalar(select(Item.id).limit(1)):
        raise Conflict("演示数据只能装入空的办公室 / the demo goes into an empty office only")
    now = house.clock().replace(microsecond=0)
    with work.begin(house, system("cli:demo", "console")) as w:
        _set(w, BASE, int(now.timestamp()))
    return now


def _count(name: str) -> int:
    session = db.session()
    session.rollback()
    row = session.get(Counter, name)
    return row.last if row else 0


def _set(w: work.Work, name: str, value: int) -> None:
    w.session.merge(Counter(name=name, last=value))
