"""保管期限: when the time for which a file must be kept is over, and which files that is so of (seeds L39, L47; FEATURES row 69).

Counted from the day the file is of (`dated`): ten years of a file of 2016-11-01 end on 2026-11-01. What is kept for ever, or is
of no day, never comes due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from ..actor import Actor
from ..house import House
from ..models import Hold, Item, ItemValue
from .copies import ENDING
from .holdings import lendable

YEARS = {"y10": 10, "y30": 30}
PAGE = 50


def ends(item: Item) -> date | None:
    """The first day on which the file need not be kept any more; None where there is none."""
    years, dated = YEARS.get(str(item.data.get("retention"))), item.data.get("dated")
    return later(date.fromisoformat(dated), years) if years and dated else None


def later(day: date, years: int) -> date:
    """The same day so many years on (or back); for a 29 February of a common year the first of March, so that none is cut short."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@dataclass(frozen=True)
class Due:
    """A file whose time is over, since when, and whether it is on hold."""

    item: Item
    ended: date
    hold: bool


@dataclass(frozen=True)
class Page:
    """`next`: the key of the page after, "" where there is none."""

    rows: Sequence[Due]
    total: int
    next: str


def due(session: Session, house: House, actor: Actor, now: datetime, after: str = "") -> Page:
    """The files of the actor's custody whose time is over and that are on no list yet, the oldest first. One statement."""
    if not actor.has("custodian"):
        return Page((), 0, "")
    dated, kept = aliased(ItemValue), aliased(ItemValue)
    query = (
        select(Item.id)
        .join(dated, and_(dated.item_id == Item.id, dated.field == "dated"))
        .join(kept, and_(kept.item_id == Item.id, kept.field == "retention"))
        .where(_over(now.astimezone(house.zone).date(), dated, kept), _custody(house, actor, now))
    )
    total = query.with_only_columns(func.count()).scalar_subquery()
    held = select(Hold.id).where(Hold.item_id == Item.id, Hold.released.is_(None)).exists()
    rows = query.with_only_columns(Item, held, total).add_columns(dated.date)
    day, _, last = after.partition("|")
    if (since := _day(day)) and last.isascii() and last.isdigit() and len(last) < 10:
        rows = rows.where(or_(dated.date > since, and_(dated.date == since, Item.id > int(last))))
    found = session.execute(rows.order_by(dated.date, Item.id).limit(PAGE + 1)).all()
    shown = found[:PAGE]
    on = f"{shown[-1][3]}|{shown[-1][0].id}" if len(found) > PAGE else ""
    some = [Due(item, ended, bool(hold)) for item, hold, _n, _d in shown if (ended := ends(item))]
    return Page(some, found[0][2] if found else 0, on)


def _over(today: date, dated: type[ItemValue], kept: type[ItemValue]) -> ColumnElement[bool]:
    """`later(day, years) <= today`, said of the day: an index leads to it."""
    ways = [and_(kept.text == code, dated.date <= _latest(today, n)) for code, n in YEARS.items()]
    return and_(dated.date <= _latest(today, min(YEARS.values())), or_(*ways))


def _latest(today: date, years: int) -> date:
    """The latest day whose time is over today."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February: that of a common year ends tomorrow
        return date(today.year - years, 2, 28)


def _custody(house: House, actor: Actor, now: datetime) -> ColumnElement[bool]:
    covered = actor.roles["custodian"]
    here = true() if covered is None else Item.unit_id.in_(sorted(covered))
    return and_(house.policy.visible(actor, now, lendable(house)), here, Item.state.not_in(sorted(ENDING)))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
