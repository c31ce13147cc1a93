"""What the code on a folder leads to: above the page of the file, the steps for that one copy, two taps from the scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Copy, Loan, Place, ShelfCheck
from ..policy import Permission, Standing
from ..verbs import shelf_checks


@dataclass(frozen=True)
class Panel:
    """`check`: my open round, with the name of its place; `loan`: that this copy is out on, where I may take it back or check it; `wanted`: somebody has applied for the file, and may be given this copy."""

    copy: Copy
    place: Place
    check: ShelfCheck | None
    checked_place: str
    loan: Loan | None
    may_return: bool
    may_check: bool
    wanted: bool


def panel(home: House, actor: Actor, s: Standing, given: str) -> Panel | None:
    """The steps for the copy of this number; None for whoever does not keep the file, or where there is no such copy."""
    if not (given.isascii() and given.isdigit() and len(given) < 5):
        return None
    if not home.policy.decide(actor, Permission.ITEM_INSPECT, s).ok:
        return None
    session = db.session()
    query = select(Copy, Place).join(Place, Place.id == Copy.place_id)
    row = session.execute(query.where(Copy.item_id == s.item.id, Copy.number == int(given))).first()
    if row is None:
        return None
    copy, place = row
    check = shelf_checks.current(session, actor)
    at = session.get_one(Place, check.place_id).name if check else ""
    out = select(Loan).where(Loan.copy_id == copy.id, Loan.state.in_(("lent", "returned")))
    loan = session.scalar(out)
    asked = select(Loan.id).where(Loan.item_id == s.item.id, Loan.state == "applied")
    asked = asked.where(Loan.borrower_id != actor.id).limit(1)
    theirs = replace(s, borrower=loan.borrower_id if loan else None)
    decide = home.policy.decide
    return Panel(
        copy,
        place,
        check,
        at,
        loan,
        loan is not None and loan.state == "lent" and decide(actor, Permission.LOAN_RETURN, theirs).ok,
        loan is not None and loan.state == "returned" and decide(actor, Permission.LOAN_CHECK, theirs).ok,
        copy.state == "held" and session.scalar(asked) is not None,
    )
