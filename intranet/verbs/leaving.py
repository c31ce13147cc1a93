"""离岗清退: what a person still has in hand, across everything; no account is closed while there is any (FEATURES row 80, N23).

Each question is one line of QUESTIONS: a code, and how many there are of it for a person. All are asked in one statement. The
answers are numbers by kind: whoever closes accounts may know of nothing that they count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ..house import House
from ..kinds.base import Kind
from ..models import Approval, Grant, Hop, Item, Loan, ShelfCheck, Slip

ON_THE_WAY = ("moving", "returned")  # of a slip: out of its place, or back and not yet checked


@dataclass(frozen=True)
class Left:
    """So many of one kind. `code`: of a question below, or `item.<ledger>`."""

    code: str
    count: int


Question = Callable[[int], Select[tuple[int]]]


def _loans(person: int) -> Select[tuple[int]]:
    """Lent to them, or given back and not yet checked."""
    return select(func.count()).where(Loan.borrower_id == person, Loan.state.in_(("lent", "returned")))


def _slips(person: int) -> Select[tuple[int]]:
    """A copy on its way that is in their hands, or that came back from them and is not yet checked."""
    mine = or_(Slip.holder_id == person, (Slip.state == "returned") & (Slip.returned_by == person))
    return select(func.count()).select_from(Slip).where(mine, Slip.state.in_(ON_THE_WAY))


def _hops(person: int) -> Select[tuple[int]]:
    """Handed to them and not yet signed for."""
    query = select(func.count()).select_from(Hop).join(Slip, Slip.id == Hop.slip_id)
    unsigned = and_(Hop.taker_id == person, Hop.taken.is_(None), Hop.refused.is_(None))
    return query.where(unsigned, Slip.state.in_(ON_THE_WAY))


def _approvals(person: int) -> Select[tuple[int]]:
    """What they asked a second person for and nobody has decided, the review of a broken glass too."""
    return select(func.count()).where(Approval.asked_by == person, Approval.outcome == "")


def _checks(person: int) -> Select[tuple[int]]:
    """Rounds through a place that they began and did not close."""
    return select(func.count()).where(ShelfCheck.by_id == person, ShelfCheck.closed.is_(None))


#: Whoever adds something that a person can have in hand adds a line, and its words in `web.people`.
QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("loan", _loans),
    ("slip", _slips),
    ("hop", _hops),
    ("approval", _approvals),
    ("check", _checks),
)


def left(session: Session, house: House, person_id: int) -> list[Left]:
    """Everything that a person still has in hand, by kind; empty when they may go. One statement."""
    asked = [(code, question(person_id)) for code, question in QUESTIONS]
    asked += [(f"item.{kind.name}", _given(kind, person_id)) for kind in house.kinds.values() if _gives(kind)]
    row = session.execute(select(*(query.scalar_subquery() for _code, query in asked))).one()
    return [Left(code, n) for (code, _query), n in zip(asked, row, strict=True) if n]


def _gives(kind: Kind) -> set[str]:
    """The roles by which somebody is named to carry out a thing of this ledger (承办人, 处理人)."""
    return {gives for f in kind.fields if (gives := getattr(f, "gives", ""))}


def _given(kind: Kind, person: int) -> Select[tuple[int]]:
    """Things of a ledger given to them to carry out, and not finished."""
    over = [s.name for s in kind.states if s.final]
    query = select(func.count(Item.id.distinct())).join(Grant, Grant.item_id == Item.id)
    given = Grant.role.in_(sorted(_gives(kind)))
    return query.where(
        Item.kind == kind.name,
        Item.state.not_in(over),
        Grant.person_id == person,
        Grant.revoked.is_(None),
        given,
    )
