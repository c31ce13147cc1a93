"""The table of what a second person decides: `Approval.what` -> the verb that decides it. A part that brings a `what` of its own adds
its line here."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from ..errors import Missing
from ..models import Approval
from ..work import Work
from . import copying, levels, seconded

#: (work, approval id, approve or not, what the decider says) -> the decided approval
Decide = Callable[[Work, int, bool, str], Approval]
DECIDE: dict[str, Decide] = {levels.WHAT: levels.decide, copying.WHAT: copying.decide}


def decide(w: Work, approval_id: int, approve: bool, said: str) -> Approval:
    """Decide whatever it is about. Raises Missing where there is none."""
    what = w.session.scalar(select(Approval.what).where(Approval.id == approval_id))
    verb = DECIDE.get(what or "")
    if verb is None:
        raise Missing()
    return verb(w, approval_id, approve, said)


withdraw = seconded.withdraw
