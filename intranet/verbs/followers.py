"""What is about a file and names it (`Kind.follows`: incidents) is never below the level of that file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from vault.levels import Level

from ..models import Item, Link
from ..work import Work
from . import deposits


def raised(w: Work, item: Item, saved: Callable[..., Any]) -> None:
    """Raise what is linked to an item whose level was changed, where it would be below. `saved` is that of `verbs.items`."""
    kinds = [k.name for k in w.house.kinds.values() if k.follows]
    linked = select(Link.item_id).where(Link.other_id == item.id)
    query = select(Item).where(Item.id.in_(linked), Item.kind.in_(kinds), Item.level < item.level)
    for other in w.session.scalars(query).all():
        before, level = Level(other.level), Level(item.level)
        deposits.relevel(w, other, level)
        other.level = int(level)
        why = f"{before.label} → {level.label}：{item.number}"
        saved(w, w.house.kinds[other.kind], other, "level", why)
