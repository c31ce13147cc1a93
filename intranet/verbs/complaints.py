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
from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from ..actor import ANONYMOUS, Actor
from ..errors import Conflict, Invalid, Missing
from ..house import House
from ..kinds.base import Kind
from ..models import Blob, Comment, Item, Message, Revision, Tracking, Unit
from ..policy import Permission
from ..work import Work
from . import access, deposits, items, people

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 signs that nobody mixes up
GROUPS, LENGTH = 4, 4
TRIES = 20
ASKED = ("topic", "statement", "where", "when", "name", "contact")
TOLD = ("decline", "supplement")  # moves whose reason is meant for the sender; all others stay in the house


def sender(actor: Actor) -> Actor:
    """Who hands in: nobody, from nowhere. The address is not kept, whoever may be signed in."""
    return replace(ANONYMOUS, language=actor.language)


def new_code() -> str:
    """`7K2M-QX4R-9TBC-HW3P`."""
    return "-".join("".join(secrets.choice(ALPHABET) for _i in range(LENGTH)) for _g in range(GROUPS))


def code_hash(house: House, code: str) -> str:
    """The keyed hash of a code as typed: case, blanks, dashes and full-width letters do not matter."""
    return hmac.new(
        house.settings.secret_key.encode(), b"tracking/" + plain(code).encode(), hashlib.sha256
    ).hexdigest()


def plain(code: str) -> str:
    """The signs of a code, however it was typed: full-width letters of a Chinese keyboard count as their plain ones."""
    narrow = (chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in code)
    return "".join(c for c in narrow if c.isascii() and c.isalnum()).upper()


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
        {n: raw.get(n) for n in ASKED} | {"channel": channel},
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
class Stage:
    """One step of the way; `at` is None while it lies ahead; `told`: what the sender was told with it."""

    state: str
    at: datetime | None
    told: str = ""


@dataclass(frozen=True)
class Tracked:
    """What the sender may see: never who handles it, never inner notes. `promise`: until when the present step is to
    be done, None where the office has promised nothing."""

    item: Item
    state: str
    way: list[Stage]
    said: list[Comment]
    files: list[Blob]
    reply: str
    reason: str
    promise: datetime | None
    final: bool


def find(w: Work, code: str, origin: str) -> Item:
    """The complaint of a code. Raises Missing; Locked after too many wrong codes from one place."""
    access.guard(w, "track", _place(w.house, origin), TRIES)
    row = w.session.scalar(select(Tracking).where(Tracking.code_hash == code_hash(w.house, code)))
    if row is None:
        raise Missing()
    return w.session.get_one(Item, row.item_id)


def track(w: Work, item: Item) -> Tracked:
    """The sender's view of a complaint found by its code."""
    kind = w.house.kinds["complaint"]
    saves = w.session.scalars(
        select(Revision).where(Revision.item_id == item.id).order_by(Revision.version)
    ).all()
    reached: list[Stage] = []
    for r in saves:
        if not reached or reached[-1].state != r.state:
            reached.append(Stage(r.state, r.at, r.reason if r.action in TOLD else ""))
    said = w.session.scalars(
        select(Comment).where(Comment.item_id == item.id, Comment.outward).order_by(Comment.id)
    )
    state = kind.state(item.state)
    return Tracked(
        item=item,
        state=state.name,
        way=reached + [Stage(name, None) for name in _ahead(kind, item.state)],
        said=list(said),
        files=deposits.files(w.session, item.id),
        reply=str(item.data.get("reply") or "") if item.state in ("answered", "closed") else "",
        reason=reached[-1].told if reached and item.state in ("declined", "supplement") else "",
        promise=_promise(w.house, item, reached),
        final=state.final,
    )


def _ahead(kind: Kind, state: str) -> list[str]:
    """What comes after a state on the main line; nothing after an end."""
    if kind.state(state).final:
        return []
    line = [s.name for s in kind.steps]
    return line[line.index(state) + 1 if state in line else 1 :]


def _promise(house: House, item: Item, reached: Sequence[Stage]) -> datetime | None:
    """Until when the office wants to have done the present step (settings; REQUIREMENTS A16: no law sets it)."""
    begun = reached[-1].at if reached else None
    if begun is None:
        return None
    if item.state == "registered":
        return working_days(house, begun, house.settings.complaint_review_days)
    if item.state == "investigating":
        return item.due or working_days(house, begun, house.settings.complaint_close_days)
    return None


def working_days(house: House, start: datetime, days: int) -> datetime | None:
    """The end of the n-th working day after `start`, where the office is; None for no days. Holidays are not known."""
    if not days:
        return None
    day = start.astimezone(house.zone).date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return datetime.combine(day + timedelta(days=1), time(), house.zone)


def add(w: Work, item: Item, body: str, blobs: Sequence[int] = ()) -> None:
    """The sender says more. What stood before is never changed; an asked-for supplement goes back to review.

    The handler is told; whoever has the item open sees that it moved on (Conflict at their next save)."""
    kind = w.house.kinds["complaint"]
    if kind.state(item.state).final:
        raise Conflict(_("此件已办结，如仍有问题请另行提交"), item=item.id)
    body = body.strip() or (_("（补充了材料，没有文字说明）") if blobs else "")
    if not body or len(body) > 5000:
        raise Invalid({"body": _("请填写 1 至 5000 字")})
    comment = Comment(item_id=item.id, author_id=None, at=w.now, body=body, outward=True)
    w.session.add(comment)
    deposits.adopt(w, item, blobs)
    w.record("complaint.add", item)
    item.updated = w.now
    w.session.flush()
    _tell(w, item, f"complaint.added:{comment.id}")
    move = kind.move("supplied")
    if move is not None and item.state in move.sources:
        item.state, item.previous_id = move.target, None
        items.saved(w, kind, item, move.name, "")


def _tell(w: Work, item: Item, key: str) -> None:
    """A message to the handler, or to all who review while there is none."""
    handler = item.data.get("handler")
    whom = [handler] if handler else [p.id for p in people.having(w.session, "complaint_handler", item.level)]
    for person_id in whom:
        w.session.add(
            Message(
                person_id=person_id,
                item_id=item.id,
                at=w.now,
                code="complaint.added",
                key=f"{key}:{person_id}",
            )
        )


def wrong_code(w: Work, origin: str) -> None:
    """Count a wrong code (in a transaction of its own, after the refusal)."""
    access.tried(w, "track", _place(w.house, origin))


def _place(house: House, origin: str) -> str:
    """Where a code was tried from, only so that tries can be counted today: not even a mistyped code keeps an address."""
    said = f"track/{house.clock().date()}/{origin}".encode()
    return hmac.new(house.settings.secret_key.encode(), said, hashlib.sha256).hexdigest()[:32]
