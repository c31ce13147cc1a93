"""The rolling verification: every sealed object is read to its last byte within `verify_days`, the longest unread first.

Each run reads what would be too old before the next run, and at least an even share of all bytes, a fifth faster than needed:
so there is room for a worker that was down, and what came in one burst is not due in one burst again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from threading import Event

from sqlalchemy import func, select

from ..extensions import db
from ..house import House
from ..models import Blob
from ..verbs import verifying
from ..verbs.deposits import LIVE
from . import lease

log = logging.getLogger("intranet.jobs")
LEASE = "verify"
EVERY = 3600.0  # seconds between runs
HOLD = 2 * 3600.0
SPELL = timedelta(
    minutes=15
)  # a run ends then, so that other long work has its turn; what is left is first next time
AHEAD = timedelta(seconds=2 * EVERY)  # the next run may begin late
PACE = 0.8  # of `verify_days`: how long an even pass takes
AGAIN = timedelta(days=1)  # a damaged object is looked at anew: it may have been restored


def rolling(house: House, stop: Event | None = None) -> None:
    """One run. Raises Unavailable when the store is away (no damage: tried at the next run)."""
    days = house.settings.verify_days
    if not days:
        return
    began = house.clock()
    reader = verifying.Reader(house, lease.WORKER)
    session = db.session()
    must = began + AHEAD - timedelta(days=days)
    share = _bytes(house) * EVERY / (days * 86400 * PACE)
    again = (Blob.damaged.is_not(None)) & (began - AGAIN >= verifying.AGE)
    held = began
    for damaged in (True, False):
        where = again if damaged else Blob.damaged.is_(None) & (began >= verifying.AGE)
        for o in verifying.live(session, where=where):
            now = house.clock()
            if (stop is not None and stop.is_set()) or now - began > SPELL:
                break
            if not damaged and o.at > must and reader.proof.bytes >= share:
                break
            if (now - held).total_seconds() > HOLD / 24:
                held = now
                if not lease.take(house, LEASE, HOLD):
                    break
            reader.check(o)
    reader.keep()
    _say(reader.proof, began, house.clock())


def _bytes(house: House) -> int:
    session = db.session()
    session.rollback()
    total = session.scalar(select(func.sum(Blob.stored)).where(Blob.state.in_(LIVE))) or 0
    session.rollback()
    return int(total)


def _say(proof: verifying.Proof, began: datetime, ended: datetime) -> None:
    if proof.checked or proof.unreadable:
        log.info(
            "verify",
            extra={
                "objects": proof.checked, "bytes": proof.bytes, "damaged": len(proof.damaged),
                "unreadable": proof.unreadable, "seconds": (ended - began).total_seconds(),
            },
        )  # fmt: skip
