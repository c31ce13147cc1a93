"""Names of people, units, places and words for a page: looked up in batches, kept for the request, never a row at a time.

Units, places and vocabularies are small and read whole, once, when first asked for. People are many: a list calls
`names.load(persons=…)` with all its ids before it is drawn, so that the page costs one statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import g
from flask_babel import gettext as _
from sqlalchemy import bindparam, func, select

from ..extensions import db
from ..house import house
from ..kinds.base import Field
from ..models import Person, Place, Repository, Term, Unit
from .language import english

UNKNOWN = "—"
# Asked at most once by each page, so built once.
_PERSONS = select(Person.id, Person.name).where(Person.id.in_(bindparam("ids", expanding=True)))
_UNITS = select(Unit.id, Unit.code, Unit.name)
_UNITS_EN = select(Unit.id, Unit.code, func.coalesce(func.nullif(Unit.name_en, ""), Unit.name))
_PLACES = select(Place.id, Place.name)
_REPOSITORIES = select(Repository.id, Repository.title)
_TERMS = select(Term).order_by(Term.order, Term.id)


class Names:
    """The look-ups of one request. Every method answers "—" for nothing and for an id that is not there."""

    def __init__(self) -> None:
        self._persons: dict[int, str] = {}
        self._tables: dict[str, dict[Any, Any]] = {}

    def load(self, persons: Iterable[int | None] = (), units: Iterable[int | None] = ()) -> str:
        """Fetch the names of these people (one statement) and, when any are given, units (whole). "" for templates."""
        if any(u is not None for u in units):
            self._units()
        wanted = {p for p in persons if p is not None} - self._persons.keys()
        if wanted:
            rows = db.session.execute(_PERSONS, {"ids": sorted(wanted)})
            self._persons |= dict.fromkeys(wanted, UNKNOWN) | {i: str(n) for i, n in rows}
        return ""

    def person(self, person_id: int | None) -> str:
        if person_id is None:
            return UNKNOWN
        self.load(persons=[person_id])
        return self._persons[person_id]

    def unit(self, unit_id: int | None) -> str:
        return str(self._units().get(unit_id, UNKNOWN))

    def place(self, place_id: int | None) -> str:
        return str(self._table("place", _PLACES).get(place_id, UNKNOWN))

    def places(self) -> list[tuple[int, str]]:
        """All places with their names, for a chooser."""
        self._table("place", _PLACES)
        return sorted(self._tables["place"].items(), key=lambda row: row[1])

    def repository(self, repository_id: int | None) -> str:
        return str(self._table("repository", _REPOSITORIES).get(repository_id, UNKNOWN))

    def term(self, vocabulary: str, code: str | None) -> str:
        if not code:
            return UNKNOWN
        return next((t.title for t in self.terms(vocabulary) if t.code == code), code)

    def terms(self, vocabulary: str) -> list[Term]:
        """All words of a vocabulary, the retired ones too, in their order."""
        if "term" not in self._tables:
            found: dict[str, list[Term]] = {}
            for term in db.session.scalars(_TERMS):
                found.setdefault(term.vocabulary, []).append(term)
            self._tables["term"] = found
        words: list[Term] = self._tables["term"].get(vocabulary, [])
        return words

    def unit_of(self, code: str) -> str:
        """The name of the unit of a code; the code itself where there is none."""
        self._units()
        return str(self._tables["unit code"].get(code, code))

    def _units(self) -> dict[Any, Any]:
        if "unit" not in self._tables:
            rows = db.session.execute(_UNITS_EN if english() else _UNITS).all()
            self._tables["unit"] = {i: str(name) for i, _code, name in rows}
            self._tables["unit code"] = {code: str(name) for _i, code, name in rows}
        return self._tables["unit"]

    def _table(self, key: str, query: Any) -> dict[Any, Any]:
        if key not in self._tables:
            self._tables[key] = {i: str(name) for i, name in db.session.execute(query)}
        return self._tables[key]


def names() -> Names:
    """The look-ups of this request."""
    if "names" not in g:
        g.names = Names()
    found: Names = g.names
    return found


def choices_of(field: Field, level: int = 0) -> list[tuple[Any, str]]:
    """What a field offers in a chooser: its own closed list, or the living rows it may refer to."""
    if hasattr(field, "choices"):
        return [(o.code, str(o.title)) for o in field.choices]
    if field.widget == "term":
        words = names().terms(getattr(field, "vocabulary", ""))
        return [(t.code, t.title) for t in words if t.active]
    if field.widget == "unit":
        rows = db.session.execute(select(Unit.id, Unit.path).where(Unit.active).order_by(Unit.path))
        return [(i, "　" * max(0, path.count("/") - 2) + names().unit(i)) for i, path in rows]
    if field.widget == "place":
        rows_ = select(Place.id, Place.name).where(Place.active, Place.strength >= level)
        return [
            (i, name) for i, name in db.session.execute(rows_.order_by(Place.strength.desc(), Place.code))
        ]
    if field.widget == "person":
        return _people(getattr(field, "having", ""), level)
    return []


def _people(role: str, level: int) -> list[tuple[Any, str]]:
    from ..verbs import people

    if role:
        found = [(p.id, p.name, p.unit_id) for p in people.having(db.session(), role, level)]
    else:
        query = select(Person.id, Person.name, Person.unit_id).where(Person.active, Person.clearance >= level)
        found = [tuple(row) for row in db.session.execute(query.order_by(Person.pinyin))]  # type: ignore[misc]
    return [(i, _("%(name)s（%(more)s）", name=name, more=names().unit(unit))) for i, name, unit in found]


def office() -> str:
    """The office's name in the language of the page."""
    s = house().settings
    return s.office_en if english() else s.office
