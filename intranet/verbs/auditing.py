"""Reading and proving the audit log. The auditor reads all rows, but of items above the own clearance only that they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from vault import chain

from ..actor import Actor
from ..house import House
from ..models import Audit, ChainHead, Item
from ..policy import Permission

COLUMNS = tuple(c.name for c in Audit.__table__.columns)
HEADS = "audit-heads.jsonl"
PAGE = 100
#: A criterion on audit rows joined with their items (`Policy.log_closed`), or nothing is closed.
Closed = ColumnElement[bool] | None


@dataclass(frozen=True)
class Filter:
    """What of the log is shown: exact words; `since`/`until` as ISO dates where the office is, both included; `before`: the
    last seq of the page before. A date that is none is left out."""

    actor: str = ""
    action: str = ""
    outcome: str = ""
    number: str = ""
    since: str = ""
    until: str = ""
    before: int = 0


def rows(session: Session, *, upto: int | None = None, closed: Closed = None) -> Iterator[dict[str, Any]]:
    """Every row of the log as it was hashed, oldest first, streamed; `closed`: those of which only the links are told."""
    shut = literal(False) if closed is None else closed
    query = select(*(getattr(Audit, c) for c in COLUMNS), shut).order_by(Audit.seq)
    if closed is not None:
        query = query.outerjoin(Item, Item.id == Audit.item)
    if upto is not None:
        query = query.where(Audit.seq <= upto)
    for *values, is_shut in session.execute(query.execution_options(yield_per=1000)):
        row = dict(zip(COLUMNS, values, strict=True))
        yield chain.close(row) if is_shut else row


def kept_heads(house: House) -> list[dict[str, Any]]:
    """The heads that the worker wrote outside the database: a cut or rewritten log contradicts them."""
    path = house.settings.log / HEADS
    if not path.exists():
        return []
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            head = json.loads(line)
            found.append({"seq": head["seq"], "hash": head["hash"]})
        except (ValueError, KeyError, TypeError):
            continue  # a line cut by a crash proves nothing; the others do
    return found


def head(session: Session) -> dict[str, Any]:
    """The present head of the chain."""
    row = session.get(ChainHead, 1)
    return {"seq": row.seq, "hash": row.hash} if row else {"seq": 0, "hash": chain.GENESIS}


def verify(session: Session, house: House) -> chain.Report:
    """Check the whole log against itself, the head row, and the heads kept outside."""
    return chain.verify(rows(session), [head(session), *kept_heads(house)])


def export(session: Session, house: House, actor: Actor | None = None) -> Iterator[bytes]:
    """The lines of an export that a third party checks with `chain.py` alone. For a reader it holds what their page shows:
    rows that are closed to them as links only. Without one (on the server) it is whole."""
    present = head(session)
    closed = house.policy.log_closed(actor, house.clock()) if actor is not None else None
    lines = rows(session, upto=present["seq"], closed=closed)
    return chain.export(lines, present["seq"], [*kept_heads(house), present], closed=closed is not None)


def page(session: Session, house: House, actor: Actor, f: Filter) -> tuple[list[dict[str, Any]], int]:
    """One page of the log, newest first, and the `before` of the next (0: none). Rows that are closed to the reader come
    without number and detail: that something happened is known, to what is not (row 97)."""
    house.policy.demand(actor, Permission.AUDIT_READ)
    closed = house.policy.log_closed(actor, house.clock())
    query = select(Audit, closed).outerjoin(Item, Item.id == Audit.item).where(*_criteria(house, f, closed))
    rows_ = session.execute(query.order_by(Audit.seq.desc()).limit(PAGE + 1))
    found = [_shown(a, bool(shut)) for a, shut in rows_]
    return found[:PAGE], found[PAGE - 1]["seq"] if len(found) > PAGE else 0


def _criteria(house: House, f: Filter, closed: ColumnElement[bool]) -> Sequence[ColumnElement[bool]]:
    exact = ("actor", "action", "outcome", "number")
    found: list[ColumnElement[bool]] = [getattr(Audit, n) == getattr(f, n) for n in exact if getattr(f, n)]
    if f.number:  # asking for a number must not tell what the rows themselves keep to themselves
        found.append(~closed)
    if since := _midnight(house, f.since):
        found.append(Audit.at >= since)
    if until := _midnight(house, f.until, days=1):
        found.append(Audit.at < until)
    if f.before:
        found.append(Audit.seq < f.before)
    return found


def _midnight(house: House, day: str, days: int = 0) -> str:
    """The beginning of a local day as rows keep moments: UTC, ISO text. "" for what is no date."""
    try:
        local = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), house.zone)
        return local.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        return ""


def _shown(a: Audit, closed: bool) -> dict[str, Any]:
    """The row as this reader may see it: of what is closed to them, that something happened, not to what. Its `request`
    goes too: it holds what makes its hash no riddle for whoever guesses numbers. Of the others the half that names the
    transaction is shown."""
    row = {c: getattr(a, c) for c in COLUMNS} | {"moment": datetime.fromisoformat(a.at), "closed": closed}
    if closed:
        return row | {"item": None, "number": "", "level": None, "unit": None, "detail": {}, "request": ""}
    return row | {"detail": json.loads(a.detail or "{}"), "request": a.request[:16]}


def last_check(session: Session) -> tuple[datetime, bool] | None:
    """When the chain was last proved from the page, and whether it was whole."""
    query = select(Audit.at, Audit.outcome).where(
        Audit.action == "audit.verify", Audit.outcome.in_(("ok", "alarm"))
    )
    row = session.execute(query.order_by(Audit.seq.desc()).limit(1)).first()
    return (datetime.fromisoformat(row.at), row.outcome == "ok") if row else None


def actions(session: Session) -> list[tuple[str, int]]:
    """The actions in the log with their counts, for the filter."""
    query = select(Audit.action, func.count()).group_by(Audit.action).order_by(Audit.action)
    return [(a, n) for a, n in session.execute(query)]
