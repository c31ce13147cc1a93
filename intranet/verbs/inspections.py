"""What is due for inspection, and what was found so far. Reads only (seeds L44; FEATURES row 64)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from vault.levels import Level

from ..actor import Actor
from ..house import House
from ..models import Copy, Inspection, Item, Place, ShelfCheck
from . import care

PAGE = 50
AHEAD = 14  # days before it is due that a copy is listed


@dataclass(frozen=True)
class Due:
    """A copy with the day by which it is to be seen."""

    copy: Copy
    item: Item
    place: Place
    due: date


@dataclass(frozen=True)
class Plan:
    """One page of what is due. `late`: how many are overdue in all of `total`; `next`: key of the following page."""

    rows: Sequence[Due]
    total: int
    late: int
    next: str = ""


def days(house: House) -> dict[int, int]:
    """Days between two inspections by level (`INSPECT_DAYS`)."""
    return {int(Level.parse(slug)): n for slug, n in house.settings.days_of("inspect_days").items()}


def due_on(house: House, copy: Copy, level: int) -> date:
    """The day by which a copy of this level is to be seen again."""
    return copy.inspected + timedelta(days=days(house).get(level, 365))


def _by(house: House, day: date) -> ColumnElement[bool]:
    """Copies in their place whose inspection is due by this day."""
    ways = [and_(Item.level == n, Copy.inspected <= day - timedelta(days=d)) for n, d in days(house).items()]
    return and_(Copy.state == "held", care.in_use(house.policy), or_(*ways))


def plan(
    session: Session,
    house: House,
    actor: Actor,
    *,
    levels: Sequence[int] = (),
    places: Sequence[int] = (),
    late: bool = False,
    after: str = "",
    size: int = PAGE,
) -> Plan:
    """What the actor is to inspect, the longest unseen first. One statement."""
    now = house.clock()
    today = now.astimezone(house.zone).date()
    over = _by(house, today - timedelta(days=1))
    chosen = [over if late else _by(house, today + timedelta(days=AHEAD)), care.mine(house.policy, actor)]
    if levels:
        chosen.append(Item.level.in_(levels))
    if places:
        chosen.append(Copy.place_id.in_(places))
    counted = select(func.count()).select_from(Copy).join(Item, Item.id == Copy.item_id).where(*chosen)
    total, overdue = counted.scalar_subquery(), counted.where(over).scalar_subquery()
    query = (
        select(Copy, Item, Place, total, overdue)
        .join(Item, Item.id == Copy.item_id)
        .join(Place, Place.id == Copy.place_id)
        .where(*chosen)
        .order_by(Copy.inspected, Copy.id)
        .limit(size + 1)
    )
    if key := _key(after):
        query = query.where(or_(Copy.inspected > key[0], and_(Copy.inspected == key[0], Copy.id > key[1])))
    found = session.execute(query, {"now": now}).all()
    rows = [
        Due(copy, item, place, due_on(house, copy, item.level)) for copy, item, place, *_n in found[:size]
    ]
    last = rows[-1].copy if rows and len(found) > size else None
    return Plan(
        rows,
        found[0][3] if found else 0,
        found[0][4] if found else 0,
        f"{last.inspected.isoformat()}|{last.id}" if last else "",
    )


def overdue(session: Session, house: House, actor: Actor, now: datetime) -> tuple[int, int | None]:
    """(how many copies of the actor's units are overdue, the file of the longest unseen). One statement; none for others."""
    if not actor.has("custodian"):
        return 0, None
    today = now.astimezone(house.zone).date()
    query = (
        select(Item.id, func.count().over())
        .join(Copy, Copy.item_id == Item.id)
        .where(_by(house, today - timedelta(days=1)), care.mine(house.policy, actor))
        .order_by(Copy.inspected, Copy.id)
        .limit(1)
    )
    row = session.execute(query, {"now": now}).first()
    return (row[1], row[0]) if row else (0, None)


@dataclass(frozen=True)
class Finding:
    """One line of a file's inspections. `incident`: only where the actor may know of it."""

    row: Inspection
    copy: Copy
    incident: Item | None


def of_item(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> list[Finding]:
    """Every inspection of a file's copies, newest first; lines of open and of given-up checks are none yet. One statement."""
    other = aliased(Item, select(Item).where(house.policy.visible(actor, now, ["incident"])).subquery())
    query: Select[Any] = (
        select(Inspection, Copy, other)
        .join(Copy, Copy.id == Inspection.copy_id)
        .outerjoin(ShelfCheck, ShelfCheck.id == Inspection.check_id)
        .outerjoin(other, other.id == Inspection.incident_id)
        .where(
            Copy.item_id == item_id,
            Inspection.found != "struck",
            or_(Inspection.check_id.is_(None), and_(ShelfCheck.closed.is_not(None), ~ShelfCheck.dropped)),
        )
        .order_by(Inspection.id.desc())
    )
    return [Finding(*row) for row in session.execute(query)]


def _key(text: str) -> tuple[date, int] | None:
    """The paging key as it was given; None where the address was tampered with."""
    day, _bar, last = text.partition("|")
    try:
        return (date.fromisoformat(day), int(last)) if len(last) < 10 and last.isascii() else None
    except ValueError:
        return None
