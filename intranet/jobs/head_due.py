"""The auditors are told when no signed head of the log has left the system for a week (FEATURES 96). Once a week, not more."""

from __future__ import annotations

from sqlalchemy import select

from .. import work
from ..extensions import db
from ..house import House
from ..models import Person, Role
from ..verbs import chain_heads
from . import lease, tell

CODE = "audit.head_due"


def remind(house: House) -> int:
    """How many were told. A new office has a week before its first sheet is due."""
    session = db.session()
    session.rollback()
    now = house.clock()
    wanted = chain_heads.due(session, now) and chain_heads.lived(session, now)
    session.rollback()
    if not wanted:
        return 0
    year, number, _day = now.astimezone(house.zone).isocalendar()
    week = f"{year}-W{number:02}"
    with work.begin(house, lease.WORKER) as w:
        auditors = select(Person.id).join(Role, Role.person_id == Person.id)
        found = w.session.scalars(auditors.where(Role.role == "auditor", Person.active).order_by(Person.id))
        return tell.tell(w, sorted(set(found)), CODE, f"{CODE}:{week}")
