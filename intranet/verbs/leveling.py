"""The change of a level itself, whoever decided on it: what stands against it, what follows from it, the folder that is raised with it
(REQUIREMENTS A3; seeds L37-42; FEATURES rows 52, 56, 61)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..errors import Conflict, Invalid
from ..kinds.base import Kind
from ..models import Copy, Item, Link, Place
from ..work import Work
from . import copies, deposits, items, values

IN = "in"  # item -> folder


def folder_of(session: Session, item_id: int) -> int | None:
    """The folder that the item is in. The caller decides whether it may be known."""
    return session.scalar(select(Link.other_id).where(Link.item_id == item_id, Link.relation == IN))


def strongest_inside(session: Session, folder_id: int) -> int:
    """The highest level of what is in the folder; 0 while it is empty."""
    inside = select(func.max(Item.level)).join(Link, Link.item_id == Item.id)
    return session.scalar(inside.where(Link.other_id == folder_id, Link.relation == IN)) or 0


def at_rest(w: Work, item: Item, kind: Kind) -> None:
    """Raise Conflict where the item is out, or on its way out of the office: its level is what the borrower was told."""
    state = kind.state(item.state)
    out = kind.loans and w.session.scalar(
        select(Copy.id).where(Copy.item_id == item.id, Copy.state.in_(copies.OUT)).limit(1)
    )
    if out or state.final or item.state in ("lent", "returned", "disposal"):
        raise Conflict(_("借出、传递、待核验、待处置或已处置的文件不能更改密级"), item=item.id)


def against(w: Work, item: Item, kind: Kind, level: Level) -> Any:
    """Why the item cannot have this level, or None: its ledger, its place, the places of its copies, its event, what is inside."""
    if int(level) not in kind.levels:
        return _("此类台账不使用这一密级")
    if why := items.below(kind, item.data, level):
        return why
    if kind.bundles and strongest_inside(w.session, item.id) > level:
        return _("案卷的密级不得低于卷内最高密级")
    try:
        values.parse(w, kind, [f for f in kind.form_fields if f.widget == "place"], item.data, level)
    except Invalid as invalid:
        return next(iter(invalid.errors.values()))
    if kind.loans:
        weak = select(Copy.number).join(Place, Place.id == Copy.place_id)
        weak = weak.where(Copy.item_id == item.id, Copy.state.in_(copies.LIVING), Place.strength < int(level))
        number = w.session.scalar(weak.order_by(Copy.number).limit(1))
        if number is not None:
            return _("第 %(n)s 份所在场所的保管强度低于密级要求，请先移位", n=number)
    return None


def change(w: Work, item: Item, kind: Kind, level: Level, reason: str) -> None:
    """Give the item this level, and raise the folder that it is in. The caller has locked the item and asked who may.

    Raises Invalid(level) where a rule stands against it, Conflict (files on a register-only level), Unavailable (no key)."""
    if why := against(w, item, kind, level):
        raise Invalid({"level": why})
    deposits.relevel(w, item, level)
    before, item.level = item.level, int(level)
    items.saved(w, kind, item, "level", f"{Level(before).label} → {level.label}：{reason.strip()}")
    if (folder_id := folder_of(w.session, item.id)) is not None:
        folder = w.session.get_one(Item, folder_id, with_for_update=True, populate_existing=True)
        lift(w, folder, item)


def lift(w: Work, folder: Item, item: Item) -> None:
    """The folder takes the level of what is in it, where that is higher. Refused with the whole act where its place is too weak."""
    if folder.level >= item.level:
        return
    try:
        change(w, folder, w.house.kinds[folder.kind], Level(item.level), _("随卷内最高密级定级"))
    except Invalid as invalid:
        why = invalid.errors.get("level", "")
        raise Invalid({"level": _("所在案卷须随之升级，但不能：%(why)s", why=why)}) from invalid
