"""What is written over a page that somebody reads: who, when, which file, which copy (FEATURES row 59; seeds L46)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..models import Copy, Item, Loan


def mark(session: Session, house: House, actor: Actor, item: Item, now: datetime) -> dict[str, Any]:
    """The mark for this reader now, as the renderer takes it. One statement. Where no font has Chinese signs the name is
    spelt in pinyin."""
    at = f"{now.astimezone(house.zone):%Y-%m-%d %H:%M}"
    number = copy_number(session, actor, item)
    chinese = house.renderer.chosen_font().chinese
    copy = (_("第 %(n)s 份", n=number) if chinese else f"copy {number}") if number else ""
    name = actor.name if chinese else spelt(actor.name)
    which = f"{item.number} {copy}".strip() if chinese else f"{spelt(item.number)} {copy}".strip()
    return {
        "lines": [f"{name} {actor.login}".strip(), which, at],
        "foot": f"{which} · {name} ({actor.login}) · {at}",
    }


def copy_number(session: Session, actor: Actor, item: Item) -> int | None:
    """The copy (份号) that the actor has on loan; None where they read without one."""
    query = (
        select(Copy.number)
        .join(Loan, Loan.copy_id == Copy.id)
        .where(Loan.item_id == item.id, Loan.borrower_id == actor.id, Loan.state == "lent")
    )
    return session.scalar(query.order_by(Loan.id.desc()).limit(1))


def spelt(text: str) -> str:
    """Latin letters for Chinese signs, everything else as it is."""
    from pypinyin import lazy_pinyin  # its dictionaries cost half a second, and few machines need them

    return " ".join(lazy_pinyin(text)) if not text.isascii() else text
