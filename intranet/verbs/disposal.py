"""处置: the destruction of a controlled file by two people (REQUIREMENTS A3; seeds L47).

Who proposed does not approve, and a witness who is neither of them stands by. The keys die in the same transaction as the
state changes, the sealed objects are shredded by the worker; the number and the register row stay for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from ..errors import Invalid, Missing
from ..models import Item
from ..policy import Permission
from ..work import Work
from . import copies, deposits, items

MOVE = "destroy"


def destroy(w: Work, item_id: int, witness: int | None, reason: str, *, version: int | None = None) -> Item:
    """Approve and carry out the destruction. Raises Denied, Conflict (not proposed), Invalid (no witness, no reason)."""
    s = items.lock(w, item_id)
    kind = w.house.kinds[s.item.kind]
    move = kind.move(MOVE)
    if move is None or MOVE not in {m.name for m in kind.moves if m.code}:
        raise Missing
    w.house.policy.demand(w.actor, Permission.ITEM_MOVE, s, move=move)
    if witness is None:
        raise Invalid({"witness": _("请指定监销人")})
    if witness in (w.actor.id, s.item.previous_id):
        raise Invalid({"witness": _("监销人不能是提请人或批准人本人")})
    item = items.apply(w, s, kind, move, {"witness": str(witness)}, version=version, reason=reason)
    copies.ended(w, item, item.state)
    count = deposits.destroy(w, item)
    w.record("item.destroyed", item, detail={"files": count, "witness": witness})
    return item


def destroy_asked(w: Work, item_id: int, raw: Mapping[str, Any], *, version: int | None, reason: str) -> Item:
    """`destroy` with the answers as typed into the step's form."""
    typed = str(raw.get("witness") or "")
    return destroy(
        w,
        item_id,
        int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None,
        reason,
        version=version,
    )


# Moves that a declaration marks with `code`, by kind and name: done by these verbs instead of `items.step`.
STEPS = {("document", MOVE): destroy_asked, ("material", MOVE): destroy_asked}
