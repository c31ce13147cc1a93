"""冻结: a file is held as it is until released; reading and lending go on (FEATURES row 70).

While it lasts policy refuses what `STOPPED_BY_HOLD` names, in every verb that demands it. One live hold a file, the rows stay."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import Conflict, Invalid, Missing
from ..models import Hold, Person
from ..policy import Permission, Standing
from ..work import Work
from . import items


def set_(w: Work, item_id: int, reason: str) -> Hold:
    """Put a file on hold. Raises Denied, Missing (a ledger without holds), Conflict (on hold, or over), Invalid (no reason)."""
    s = _demanded(w, item_id)
    kind = w.house.kinds[s.item.kind]
    if not kind.loans:
        raise Missing
    if kind.state(s.item.state).final:
        raise Conflict(_("已处置的文件无须冻结"), item=item_id)
    if s.hold:
        raise Conflict(_("此文件已被冻结"), item=item_id)
    row = Hold(item_id=item_id, reason=_reason(reason), at=w.now, by_id=w.actor.id or 0)
    w.session.add(row)
    w.session.flush()
    w.record("hold.set", s.item, detail={"reason": row.reason})
    return row


def release(w: Work, item_id: int, reason: str) -> Hold:
    """Let it go again, with a reason. Raises Denied, Conflict (not on hold), Invalid (no reason)."""
    s = _demanded(w, item_id)
    row = w.session.scalar(
        select(Hold).where(Hold.item_id == item_id, Hold.released.is_(None)).with_for_update()
    )
    if row is None:
        raise Conflict(_("此文件没有被冻结"), item=item_id)
    row.release_reason = _reason(reason)
    row.released, row.released_by = w.now, w.actor.id
    w.record("hold.release", s.item, detail={"reason": row.release_reason})
    return row


def _demanded(w: Work, item_id: int) -> Standing:
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.HOLD_SET, s)
    return s


def _reason(text: str) -> str:
    if not text.strip() or len(text.strip()) > 500:
        raise Invalid({"reason": _("不能超过 %(n)s 个字", n=500) if text.strip() else _("请说明理由")})
    return text.strip()


@dataclass(frozen=True)
class Held:
    """A live hold, and who it is of."""

    row: Hold
    by: str


def live(session: Session, item_id: int) -> Held | None:
    """Who holds the file, since when and why. One statement."""
    query = select(Hold, Person.name).join(Person, Person.id == Hold.by_id)
    found = session.execute(query.where(Hold.item_id == item_id, Hold.released.is_(None))).first()
    return Held(*found) if found else None


def past(session: Session, item_id: int) -> list[Hold]:
    """All holds there ever were, the latest first."""
    return list(session.scalars(select(Hold).where(Hold.item_id == item_id).order_by(Hold.id.desc())))
