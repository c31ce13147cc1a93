"""What all verbs of the 文件传递单 share: the slip with its item locked, its scope and hops, the right to know that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import Conflict, Missing
from ..house import House
from ..models import Grant, Hop, Item, Loan, Slip, SlipScope
from ..policy import Permission, Round, Standing
from ..work import Work
from . import items

LIVE = ("draft", "pending", "moving", "returned")


@dataclass(frozen=True)
class Held:
    """A slip locked for this transaction, with what stands on it. `s`: its item, with the slip in it for the policy."""

    slip: Slip
    s: Standing
    scope: Sequence[SlipScope]
    hops: Sequence[Hop]

    @property
    def item(self) -> Item:
        return self.s.item

    @property
    def offer(self) -> Hop | None:
        """The hop that waits for its taker."""
        return offer(self.hops)


def offer(hops: Sequence[Hop]) -> Hop | None:
    return next((h for h in hops if h.taken is None and h.refused is None), None)


def scope_of(session: Session, slip_id: int) -> list[SlipScope]:
    kept = select(SlipScope).where(SlipScope.slip_id == slip_id, SlipScope.dropped.is_(None))
    return list(session.scalars(kept.order_by(SlipScope.id)))


def hops_of(session: Session, slip_id: int) -> list[Hop]:
    return list(session.scalars(select(Hop).where(Hop.slip_id == slip_id).order_by(Hop.seq)))


def stand(s: Standing, slip: Slip, scope: Sequence[SlipScope], hops: Sequence[Hop]) -> Standing:
    """The standing of the item with this slip in it."""
    waits = offer(hops)
    known = Round(
        moving=slip.state == "moving",
        direct=slip.direct,
        holder=slip.holder_id,
        offered=waits.taker_id if waits else None,
        returner=slip.returned_by,
        hands=frozenset(h.taker_id for h in hops if h.taken and not h.back),
        scope=frozenset(
            ("person", r.person_id) if r.person_id is not None else ("unit", r.unit_id or 0) for r in scope
        ),
    )
    return replace(s, asker=slip.created_by, slip=known)


def locked(w: Work, number: str, permission: Permission, *states: str) -> Held:
    """The slip of this number for one act. Raises Missing or Denied(hidden) to whoever may not know of the file or the slip, Denied
    where the act is another's, Conflict where the slip is in none of `states`."""
    slip = w.session.scalar(
        select(Slip).where(Slip.number == number).with_for_update().execution_options(populate_existing=True)
    )
    s = items.lock(w, slip.item_id if slip is not None else 0)
    if slip is None:
        raise Missing()
    scope, hops = scope_of(w.session, slip.id), hops_of(w.session, slip.id)
    held = Held(slip, stand(s, slip, scope, hops), scope, hops)
    w.house.policy.demand(w.actor, Permission.SLIP_VIEW, held.s)
    w.house.policy.demand(w.actor, permission, held.s)
    if slip.state not in states:
        raise Conflict(_("传递单已办理过此步骤，或尚未到这一步"), item=slip.item_id)
    return held


def overdue(session: Session, person_id: int, today: date) -> bool:
    """Whether a slip whose cycle has ended is still in somebody's hands (FEATURES row 78)."""
    late = select(Slip.id).where(Slip.state == "moving", Slip.holder_id == person_id, Slip.ends < today)
    return session.scalar(late.limit(1)) is not None


def late_loan(session: Session, person_id: int, today: date) -> bool:
    """Whether somebody has a borrowed file that is overdue."""
    late = select(Loan.id).where(Loan.borrower_id == person_id, Loan.state == "lent", Loan.until < today)
    return session.scalar(late.limit(1)) is not None


# -- with the paper goes the right to know, and ends with it --------------------------------------------------------
def let_in(w: Work, held: Held) -> None:
    """Everybody of the scope may know of the file until the cycle ends. The electronic body stays as closed as it was."""
    last = held.slip.ends or w.today
    until = datetime.combine(last, time(), w.house.zone) + timedelta(days=1)
    for row in held.scope:
        _grant(w, held, row.person_id, row.unit_id, until)
    w.after("index", held.item.id, delay=until - w.now)


def let_holder_in(w: Work, held: Held) -> None:
    """The reader who has just signed may know of the file until it is handed on, also when the cycle is over: else it could not come
    back."""
    shut_out(w, held, keep_scope=True)
    if not w.actor.has("custodian", held.item.unit_id):
        _grant(w, held, w.actor.id, None, None)


def shut_out(w: Work, held: Held, *, keep_scope: bool = False) -> None:
    """Take back what this slip gave, nothing that others gave. `keep_scope`: only what the holder got."""
    moments = {held.slip.decided, *(h.taken for h in held.hops)} - {None}
    given = select(Grant).where(
        Grant.item_id == held.item.id,
        Grant.role == "reader",
        Grant.revoked.is_(None),
        Grant.at.in_(moments),
        Grant.reason.endswith(held.slip.number, autoescape=True),
    )
    if keep_scope:
        given = given.where(Grant.until.is_(None))
    for row in w.session.scalars(given):
        row.revoked = w.now
        w.record("item.revoke", held.item, detail={"person": row.person_id, "unit": row.unit_id})
    w.reindex(held.item.id)


def _grant(w: Work, held: Held, person: int | None, unit: int | None, until: datetime | None) -> None:
    reason = _("传递单 %(number)s", number=held.slip.number)
    w.session.add(
        Grant(
            item_id=held.item.id, person_id=person, unit_id=unit, role="reader", until=until, by_id=w.actor.id, at=w.now,
            reason=reason,
        )
    )  # fmt: skip
    w.record("item.grant", held.item, detail={"person": person, "unit": unit, "until": until})


def longest(house: House, level: str) -> int:
    """How many days a cycle may last at a level (`SLIP_DAYS`)."""
    days = house.settings.days_of("slip_days")
    return days.get(level, max(days.values()))
