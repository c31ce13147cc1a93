"""The table of what a second person decides: `Approval.what` -> the verbs that decide it and take it back. A part that brings a
`what` of its own adds its line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Missing
from ..models import Approval
from ..work import Work
from . import copying, glass, levels, opening, seconded


@dataclass(frozen=True)
class Verbs:
    """`decide(work, id, approve or not, what the decider says)`; `withdraw(work, id)`, by who asked."""

    decide: Callable[[Work, int, bool, str], Approval]
    withdraw: Callable[[Work, int], Approval]


def _row(w: Work, approval_id: int) -> Approval:
    return w.session.get_one(Approval, approval_id)


KNOWN: dict[str, Verbs] = {
    levels.WHAT: Verbs(levels.decide, seconded.withdraw),
    copying.WHAT: Verbs(copying.decide, seconded.withdraw),
    opening.WHAT: Verbs(
        lambda w, n, yes, said: opening.decide(w, _row(w, n), yes, said),
        lambda w, n: opening.withdraw(w, _row(w, n)),
    ),
    # What was opened was opened: it is reviewed, never taken back.
    glass.WHAT: Verbs(
        lambda w, n, yes, said: glass.decide(w, _row(w, n), yes, said),
        lambda w, n: glass.withdraw(w, _row(w, n)),
    ),
}


def decide(w: Work, approval_id: int, approve: bool, said: str) -> Approval:
    """Decide whatever it is about. Raises Missing where there is none."""
    return _verbs(w, approval_id).decide(w, approval_id, approve, said)


def withdraw(w: Work, approval_id: int) -> Approval:
    """Take it back, whatever it is about. Raises Missing, and what the verb raises."""
    return _verbs(w, approval_id).withdraw(w, approval_id)


def _verbs(w: Work, approval_id: int) -> Verbs:
    row = w.session.get(Approval, approval_id)
    if row is None or row.what not in KNOWN:
        raise Missing
    return KNOWN[row.what]
