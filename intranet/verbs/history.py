"""What hangs on an item and is only read: its life, revisions, comments, links, loans, readers, log. One statement each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..kinds.base import Field, Files, Kind, LongText
from ..models import Audit, Comment, Grant, Item, Link, Loan, Revision
from ..policy import Policy
from ..prepared import prepared, visible

LOG_ROWS = 200
ITEM = bindparam("item", type_=Integer)  # the one that is shown


@dataclass(frozen=True)
class Step:
    """One save of the item without its content: enough to draw the life."""

    version: int
    at: datetime
    by_id: int | None
    action: str
    state: str
    reason: str


def life(session: Session, item_id: int) -> list[Step]:
    """Every save, oldest first."""
    columns = (
        Revision.version,
        Revision.at,
        Revision.by_id,
        Revision.action,
        Revision.state,
        Revision.reason,
    )
    query = select(*columns).where(Revision.item_id == item_id).order_by(Revision.version)
    return [Step(*row) for row in session.execute(query)]


def revisions(session: Session, item_id: int) -> list[Revision]:
    """Every save with its content, newest first."""
    query = select(Revision).where(Revision.item_id == item_id).order_by(Revision.version.desc())
    return list(session.scalars(query))


def revision(session: Session, item_id: int, version: int) -> Revision | None:
    query = select(Revision).where(Revision.item_id == item_id, Revision.version == version)
    return session.scalar(query)


@dataclass(frozen=True)
class Change:
    """What one save changed in one field. `lines`: for running text, (sign, line) with sign `+`, `-` or ` `."""

    field: Field | None
    name: str
    before: Any
    after: Any
    lines: Sequence[tuple[str, str]] = ()


def changes(fields: Sequence[Field], old: Revision | None, new: Revision) -> list[Change]:
    """The fields that differ between two saves, in the order of the declaration; the first save changes nothing."""
    if old is None:
        return []
    found = [
        Change(None, name, getattr(old, name), getattr(new, name))
        for name in ("title", "level")
        if getattr(old, name) != getattr(new, name)
    ]
    for field in fields:
        before, after = old.data.get(field.name), new.data.get(field.name)
        if before != after:
            lines = _lines(before or "", after or "") if isinstance(field, LongText) else ()
            found.append(Change(field, field.name, before, after, lines))
    return found


def _lines(before: str, after: str) -> list[tuple[str, str]]:
    """The changed lines of a text with one line around them."""
    a, b = before.splitlines(), after.splitlines()
    found: list[tuple[str, str]] = []
    for group in SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(1):
        if found:
            found.append((" ", "…"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [(" ", line) for line in a[i1:i2]]
            else:
                found += [("-", line) for line in a[i1:i2]] + [("+", line) for line in b[j1:j2]]
    return found


def comments(session: Session, item_id: int) -> list[Comment]:
    return list(session.scalars(select(Comment).where(Comment.item_id == item_id).order_by(Comment.id)))


@dataclass(frozen=True)
class Linked:
    """The other end of a relation. `forward`: the relation is named from the shown item to the other."""

    relation: str
    forward: bool
    item: Item


def links(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> list[Linked]:
    """Related items in both directions, only those the actor may know of; newer versions of the same first."""
    found = session.execute(_links(house.policy, actor), {"item": item_id, "now": now})
    return [Linked(*row) for row in found]


@prepared
def _links(policy: Policy, actor: Actor) -> Select[tuple[str, bool, Item]]:
    there = and_(Link.item_id == ITEM, Item.id == Link.other_id)
    back = and_(Link.other_id == ITEM, Item.id == Link.item_id)
    query = select(Link.relation, Link.item_id == ITEM, Item).join(Item, or_(there, back))
    query = query.where(
        Link.relation != "in"
    )  # a folder and what is in it have a place of their own on the page
    return query.where(visible(policy, actor)).order_by(Link.relation, Item.number.desc())


def newer(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> Item | None:
    """The newest version that the actor may know of, where the item is an older one: nobody should quote an old law."""
    return session.scalar(_newer(house.policy, actor), {"item": item_id, "now": now})


@prepared
def _newer(policy: Policy, actor: Actor) -> Select[tuple[Item]]:
    newer_than = and_(Link.item_id == Item.id, Link.other_id == ITEM, Link.relation == "version")
    query = select(Item).join(Link, newer_than).where(visible(policy, actor))
    return query.order_by(Item.id.desc()).limit(1)


def grants(session: Session, item_id: int) -> list[Grant]:
    """All who were ever let in, the living first."""
    query = select(Grant).where(Grant.item_id == item_id)
    return list(session.scalars(query.order_by(Grant.revoked.is_not(None), Grant.id)))


def log(session: Session, item_id: int) -> list[Audit]:
    """The latest audit rows of an item, refusals included, newest first."""
    query = select(Audit).where(Audit.item == item_id).order_by(Audit.seq.desc()).limit(LOG_ROWS)
    return list(session.scalars(query))


def loans(session: Session, item_id: int, *, only: int | None = None) -> list[Loan]:
    """The loans of an item, newest first; of one person only where the others are not theirs to know."""
    query = select(Loan).where(Loan.item_id == item_id)
    if only is not None:
        query = query.where(Loan.borrower_id == only)
    return list(session.scalars(query.order_by(Loan.id.desc())))


def shown(house: House, actor: Actor, standing: Any, kind: Kind) -> list[Field]:
    """The fields of an item that the actor may see, files aside."""
    return [f for f in kind.fields if not isinstance(f, Files) and house.policy.shows(actor, standing, f)]
