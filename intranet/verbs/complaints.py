"""投诉: anybody hands in without an account and follows it by a private code (A9; FEATURES rows 100-112).

The number is public, the code is the key: 80 random bits, kept as a keyed hash only. A wrong code and an unused one
answer alike. Who handed in is never recorded by address.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from ..actor import ANONYMOUS, Actor
from ..errors import Conflict, Invalid, Missing
from ..house import House
from ..models import Blob, Comment, Item, Revision, Tracking, Unit
from ..policy import Permission
from ..work import Work
from . import access, deposits, items

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 signs that nobody mixes up
GROUPS, LENGTH = 4, 4
TRIES = 20
ASKED = ("topic", "statement", "where", "when", "name", "contact")


def sender(actor: Actor) -> Actor:
    """Who hands in: nobody, from nowhere. The address is not kept, whoever may be signed in."""
    return replace(ANONYMOUS, language=actor.language)


def new_code() -> str:
    """`7K2M-QX4R-9TBC-HW3P`."""
    return "-".join("".join(secrets.choice(ALPHABET) for _i in range(LENGTH)) for _g in range(GROUPS))


def code_hash(house: House, code: str) -> str:
    """The keyed hash of a code as typed: case, blanks and dashes do not matter."""
    plain = "".join(c for c in code.upper() if c.isalnum())
    return hmac.new(
        house.settings.secret_key.encode(), b"tracking/" + plain.encode(), hashlib.sha256
    ).hexdigest()


def submit(
    w: Work, raw: Mapping[str, Any], *, title: str, blobs: Sequence[int] = (), channel: str = "web"
) -> tuple[Item, str]:
    """Register a complaint: the item and its code, which is told once and never again."""
    kind = w.house.kinds["complaint"]
    w.house.policy.demand(w.actor, Permission.COMPLAINT_SUBMIT)
    root = w.session.scalars(select(Unit).where(Unit.parent_id.is_(None))).first()
    if root is None:
        raise Missing()
    asked = [kind.field(n) for n in (*ASKED, "channel")]
    item = items.create(
        w,
        kind,
        dict(raw) | {"channel": channel},
        title=title,
        unit_id=root.id,
        blobs=blobs,
        only=asked,
        permission=Permission.COMPLAINT_SUBMIT,
    )
    code = new_code()
    w.session.add(Tracking(item_id=item.id, code_hash=code_hash(w.house, code)))
    return item, code


@dataclass(frozen=True)
class Tracked:
    """What the sender may see: never who handles it, never inner notes."""

    item: Item
    state: str
    reached: list[tuple[str, datetime]]
    said: list[Comment]
    files: list[Blob]
    reply: str
    reason: str


def find(w: Work, code: str, origin: str) -> Item:
    """The complaint of a code. Raises Missing; Locked after too many wrong codes from one place."""
    access.guard(w, "track", origin, TRIES)
    row = w.session.scalar(select(Tracking).where(Tracking.code_hash == code_hash(w.house, code)))
    if row is None:
        raise Missing()
    return w.session.get_one(Item, row.item_id)


def track(w: Work, item: Item) -> Tracked:
    """The sender's view of a complaint found by its code."""
    kind = w.house.kinds["complaint"]
    steps = w.session.scalars(
        select(Revision).where(Revision.item_id == item.id).order_by(Revision.version)
    ).all()
    reached: list[tuple[str, datetime]] = []
    for r in steps:
        if not reached or reached[-1][0] != r.state:
            reached.append((r.state, r.at))
    told = [r.reason for r in steps if r.action in ("decline", "supplement") and r.reason]
    said = w.session.scalars(
        select(Comment).where(Comment.item_id == item.id, Comment.outward).order_by(Comment.id)
    )
    answered = item.state in ("answered", "closed")
    return Tracked(
        item=item,
        state=kind.state(item.state).name,
        reached=reached,
        said=list(said),
        files=deposits.files(w.session, item.id),
        reply=str(item.data.get("reply") or "") if answered else "",
        reason=told[-1] if told and item.state in ("declined", "supplement") else "",
    )


def add(w: Work, item: Item, body: str, blobs: Sequence[int] = ()) -> None:
    """The sender says more. What stood before is never changed; an asked-for supplement goes back to review."""
    kind = w.house.kinds["complaint"]
    if kind.state(item.state).final:
        raise Conflict(_("此件已办结，如仍有问题请另行提交"), item=item.id)
    if not body.strip() or len(body) > 5000:
        raise Invalid({"body": _("请填写 1 至 5000 字")})
    w.session.add(Comment(item_id=item.id, author_id=None, at=w.now, body=body.strip(), outward=True))
    deposits.adopt(w, item, blobs)
    w.record("complaint.add", item)
    move = kind.move("supplied")
    if move is not None and item.state in move.sources:
        item.state, item.previous_id = move.target, None
        items.saved(w, kind, item, move.name, "")


def wrong_code(w: Work, origin: str) -> None:
    """Count a wrong code (in a transaction of its own, after the refusal)."""
    access.tried(w, "track", origin)
