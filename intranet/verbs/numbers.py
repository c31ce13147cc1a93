"""Numbers: from a counter row taken in the transaction that uses it; unique over living and disposed, never reissued."""

from __future__ import annotations

from sqlalchemy.orm import Session

from vault.levels import Level

from ..kinds.base import Kind
from ..models import Counter, Unit
from ..work import Work

LETTERS = {
    Level.PUBLIC: "G",
    Level.INTERNAL: "N",
    Level.CONFIDENTIAL: "M",
    Level.SECRET: "J",
    Level.TOPSECRET: "A",
}


def take(w: Work, kind: Kind, unit: Unit, level: Level) -> str:
    """The next number of a kind. `{seq:05}` counts separately for each rendering of the rest of the template."""
    facts = {"year": w.today.year, "unit": unit.code, "letter": LETTERS[level]}
    before, _, after = kind.number.partition("{seq")
    name = f"{kind.name}:{(before + after.partition('}')[2]).format(**facts)}"
    return kind.number.format(**facts, seq=_next(w.session, name))


def in_series(w: Work, name: str, template: str, unit: Unit) -> str:
    """The next number of what is no item (a disposal list): as `take`, of a template over {unit} {year} {seq:04}."""
    facts = {"year": w.today.year, "unit": unit.code}
    before, _, after = template.partition("{seq")
    counted = f"{name}:{(before + after.partition('}')[2]).format(**facts)}"
    return template.format(**facts, seq=_next(w.session, counted))


def _next(session: Session, name: str) -> int:
    counter = session.get(Counter, name, with_for_update=True, populate_existing=True)
    if counter is None:
        counter = Counter(name=name, last=0)
        session.add(counter)
    counter.last += 1
    session.flush()
    return counter.last
