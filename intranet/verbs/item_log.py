"""The log of one item, for whoever keeps it: every view, print, download, refusal and step, with who, when, from where, why
(seeds L37; FEATURES row 94). Generic over actions: what a part of the product records tomorrow is sorted by its first word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ..models import Audit

PAGE = 50
MOST = 20_000  # rows of a printed or exported log
#: What the filter offers -> how the actions begin that it shows.
GROUPS: dict[str, tuple[str, ...]] = {
    "views": (
        "item.view",
        "body.open",
        "body.head",
        "reading.",
        "body.page",
        "body.read",
        "body.glass",
        "item.access",
    ),
    "prints": ("item.print", "item.certificate", "slip.print", "item.log_print"),
    "downloads": ("body.save", "body.download", "vault.export", "list.export", "item.log_export"),
    "loans": ("loan.", "slip.", "hop.", "copy."),
    "checks": ("inspection.", "item.inspect", "shelf.", "hold.", "disposal.", "body.damaged", "body.mended"),
    "rights": ("item.grant", "item.revoke", "item.level", "approval."),
}


@dataclass(frozen=True)
class Filter:
    """`what`: a group, `refused`, `steps` (whatever no group has), or "" for all; `actor`: a login; `before`: the seq of the
    last row of the page before."""

    what: str = ""
    actor: str = ""
    before: int = 0


@dataclass(frozen=True)
class Line:
    """One row as it is shown."""

    seq: int
    at: datetime
    actor: str
    action: str
    outcome: str
    origin: str
    detail: dict[str, Any]


def page(session: Session, item_id: int, f: Filter, *, size: int = PAGE) -> tuple[list[Line], int]:
    """One page, newest first, and the `before` of the next (0: none). One statement; the caller has demanded ITEM_LOG."""
    query = select(Audit).where(Audit.item == item_id, *_criteria(f)).order_by(Audit.seq.desc())
    found = [_line(a) for a in session.scalars(query.limit(size + 1))]
    return found[:size], found[size - 1].seq if len(found) > size else 0


def every(session: Session, item_id: int, f: Filter) -> Iterator[Line]:
    """All rows of the filter, oldest first, for paper and export."""
    query = select(Audit).where(Audit.item == item_id, *_criteria(f)).order_by(Audit.seq).limit(MOST)
    return map(_line, session.scalars(query.execution_options(yield_per=500)))


def _criteria(f: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if f.what == "refused":
        found.append(Audit.outcome == "refused")
    elif f.what in GROUPS:
        found += [_begins(GROUPS[f.what]), Audit.outcome != "refused"]
    elif f.what == "steps":
        named = tuple(word for words in GROUPS.values() for word in words)
        found += [~_begins(named), Audit.outcome != "refused"]
    if f.actor:
        found.append(Audit.actor == f.actor)
    if f.before:
        found.append(Audit.seq < f.before)
    return found


def _begins(words: tuple[str, ...]) -> ColumnElement[bool]:
    return or_(*(Audit.action.startswith(w, autoescape=True) for w in words))


def _line(a: Audit) -> Line:
    at, detail = datetime.fromisoformat(a.at), json.loads(a.detail or "{}")
    return Line(a.seq, at, a.actor, a.action, a.outcome, a.origin, detail)
