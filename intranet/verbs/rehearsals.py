"""When the sheets of a level's key last opened something, and whose turn it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.keyring import key_id
from vault.levels import Level

from ..house import House
from ..models import Audit

ACTION = "vault.rehearse"


def due(session: Session, house: House, now: datetime) -> list[Level]:
    """The levels above internal whose present key was not rehearsed within `rehearsal_days`; none where that is 0.

    A level without a key here is left out: it cannot be deposited to either."""
    days = house.settings.rehearsal_days
    if not days:
        return []
    since = (now - timedelta(days=days)).isoformat(timespec="milliseconds")
    rows = session.scalars(
        select(Audit.detail).where(Audit.action == ACTION, Audit.outcome == "ok", Audit.at >= since)
    )
    rehearsed = {(row.get("level"), row.get("key_id")) for row in map(json.loads, rows)}
    ring = house.vault.keyring
    return [
        level
        for level in ring.levels
        if level > Level.INTERNAL and (level.slug, key_id(ring.recipients(level))) not in rehearsed
    ]
