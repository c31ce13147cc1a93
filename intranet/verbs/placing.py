"""A copy put into another place: never one too weak for its level, always with a trace (seeds L38-42, L56; FEATURES row 56)."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select

from ..errors import Invalid, Missing
from ..models import Copy, Item, Place
from ..policy import Permission
from ..work import Work
from . import copies, items


def fit(w: Work, item: Item, code: str) -> Place:
    """The living place of a code that is strong enough for the item, kept so until the commit. Raises Invalid."""
    query = select(Place).where(Place.code == code.strip().upper(), Place.active)
    place = w.session.scalar(query.with_for_update(read=True).execution_options(populate_existing=True))
    if place is None:
        raise Invalid({"place": _("请从列表中选择")})
    if place.strength < item.level:
        raise Invalid(
            {"place": _("该场所的保管强度低于密级要求：绝密须入保密室，机密须入锁柜，秘密须入柜子")}
        )
    return place


def put(
    w: Work, item_id: int, code: str, numbers: Iterable[int] | None = None, *, reason: str = ""
) -> list[Copy]:
    """Put the copies of these numbers (None: every living one) into the place of a code. When all are there, it is the file's place.

    Raises Denied (not the custodian, on hold), Missing (no such copy), Invalid (too weak a place, already there)."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.COPY_MOVE, s)
    place = fit(w, s.item, code)
    living = [c for c in copies.of_item(w.session, item_id) if c.state in copies.LIVING]
    wanted = None if numbers is None else set(numbers)
    if wanted is not None and wanted - {c.number for c in living}:
        raise Missing()
    chosen = [c for c in living if (wanted is None or c.number in wanted) and c.place_id != place.id]
    if not chosen:
        raise Invalid({"place": _("已在此处")})
    before = sorted({w.session.get_one(Place, c.place_id).code for c in chosen})
    for copy in chosen:
        copy.place_id = place.id
    detail = {"copies": [c.number for c in chosen], "from_place": before, "to_place": place.code}
    w.record("copy.move", s.item, detail=detail)
    if all(c.place_id == place.id for c in living) and s.item.data.get("place") != place.id:
        s.item.data = dict(s.item.data) | {"place": place.id}
        items.saved(w, w.house.kinds[s.item.kind], s.item, "place", reason.strip()[:300])
    return chosen
