"""关联: an item is a version of another, or points to it (seeds L125: the versions of a regulation)."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from ..errors import Invalid
from ..models import Item, Link
from ..policy import Permission
from ..work import Work
from . import items
from .reading import standing

RELATIONS = ("version", "see")  # newer -> older; see also


def relate(w: Work, item_id: int, number: str, relation: str) -> Item:
    """Relate an item to the one of a number. Who may edit it may say so; the other one must be known to them: a number
    that is hidden and one that does not exist are the same answer."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_EDIT, s)
    if relation not in RELATIONS:
        raise Invalid({"relation": _("请从列表中选择")})
    other = w.session.scalar(select(Item).where(Item.number == number.strip()))
    known = other is not None and w.house.policy.sees(
        w.actor, standing(w.session, w.house, w.actor, other, w.now)
    )
    if other is None or not known or other.id == item_id:
        raise Invalid({"number": _("没有这个编号，或您无权知悉")})
    link(w, s.item, other, relation)
    return other


def link(w: Work, item: Item, other: Item, relation: str) -> None:
    """Relate two items; doing it twice changes nothing."""
    if w.session.get(Link, (item.id, other.id, relation)) is None:
        w.session.add(Link(item_id=item.id, other_id=other.id, relation=relation))
        # by its id: whoever reads the log of one end may not know of the other
        w.record("item.link", item, detail={"other": other.id, "relation": relation})
