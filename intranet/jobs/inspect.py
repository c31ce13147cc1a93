"""Overdue inspections: each custodian is told once a week while any copy of theirs is overdue (FEATURES row 64)."""

from __future__ import annotations

from sqlalchemy import select

from .. import work
from ..house import House
from ..models import Person, Role
from ..verbs import inspections, people
from . import lease, tell

CODE = "inspect.due"


def remind(house: House) -> int:
    """One message a week to each, about the file that was unseen for longest. How many were new."""
    new = 0
    with work.begin(house, lease.WORKER) as w:
        holders = select(Role.person_id).where(Role.role == "custodian")
        year, week, _day = w.today.isocalendar()
        for person in w.session.scalars(select(Person).where(Person.id.in_(holders), Person.active)):
            actor = people.actor_of(w.session, person)
            late, oldest = inspections.overdue(w.session, house, actor, w.now)
            if late:
                new += tell.tell(w, [person.id], CODE, f"{CODE}:{year}-{week:02}", oldest)
    return new
