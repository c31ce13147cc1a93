"""Reading and proving the audit log. The auditor reads all rows, but of items above the own clearance only that they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from vault import chain

from ..actor import Actor
from ..house import House
from ..models import Audit, ChainHead
from ..policy import Permission

COLUMNS = tuple(c.name for c in Audit.__table__.columns)
HEADS = "audit-heads.jsonl"
PAGE = 100


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


def rows(session: Session) -> Iterator[dict[str, Any]]:
    """Every row of the log as it was hashed, oldest first, streamed."""
    query = (
        select(*(getattr(Audit, c) for c in COLUMNS)).order_by(Audit.seq).execution_options(yield_per=1000)
    )
    for row in session.execute(query):
        yield dict(zip(COLUMNS, row, strict=True))


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


def export(session: Session, house: House) -> Iterator[bytes]:
    """The lines of an export that a third party checks with `chain.py` alone."""
    present = head(session)
    return chain.export(rows(session), present["seq"], [*kept_heads(house), present])


def page(session: Session, house: House, actor: Actor, f: Filter) -> tuple[list[dict[str, Any]], int]:
    """One page of the log, newest first, and the `before` of the next (0: none). Rows of items above the reader's
    clearance come without number and detail: that something happened is known, to what is not (row 97)."""
    house.policy.demand(actor, Permission.AUDIT_READ)
    private = _private(house)
    query = (
        select(Audit).where(*_criteria(house, actor, f, private)).order_by(Audit.seq.desc()).limit(PAGE + 1)
    )
    found = [_shown(actor, a, private) for a in session.scalars(query)]
    return found[:PAGE], found[PAGE - 1]["seq"] if len(found) > PAGE else 0


def _private(house: House) -> tuple[str, ...]:
    """How the numbers begin that only their handlers may know (complaints, seeds L184)."""
    return tuple(k.number.partition("{")[0] for k in house.kinds.values() if k.need_to_know == 0)


def _criteria(
    house: House, actor: Actor, f: Filter, private: tuple[str, ...]
) -> Sequence[ColumnElement[bool]]:
    exact = ("actor", "action", "outcome", "number")
    found: list[ColumnElement[bool]] = [getattr(Audit, n) == getattr(f, n) for n in exact if getattr(f, n)]
    if f.number:  # asking for a number must not tell what the rows themselves keep to themselves
        found.append(or_(Audit.level.is_(None), Audit.level <= int(actor.clearance)))
        found += [~Audit.number.startswith(p) for p in private]
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


def _shown(actor: Actor, a: Audit, private: tuple[str, ...]) -> dict[str, Any]:
    """The row as this reader may see it: of what is closed to them, that something happened, not to what."""
    row = {c: getattr(a, c) for c in COLUMNS} | {"moment": datetime.fromisoformat(a.at)}
    closed = (a.level or 0) > actor.clearance or bool(a.number and a.number.startswith(private))
    if closed:
        return row | {"closed": True, "item": None, "number": "", "level": None, "unit": None, "detail": {}}
    return row | {"closed": False, "detail": json.loads(a.detail or "{}")}


def last_check(session: Session) -> tuple[datetime, bool] | None:
    """When the chain was last proved from the page, and whether it was whole."""
    query = select(Audit.at, Audit.outcome).where(
        Audit.action == "audit.verify", Audit.outcome.in_(("ok", "alarm"))
    )
    row = session.execute(query.order_by(Audit.seq.desc()).limit(1)).first()
    return (datetime.fromisoformat(row.at), row.outcome == "ok") if row else None


def of_item(session: Session, item_id: int, limit: int = 200) -> list[dict[str, Any]]:
    """The rows of one item, newest first; the caller has demanded ITEM_LOG."""
    query = select(Audit).where(Audit.item == item_id).order_by(Audit.seq.desc()).limit(limit)
    return [
        {c: getattr(a, c) for c in COLUMNS} | {"moment": datetime.fromisoformat(a.at), "detail": json.loads(a.detail or "{}")}
        for a in session.scalars(query)
    ]  # fmt: skip


def actions(session: Session) -> list[tuple[str, int]]:
    """The actions in the log with their counts, for the filter."""
    query = select(Audit.action, func.count()).group_by(Audit.action).order_by(Audit.action)
    return [(a, n) for a, n in session.execute(query)]
