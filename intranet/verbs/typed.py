"""Fields of a query in the words of the office: `密级:内部 类型:通知公告 单位:维修科`. People type words, the index keeps codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from search import analysis
from search.query import Query, parse
from vault.levels import Level

from ..house import House
from ..models import Unit


def coded(session: Session, house: House, query: Query) -> Query:
    """The query with the codes that its words stand for; a word that stands for none is taken for a code."""
    if not query.fields and not query.without_fields:
        return query
    words: dict[str, dict[str, set[str]]] = {
        "kind": _by_title((k.title, k.name) for k in house.kinds.values()),
        "level": _by_title((level.label, level.slug) for level in Level),
        "state": _by_title((s.title, s.name) for k in house.kinds.values() for s in k.states),
        "class": _by_title(
            (o.title, o.code)
            for k in house.kinds.values()
            for f in k.fields
            if f.name == "business"
            for o in getattr(f, "choices", ())
        ),
    }
    if "unit" in query.fields or "unit" in query.without_fields:
        words["unit"] = _by_title(
            (name, code) for name, code in session.execute(select(Unit.name, Unit.code))
        )

    def codes(fields: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        return {
            name: frozenset().union(*(words.get(name, {}).get(v, {v}) for v in values))
            for name, values in fields.items()
        }

    return replace(query, fields=codes(query.fields), without_fields=codes(query.without_fields))


def _by_title(pairs: Iterable[tuple[object, str]]) -> dict[str, set[str]]:
    """Folded word -> folded codes that it stands for (several ledgers may use one word)."""
    found: dict[str, set[str]] = {}
    for title, code in pairs:
        found.setdefault(analysis.fold(str(title)), set()).add(analysis.fold(code))
    return found


def replaced(text: str, word: str, other: str) -> str:
    """What was typed with another word in the place of one that is given folded."""
    pieces = [other if analysis.fold(piece) == word else piece for piece in text.split()]
    return " ".join(pieces) if other in pieces else other


def loosened(text: str) -> list[str]:
    """The words of what was typed, without quotes, and without those that were to be left out."""
    query = parse(text)
    return (
        [word.text for word in (*query.words, *query.phrases)] if query.phrases or query.without else [text]
    )
