"""The unit of work: one transaction, one clock value, one request id, audit rows, after-commit effects.

The only file that commits. `begin` is the door to every change; a refusal inside it is rolled back and then recorded in a
transaction of its own, so that what was refused is known and nothing of it happened.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from vault import chain

from .actor import Actor
from .errors import Conflict, Denied, Unavailable
from .extensions import db
from .house import House
from .models import Audit, ChainHead, Item, Outbox

log = logging.getLogger("intranet")
UNKNOWN = "item:view"  # the refusal of what is hidden or not there


class Work:
    """One transaction in the making. Verbs take it as their first argument."""

    def __init__(self, house: House, actor: Actor, session: Session) -> None:
        self.house = house
        self.actor = actor
        self.session = session
        self.now: datetime = house.clock()
        self.request = secrets.token_hex(8)
        self._rows: list[dict[str, Any]] = []

    @property
    def today(self) -> date:
        """Today where the office is."""
        return self.now.astimezone(self.house.zone).date()

    @property
    def who(self) -> str:
        return self.actor.login or "-"

    def record(
        self,
        action: str,
        item: Item | None = None,
        *,
        outcome: str = "ok",
        detail: Mapping[str, Any] | None = None,
        level: int | None = None,
    ) -> None:
        """Append an audit row (written with the commit). `detail` names things; it never holds bodies or values.
        `level`: of a row without one item, the highest of what `detail` names."""
        self._rows.append(
            {
                "at": self.now.isoformat(timespec="milliseconds"),
                "actor": self.who,
                "action": action,
                "outcome": outcome,
                "item": item.id if item is not None else None,
                "number": item.number if item is not None else "",
                "level": item.level if item is not None else level,
                "unit": item.unit_id if item is not None else None,
                "detail": json.dumps(dict(detail or {}), ensure_ascii=False, sort_keys=True, default=str),
                "origin": self.actor.origin,
                # its second half is of this row alone: a hash of known words would be a riddle for a dictionary
                "request": self.request + secrets.token_hex(8),
            }
        )

    def after(
        self, topic: str, item_id: int | None = None, *, delay: timedelta | None = None, **payload: Any
    ) -> None:
        """An effect for the worker, written in this transaction: after the commit it is done until it succeeds."""
        self.session.add(
            Outbox(
                topic=topic,
                item_id=item_id,
                payload=payload,
                created=self.now,
                ready=self.now + (delay or timedelta()),
            )
        )

    def reindex(self, item_id: int) -> None:
        self.after("index", item_id)

    def append(self) -> None:
        """Chain the recorded rows. The head row is locked until the commit: appending is serial, never forked."""
        if not self._rows:
            return
        head = self.session.get(ChainHead, 1, with_for_update=True, populate_existing=True)
        if head is None:
            head = ChainHead(id=1, seq=0, hash=chain.GENESIS)
            self.session.add(head)
        for row in self._rows:
            row["seq"], row["prev"] = head.seq + 1, head.hash
            row["hash"] = chain.digest(head.hash, row)
            self.session.add(Audit(**row))
            head.seq, head.hash = row["seq"], row["hash"]
        self._rows.clear()


@contextmanager
def begin(house: House, actor: Actor) -> Iterator[Work]:
    """One change. Commits at the end; on any error rolls back, and records it when it was a refusal.

    Raises Conflict where somebody else saved first, Unavailable where the database is away or full.
    """
    session: Session = db.session()
    session.rollback()  # a read of the request may hold an older snapshot
    try:
        session.connection(
            execution_options={"immediate": True}
        )  # SQLite: take the writer's place now, not midway
        work = Work(house, actor, session)
        yield work
        session.flush()
        work.append()
        session.commit()
    except Denied as denied:
        session.rollback()
        refuse(house, actor, denied)
        denied.facts["recorded"] = True
        raise
    except (StaleDataError, IntegrityError) as error:
        session.rollback()
        raise Conflict(_lost(error)) from error
    except OperationalError as error:
        session.rollback()
        log.error(
            "database", extra={"why": str(error.orig)[:300]}
        )  # it may name hosts and users: not for the page
        raise Unavailable(_("数据库暂时无法使用，未作任何更改，请稍后重试")) from error
    except BaseException:
        session.rollback()
        raise


def _lost(error: Exception) -> str:
    if isinstance(error, IntegrityError):
        return str(_("与已有记录冲突，例如编号或名称重复"))
    return str(_("在您填写期间，这条记录已被他人更新"))


def refuse(house: House, actor: Actor, denied: Denied) -> None:
    """Record a refusal in a transaction of its own."""
    session: Session = db.session()
    session.rollback()
    item = getattr(denied.thing, "item", None)
    identity = inspect(item).identity if isinstance(item, Item) else None
    session.connection(execution_options={"immediate": True})
    work = Work(house, actor, session)
    # hidden or not there: looked for all the same
    item = session.get(Item, identity[0] if identity else 0) if identity or denied.hidden else None
    # What may not be known is one act in the log, whatever was asked for and whether it exists: the log is no oracle either.
    asked = {"asked": denied.permission} if denied.hidden and denied.permission != UNKNOWN else {}
    action = UNKNOWN if denied.hidden else denied.permission or "refused"
    work.record(action, item, outcome="refused", detail={"why": str(denied.why)} | asked)
    work.append()
    session.commit()
