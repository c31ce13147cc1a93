"""The rows of a table (CSV with a header of field titles) as items of any ledger; each row stands or falls alone.

A row whose every filled cell equals an item of the same title is that item, so a table may be brought in again. References are
written as people write them: a person's name or login, the name or code of a unit, a place, a word of a list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select

from search import extract_charset
from vault.levels import Level

from ..actor import Actor
from ..errors import DomainError, Invalid, Unavailable
from ..house import House
from ..kinds.base import Checks, Field, Files, Person, PlaceRef, UnitRef, Vocabulary
from ..kinds.resource import DEFAULT_MANAGEMENT
from ..models import Item, Place, Term, Unit
from ..models import Person as PersonRow
from ..work import Work, begin
from . import items, numbers, values
from .importing import Options, Report

TITLES, LEVELS, UNITS, NUMBERS = (
    ("title", "标题"),
    ("level", "密级"),
    ("unit", "单位", "归属单位"),
    ("number", "编号"),
)


class Rows:
    """One table. Raises Invalid when it is no table or has no column for the title."""

    def __init__(self, house: House, actor: Actor, options: Options, path: Path) -> None:
        self.house, self.actor, self.options = house, actor, options
        self.kind = house.kinds[options.kind]
        self.report = Report()
        text = extract_charset.decode(path.read_bytes()) or ""
        lines = list(csv.reader(io.StringIO(text.replace("\x00", ""), newline="")))
        header = [cell.strip() for cell in lines[0]] if lines else []
        self._lines = lines[1:]
        self._columns = [self._column(name) for name in header]
        if "title" not in self._columns:
            raise Invalid({"": _("表头中没有“%(title)s”这一列", title=self.kind.title_label)})
        unknown = "、".join(n for n, c in zip(header, self._columns, strict=True) if n and c is None)
        if unknown:
            self.report.leave(f"{path.name}:1", _("没有这些列：%(names)s", names=unknown))
        self.name = path.name

    @property
    def count(self) -> int:
        return len(self._lines)

    def read(self) -> Iterator[tuple[int, list[str]]]:
        """Line numbers as a spreadsheet counts them, and cells."""
        return iter(enumerate(self._lines, 2))

    def _column(self, name: str) -> str | Field | None:
        """What a header means: title, level, unit, number, or a field by its title or its name."""
        if name in (*TITLES, str(self.kind.title_label)):
            return "title"
        for words in (LEVELS, UNITS, NUMBERS):
            if name in words:
                return words[0]
        fields = (f for f in self.kind.form_fields if not isinstance(f, Files))
        return next((f for f in fields if name in (f.name, str(f.title))), None)

    def take(self, row: tuple[int, Sequence[str]]) -> None:
        """Bring in one row and count it. Raises Unavailable only."""
        line, cells = row
        if not any(cell.strip() for cell in cells):
            return
        try:
            with begin(self.house, self.actor) as w:
                made = self._bring(w, cells)
        except Unavailable:
            raise
        except Invalid as invalid:
            self.report.leave(f"{self.name}:{line}", self._told(invalid))
        except (DomainError, ValueError) as error:
            self.report.leave(f"{self.name}:{line}", error)
        else:
            self.report.imported += made
            self.report.unchanged += not made

    def _told(self, invalid: Invalid) -> str:
        titles = {f.name: str(f.title) for f in self.kind.fields} | {"title": str(self.kind.title_label)}
        return "；".join(
            f"{titles.get(name, name)}：{why}" if name else str(why) for name, why in invalid.errors.items()
        )

    def _bring(self, w: Work, cells: Sequence[str]) -> bool:
        plain: dict[str, str] = {}
        raw: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for column, cell in zip(self._columns, cells, strict=False):
            value = cell.strip()
            if column is None or not value:
                continue
            if isinstance(column, str):
                plain[column] = value
                continue
            try:
                raw[column.name] = _reference(w, column, value)
            except Invalid as wrong:
                errors[column.name] = wrong.errors[""]
        if errors:
            raise Invalid(errors)
        level = Level.parse(plain["level"]) if "level" in plain else self.options.level
        unit = _unit(w, plain["unit"]) if "unit" in plain else self.options.unit_id
        self._defaults(raw)
        if self._there(w, plain, raw, unit, level):
            return False
        # the paper of a register bears its number already; elsewhere a column of numbers only tells what is there
        number = plain.get("number") if self.kind.prefix is not None else None
        items.create(
            w, self.kind, raw, title=plain.get("title", ""), unit_id=unit, level=level, number=number
        )
        return True

    def _defaults(self, raw: dict[str, Any]) -> None:
        """Resources: the class of the command where the row has none, and the management class that follows from it."""
        names = {f.name for f in self.kind.fields}
        if {"business", "management"} <= names:
            business = self.kind.field("business").parse(raw.setdefault("business", self.options.business))
            raw.setdefault("management", DEFAULT_MANAGEMENT[business])
        if "medium" in names:
            raw.setdefault("medium", "electronic")

    def _there(self, w: Work, plain: dict[str, str], raw: dict[str, Any], unit: int, level: Level) -> bool:
        """Whether this very row is an item already: its number is, or everything it says."""
        if "number" in plain:
            query = select(Item).where(Item.number == plain["number"], Item.kind == self.kind.name)
            if (found := w.session.scalar(query)) is not None:
                if self.kind.prefix is not None and self.kind.state(found.state).final:
                    numbers.given(
                        w, plain["number"]
                    )  # refused: that of a file which is gone is not used again
                return True
        given = [f for f in self.kind.form_fields if f.name in raw]
        data = {k: v for k, v in values.parse(w, self.kind, given, raw, level).items() if v is not None}
        alike = select(Item).where(
            Item.kind == self.kind.name, Item.unit_id == unit, Item.title == plain.get("title", "")
        )
        return any(all(item.data.get(k) == v for k, v in data.items()) for item in w.session.scalars(alike))


def _unit(w: Work, words: str) -> int:
    found = w.session.scalars(
        select(Unit.id).where(or_(Unit.code == words.upper(), Unit.name == words), Unit.active)
    )
    return _one(found.all(), words)


def _reference(w: Work, declared: Field, value: str) -> Any:
    """A cell as the form would have sent it."""
    if isinstance(declared, Checks):
        by_title = {str(o.title): o.code for o in declared.choices}
        return [by_title.get(part.strip(), part.strip()) for part in value.replace("，", "、").split("、")]
    finders: dict[type[Field], Callable[[], Any]] = {
        Person: lambda: select(PersonRow.id).where(
            or_(PersonRow.login == value.lower(), PersonRow.name == value), PersonRow.active
        ),
        UnitRef: lambda: select(Unit.id).where(
            or_(Unit.code == value.upper(), Unit.name == value), Unit.active
        ),
        PlaceRef: lambda: select(Place.id).where(or_(Place.code == value, Place.name == value), Place.active),
    }
    if isinstance(declared, Vocabulary):
        query = select(Term.code).where(
            Term.vocabulary == declared.vocabulary, or_(Term.code == value, Term.title == value), Term.active
        )
        return _one(w.session.scalars(query).all(), value)
    for sort, finder in finders.items():
        if isinstance(declared, sort):
            return str(_one(w.session.scalars(finder()).all(), value))
    return value


def _one(found: Sequence[Any], words: str) -> Any:
    if len(found) != 1:
        why = (
            _("“%(words)s”不止一个，请写代码或登录名", words=words)
            if found
            else _("没有“%(words)s”", words=words)
        )
        raise Invalid({"": why})
    return found[0]
