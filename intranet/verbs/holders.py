"""文件去向: where is every copy now, since when, with whom (seeds L37; FEATURES row 79). One statement a page; reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from ..actor import Actor
from ..house import House
from ..models import Copy, Item, Loan, Person, Place, Slip, lending, slip
from .copies import LIVING, OUT
from .holdings import keeps

PAGE = 50


@dataclass(frozen=True)
class Sought:
    """What is looked for. `out`: only what is not in its place; `late`: overdue; `place`: with the places in it; `after`: the key
    of the last row of the page before, `number|copy`."""

    text: str = ""
    out: bool = False
    late: bool = False
    place: int | None = None
    unit: int | None = None
    level: int | None = None
    after: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.text or self.out or self.late or self.place or self.unit or self.level is not None)


@dataclass(frozen=True)
class Where:
    """One copy: in its place, or with whom and by what (a loan or a slip)."""

    item: Item
    copy: Copy
    loan: Loan | None
    slip: Slip | None
    holder: str

    @property
    def due(self) -> date | None:
        """When it is to be back; None where nobody has it."""
        if self.loan is not None:
            return self.loan.until if self.loan.state == "lent" else None
        return self.slip.ends if self.slip is not None and self.slip.state == "moving" else None

    @property
    def key(self) -> str:
        return f"{self.item.number}|{self.copy.number}"


def page(
    session: Session, house: House, actor: Actor, f: Sought, now: datetime, size: int = PAGE
) -> tuple[list[Where], str]:
    """A page by number and copy, and the key from which the next one goes on, "" at the end. Nothing for who keeps nothing."""
    if not actor.has("custodian"):
        return [], ""
    rows = [Where(*row) for row in session.execute(_query(house, actor, f, now).limit(size + 1))]
    return rows[:size], rows[size - 1].key if len(rows) > size else ""


def every(session: Session, house: House, actor: Actor, f: Sought, now: datetime) -> Iterator[Where]:
    """All rows of the filter, streamed, for export and print."""
    if actor.has("custodian"):
        query = _query(house, actor, f, now).execution_options(yield_per=500)
        yield from (Where(*row) for row in session.execute(query))


def count(session: Session, house: House, actor: Actor, f: Sought, now: datetime) -> int:
    """How many rows `every` gives."""
    if not actor.has("custodian"):
        return 0
    rows = _query(house, actor, f, now).with_only_columns(Copy.id).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def _query(house: House, actor: Actor, f: Sought, now: datetime) -> Select[Any]:
    today = now.astimezone(house.zone).date()
    # In the words of the partial indexes, which else are not taken: the loan of a copy is looked up, not looked for.
    lent = and_(Loan.copy_id == Copy.id, text(f"loan.{lending.OUT}"))
    moving = and_(Slip.copy_id == Copy.id, text(f"slip.{slip.LIVE}"), Slip.state.in_(("moving", "returned")))
    holder = func.coalesce(Loan.borrower_id, Slip.holder_id)
    query = (
        select(Item, Copy, Loan, Slip, func.coalesce(Person.name, ""))
        .join(Item, Item.id == Copy.item_id)
        .outerjoin(Loan, lent)
        .outerjoin(Slip, moving)
        .outerjoin(Person, Person.id == holder)
        .where(keeps(house, actor, now), Copy.state.in_(sorted(OUT if f.out or f.late else LIVING)))
    )
    if f.late:
        loan_late = and_(Loan.state == "lent", Loan.until < today)
        query = query.where(or_(loan_late, and_(Slip.state == "moving", Slip.ends < today)))
    if f.text:
        word = f.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        fields = (Item.number, Item.title, Person.name)
        query = query.where(or_(*(x.ilike(f"%{word}%", escape="\\") for x in fields)))
    if f.place is not None:
        query = query.where(Copy.place_id.in_(_within(f.place)))
    if f.unit is not None:
        query = query.where(Item.unit_id == f.unit)
    if f.level is not None:
        query = query.where(Item.level == f.level)
    number, _bar, copy = f.after.rpartition("|")
    if number and copy.isascii() and copy.isdigit() and len(copy) < 10:
        query = query.where(tuple_(Item.number, Copy.number) > tuple_(number, int(copy)))
    # Few copies are out: they are found first and then sorted. The whole list is read in the order of its index.
    by = func.coalesce(Item.number, "") if f.out or f.late else Item.number
    return query.order_by(by, Copy.number)


def _within(place: int) -> Select[tuple[int]]:
    """A place and all places in it."""
    inner = select(Place.id).where(Place.id == place).cte("inner_place", recursive=True)
    below = aliased(Place)
    inner = inner.union_all(select(below.id).join(inner, below.parent_id == inner.c.id))
    return select(inner.c.id)
