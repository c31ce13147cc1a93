"""What the page of an item shows of reading: one's own session, requests and reviews that wait for whoever looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Approval
from ..policy import BODY_TWO_LEVEL, Permission, Standing
from ..verbs import glass, opening, reading_room
from .names import names


def card(home: House, actor: Actor, s: Standing) -> dict[str, Any]:
    """What the page of an item shows of reading: the session, requests and reviews that wait for this actor. Up to three
    statements, none where files are opened as they are."""
    if not home.policy.in_page(s.item):
        return {}
    session, now, able = db.session(), home.clock(), replace(actor, fresh=True)

    def mine(found: Sequence[Approval], permission: Permission) -> list[Approval]:
        return [a for a in found if home.policy.decide(able, permission, replace(s, asker=a.asked_by)).ok]

    two = s.item.level >= BODY_TWO_LEVEL
    to_permit = mine(opening.waiting(session, s.item.id, now), Permission.BODY_PERMIT) if two else []
    to_review = mine(glass.unreviewed(session, s.item.id), Permission.BODY_REVIEW)
    names().load(persons=[a.asked_by for a in (*to_permit, *to_review)])
    return {
        "reading": reading_room.live(session, actor, s.item.id, now),
        "to_permit": to_permit,
        "to_review": to_review,
    }
