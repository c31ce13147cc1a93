"""Numbers: from a counter row taken in the transaction that uses it; unique over living and disposed, never reissued."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..errors import Invalid
from ..kinds.base import Kind
from ..models import Counter, Item, Unit
from ..work import Work

LETTERS = {
    Level.PUBLIC: "G",
    Level.INTERNAL: "N",
    Level.CONFIDENTIAL: "M",
    Level.SECRET: "J",
    Level.TOPSECRET: "A",
}


#: What may stand in a number that somebody else gave: it is an address, and printed.
GIVEN = re.compile(r"[\w(（〔\[][\w.()（）〔〕\[\]-]{0,79}")


def template(kind: Kind, office: str) -> str:
    """The template of a kind: its own, or the office's (DOCUMENT_NUMBER) with the prefix that keeps the ledgers apart."""
    return kind.number if kind.prefix is None else kind.prefix + office


def take(w: Work, kind: Kind, unit: Unit, level: Level) -> str:
    """The next number of a kind. `{seq:05}` counts separately for each rendering of the rest of the template: so per unit, level
    and year. The counter is of the transaction that uses it: what is refused burns no number (FEATURES row 57)."""
    facts = {"year": w.today.year, "unit": unit.code, "letter": LETTERS[level]}
    text = template(kind, w.house.settings.document_number)
    before, _mark, after = text.partition("{seq")
    name = f"{kind.name}:{(before + after.partition('}')[2]).format(**facts)}"
    while True:
        number = text.format(**facts, seq=_next(w.session, name))
        if kind.prefix is None or not used(
            w.session, number
        ):  # one that came in with its number is not given again
            return number


def used(session: Session, number: str) -> bool:
    """Whether a number was ever given, to what is living or disposed of."""
    return session.scalar(select(Item.id).where(Item.number == number)) is not None


def given(w: Work, number: str) -> str:
    """A number that the paper bears already, for bringing in an old register. Raises Invalid where it cannot be one or was given."""
    number = number.strip()
    if not GIVEN.fullmatch(number) or number.isdigit():
        raise Invalid({"number": _("编号只能由文字、数字、括号与连字符组成，且不能全是数字")})
    if used(w.session, number):
        raise Invalid(
            {"number": _("编号 %(number)s 已用过，已销毁或移交的编号也不得重新使用", number=number)}
        )
    return number


def _next(session: Session, name: str) -> int:
    counter = session.get(Counter, name, with_for_update=True, populate_existing=True)
    if counter is None:
        counter = Counter(name=name, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return counter.last
