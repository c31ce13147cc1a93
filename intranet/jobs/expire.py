"""What ends by itself: notices whose day has passed, loans nobody came for, grants that have run out."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import exists, or_, select

from .. import work
from ..errors import DomainError
from ..extensions import db
from ..house import House
from ..kinds.base import Kind, Move
from ..models import Grant, Item, ItemValue, Lease, Outbox
from ..verbs import items
from ..verbs import loans as lending
from . import lease

log = logging.getLogger("intranet.jobs")


def notices(house: House) -> int:
    """Take down what has expired. Nobody sees it any more who will not see it then (`Policy.ended`, FEATURES row 13)."""
    done = 0
    for kind in house.kinds.values():
        move = kind.expiry
        if move is None:
            continue
        for item_id in _expired(house, kind, move):
            try:
                with work.begin(house, lease.WORKER) as w:
                    s = items.lock(w, item_id)
                    items.apply(w, s, kind, move, {}, reason="有效期已满，自动撤下")
                    done += 1
            except (
                DomainError
            ) as error:  # somebody withdrew it at this moment, or one row is odd: the others go on
                log.warning("expire", extra={"item": item_id, "why": str(error)})
    return done


def loans(house: House) -> int:
    """Close the applications that nobody decided on, and the approved loans that nobody came for, until their day was over."""
    with work.begin(house, lease.WORKER) as w:
        return lending.expire(w)


def _expired(house: House, kind: Kind, move: Move) -> list[int]:
    session = db.session()
    session.rollback()
    now = house.clock()
    today = now.astimezone(house.zone).date()
    passed = exists().where(
        ItemValue.item_id == Item.id, ItemValue.field == "expires", ItemValue.date < today
    )
    ways = [passed]
    days = house.settings.notice_expiry_days
    if days and any(f.name == "published" for f in kind.fields):
        dated = exists().where(ItemValue.item_id == Item.id, ItemValue.field == "expires")
        old = exists().where(
            ItemValue.item_id == Item.id,
            ItemValue.field == "published",
            ItemValue.date < today - timedelta(days=days),
        )
        ways.append(old & ~dated)
    query = select(Item.id).where(Item.kind == kind.name, Item.state.in_(move.sources), or_(*ways))
    return list(session.scalars(query.order_by(Item.id)))


def grants(house: House, since: str) -> int:
    """Index the items whose grants ran out since the last time the job `since` went well."""
    with work.begin(house, lease.WORKER) as w:
        last = w.session.scalar(select(Lease.last_ok).where(Lease.name == since))
        waiting = exists().where(
            Outbox.topic == "index", Outbox.item_id == Grant.item_id, Outbox.ready <= w.now
        )
        ended = select(Grant.item_id).where(
            Grant.until.is_not(None), Grant.until <= w.now, Grant.revoked.is_(None), ~waiting
        )
        if last is not None:
            ended = ended.where(Grant.until > last - timedelta(minutes=5))
        found = set(w.session.scalars(ended))
        for item_id in sorted(found):
            w.reindex(item_id)
        return len(found)
