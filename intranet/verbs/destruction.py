"""销毁: two persons sign, neither of them the approver; with the second signature everything ends (seeds L47; FEATURES rows 69, 93).

In ONE transaction: the keys of the bodies die, the copies and the files are destroyed, the log says by whom. The sealed objects
are shredded by the worker; the numbers and the register rows stay for ever.
"""

from __future__ import annotations

from ..models import DisposalList, Person
from ..policy import Permission, Standing
from ..work import Work
from . import copies, deposits, disposal


def sign(w: Work, list_id: int, *, seen: str | None = None) -> DisposalList:
    """One signature, in the signer's own session, under what the page showed (`seen`); the second one destroys. Raises Denied
    (the approver, who signed already, a file on hold, no fresh factor), Conflict (not approved, a copy out, another list by now)."""
    found, standings = disposal.lock(w, list_id, "approved", way="destroy", seen=seen)
    for s in standings:
        w.house.policy.demand(w.actor, Permission.DISPOSAL_SIGN, s)
        disposal.all_in(w, s.item)
    disposal.record(w, "disposal.sign", found, standings)
    if found.first_by is None:
        found.first_signed, found.first_by = w.now, w.actor.id
        return found
    found.second_signed, found.second_by = w.now, w.actor.id
    found.state, found.done = "done", w.now
    signers = [w.session.get_one(Person, p).login for p in (found.first_by, found.second_by)]
    for s in standings:
        _destroy(w, found, s, signers)
    return found


def _destroy(w: Work, found: DisposalList, s: Standing, signers: list[str]) -> None:
    item = disposal.move(
        w, s, "destroy", Permission.DISPOSAL_SIGN, reason=found.said or found.reason, witness=str(w.actor.id)
    )
    copies.ended(w, item, item.state)
    count = deposits.destroy(w, item)
    w.record("item.destroyed", item, detail={"files": count, "list": found.number, "signers": signers})
