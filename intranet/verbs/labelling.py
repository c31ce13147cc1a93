"""Which labels may be printed: of places, and of the copies that somebody keeps. That they were is recorded (FEATURES row 66)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ..errors import Invalid, Missing
from ..models import Copy, Item, Place
from ..policy import Permission
from ..work import Work
from . import care, copies, items, places


@dataclass(frozen=True)
class Label:
    """What one label says. `path`: what its code leads to; `level` and `n` (the copy) only on folders."""

    path: str
    code: str
    place: str
    name: str = ""
    n: int | None = None
    level: int | None = None


def of_item(w: Work, item_id: int, numbers: Sequence[int] = ()) -> list[Label]:
    """Labels of a file's living copies, or of those named. Raises Denied (not its custodian), Missing."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_INSPECT, s)
    codes = {p.id: p.code for p in w.session.scalars(select(Place))}
    living = [c for c in copies.of_item(w.session, item_id) if c.state in copies.LIVING]
    chosen = [c for c in living if not numbers or c.number in numbers]
    if not chosen:
        raise Missing()
    w.record("item.label", s.item, detail={"copies": [c.number for c in chosen]})
    return [_folder(s.item, c, codes[c.place_id]) for c in chosen]


def of_copies_in(w: Work, code: str) -> list[Label]:
    """Labels of all copies in a place and within it that the actor keeps. Raises Denied, Missing, Invalid (there are none)."""
    w.house.policy.demand(w.actor, Permission.PLACE_CHECK)
    place = places.by_code(w.session, code)
    codes = {p.id: p.code for p in w.session.scalars(select(Place))}
    query = (
        select(Item, Copy)
        .join(Copy, Copy.item_id == Item.id)
        .where(Copy.place_id.in_(places.within(w.session, place.id)), Copy.state.in_(copies.LIVING))
        .where(care.mine(w.house.policy, w.actor))
        .order_by(Copy.place_id, Item.number, Copy.number)
    )
    rows = w.session.execute(query, {"now": w.now}).all()
    numbers: dict[int, tuple[Item, list[int]]] = {}
    for item, copy in rows:
        numbers.setdefault(item.id, (item, []))[1].append(copy.number)
    for item, which in numbers.values():
        w.record("item.label", item, detail={"copies": which})
    return [_folder(item, copy, codes[copy.place_id]) for item, copy in rows]


def of_places(w: Work, code: str, *, below: bool = False) -> list[Label]:
    """The label of a place, or of all that stand in it too. Raises Denied, Missing."""
    w.house.policy.demand(w.actor, Permission.PLACE_SET)
    place = places.by_code(w.session, code)
    inside = set(places.within(w.session, place.id)) if below else {place.id}
    chosen = [n.place for n in places.tree(w.session, active=False) if n.place.id in inside]
    chosen = [p for p in chosen if p.active or p.id == place.id]
    w.record("place.label", detail={"place": place.code, "count": len(chosen)})
    return [Label(f"/p/{p.code}", p.code, "", p.name) for p in chosen]


def _folder(item: Item, copy: Copy, place: str) -> Label:
    return Label(f"/i/{item.number}?copy={copy.number}", item.number, place, "", copy.number, item.level)


def first(text: str, per_sheet: int) -> int:
    """Where on the first sheet to begin, from 1. Raises Invalid."""
    start = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= start <= per_sheet:
        raise Invalid({"start": per_sheet})
    return start
