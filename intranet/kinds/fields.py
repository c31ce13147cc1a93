"""The fields a ledger may declare. A field parses what a person typed, and tells how its value is kept and shown.

Values are JSON-storable (str, int, bool, list) so that they live in `item.data`; `index()` gives the form that the
`value` table keeps for filtering and sorting. Nothing here knows forms, HTTP or the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _

Value = Any  # JSON-storable
Indexed = str | int | date | None


class Wrong(ValueError):
    """What was typed does not fit the field. The message is for the person who typed it."""


@dataclass(frozen=True)
class Option:
    """One word of a closed list: `code` is kept, `title` is shown."""

    code: str
    title: Any


def options(*pairs: tuple[str, Any]) -> tuple[Option, ...]:
    return tuple(Option(code, title) for code, title in pairs)


@dataclass(frozen=True)
class Field:
    """Base of all fields. `search`: in the full text; `sort`, `facet`: kept in the value table; `column`: in lists;
    `view`: roles that see it (empty: all who see the item); `form`: offered when adding and editing; `once`: when adding only;
    `when`: (name of a Choice declared before, its code): asked, kept and shown where that is chosen only."""

    name: str
    title: Any
    required: bool = field(default=False, kw_only=True)
    search: bool = field(default=False, kw_only=True)
    sort: bool = field(default=False, kw_only=True)
    facet: bool = field(default=False, kw_only=True)
    column: bool = field(default=False, kw_only=True)
    form: bool = field(default=True, kw_only=True)
    once: bool = field(default=False, kw_only=True)
    when: tuple[str, str] | None = field(default=None, kw_only=True)
    view: str = field(default="", kw_only=True)
    help: Any = field(default="", kw_only=True)
    group: Any = field(default="", kw_only=True)
    widget = "text"

    def parse(self, raw: Any) -> Value:
        """The value of what was typed; None when empty. Raises Wrong."""
        text = "" if raw is None else str(raw).replace("\x00", "").strip()  # no database keeps a NUL
        if not text:
            if self.required:
                raise Wrong(_("请填写此项"))
            return None
        return self.convert(text)

    def convert(self, text: str) -> Value:
        return text

    def index(self, value: Value) -> Indexed:
        return None if value is None else str(value)

    def text(self, value: Value) -> str:
        """The words of the value for full text and CSV; references are resolved by the caller."""
        return "" if value is None else str(value)

    def applies(self, data: Mapping[str, Any]) -> bool:
        """Whether the item of this data has the field at all (`when`)."""
        return self.when is None or data.get(self.when[0]) == self.when[1]

    @property
    def kept(self) -> bool:
        """Whether the value table keeps this field."""
        return self.sort or self.facet

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.view.split())


@dataclass(frozen=True)
class Text(Field):
    max: int = field(default=200, kw_only=True)
    pattern: str = field(default="", kw_only=True)

    def convert(self, text: str) -> Value:
        text = " ".join(text.split())
        if len(text) > self.max:
            raise Wrong(_("不能超过 %(n)s 个字", n=self.max))
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise Wrong(_("格式不正确"))
        return text


@dataclass(frozen=True)
class LongText(Field):
    """`markup`: shown as Markdown (regulations, notices), else as it was typed."""

    max: int = field(default=200_000, kw_only=True)
    markup: bool = field(default=False, kw_only=True)
    widget = "textarea"

    def convert(self, text: str) -> Value:
        if len(text) > self.max:
            raise Wrong(_("不能超过 %(n)s 个字", n=self.max))
        return text.replace("\r\n", "\n")


@dataclass(frozen=True)
class Choice(Field):
    choices: Sequence[Option] = ()
    widget = "select"

    def convert(self, text: str) -> Value:
        for option in self.choices:
            if text in (option.code, str(option.title)):
                return option.code
        raise Wrong(_("请从列表中选择"))

    def text(self, value: Value) -> str:
        return next(
            (str(o.title) for o in self.choices if o.code == value), "" if value is None else str(value)
        )


@dataclass(frozen=True)
class Checks(Field):
    """Several ticks of a closed list; `all_required`: each must be ticked (a reviewer's checklist)."""

    choices: Sequence[Option] = ()
    all_required: bool = field(default=False, kw_only=True)
    widget = "checks"

    def parse(self, raw: Any) -> Value:
        given = [raw] if isinstance(raw, str) else list(raw or [])
        ticked = [o.code for o in self.choices if o.code in given]
        if self.all_required and len(ticked) < len(self.choices):
            missing = str(_("、")).join(str(o.title) for o in self.choices if o.code not in ticked)
            raise Wrong(_("尚未勾选：%(missing)s", missing=missing))
        if self.required and not ticked:
            raise Wrong(_("请填写此项"))
        return ticked or None

    def index(self, value: Value) -> Indexed:
        return None if not value else " ".join(value)

    def text(self, value: Value) -> str:
        return str(_("、")).join(str(o.title) for o in self.choices if o.code in (value or []))


@dataclass(frozen=True)
class Vocabulary(Field):
    """A word of a list that the office edits in the browser (table `term`); kept by its code."""

    vocabulary: str = ""
    widget = "term"


@dataclass(frozen=True)
class Flag(Field):
    widget = "flag"

    def parse(self, raw: Any) -> Value:
        ticked = str(raw or "").lower() in ("1", "true", "on", "yes", "是")
        if self.required and not ticked:
            raise Wrong(_("请勾选此项"))
        return ticked

    def text(self, value: Value) -> str:
        return str(_("是") if value else _("否"))


@dataclass(frozen=True)
class Integer(Field):
    min: int = field(default=0, kw_only=True)
    max: int = field(default=2**53, kw_only=True)
    unit: Any = field(default="", kw_only=True)
    widget = "number"

    def convert(self, text: str) -> Value:
        try:
            number = int(text)
        except ValueError:
            raise Wrong(_("请填写整数")) from None
        if not self.min <= number <= self.max:
            raise Wrong(_("应在 %(min)s 与 %(max)s 之间", min=self.min, max=self.max))
        return number

    def index(self, value: Value) -> Indexed:
        return None if value is None else int(value)


@dataclass(frozen=True)
class Money(Integer):
    """元 as typed, kept as integer 分."""

    widget = "money"

    def convert(self, text: str) -> Value:
        try:
            amount = Decimal(text.replace(",", "").replace("，", "")[:40])
        except InvalidOperation:
            raise Wrong(_("请填写金额，例如 128.50")) from None
        if not amount.is_finite() or not 0 <= amount <= self.max or -amount.as_tuple().exponent > 20:  # type: ignore[operator]
            raise Wrong(_("请填写金额，最多两位小数"))
        cents = amount * 100
        if cents != int(cents) or cents > self.max:
            raise Wrong(_("请填写金额，最多两位小数"))
        return int(cents)

    def text(self, value: Value) -> str:
        return "" if value is None else f"{Decimal(value) / 100:.2f}"


YEARS = range(1000, 9000)  # outside of them a time zone or one day more is past what dates can hold


def _iso(text: str) -> str:
    found = date.fromisoformat(text)
    if found.year not in YEARS:
        raise ValueError(text)
    return found.isoformat()


@dataclass(frozen=True)
class Date(Field):
    past: bool = field(default=False, kw_only=True)
    widget = "date"

    def convert(self, text: str) -> Value:
        """2026-11-23, and what spreadsheets and people write: 2026/11/3, 2026.11.3, 2026年11月3日."""
        found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
        try:
            return _iso(date(*(int(part) for part in found.groups())).isoformat() if found else text)
        except ValueError:
            raise Wrong(_("请填写日期，例如 2026-11-23")) from None

    def index(self, value: Value) -> Indexed:
        return None if value is None else date.fromisoformat(value[:10])


@dataclass(frozen=True)
class DateTime(Field):
    """A moment in the office's time zone, kept as `YYYY-MM-DDTHH:MM`."""

    past: bool = field(default=False, kw_only=True)
    widget = "datetime"

    def convert(self, text: str) -> Value:
        try:
            moment = datetime.fromisoformat(text.replace(" ", "T"))
            _iso(moment.date().isoformat())
            return moment.strftime("%Y-%m-%dT%H:%M")
        except ValueError:
            raise Wrong(_("请填写时间，例如 2026-11-23 14:30")) from None

    def index(self, value: Value) -> Indexed:
        return None if value is None else date.fromisoformat(value[:10])


@dataclass(frozen=True)
class Reference(Field):
    """A row of another table, kept by its id; `verbs.items` checks that it exists and may be chosen."""

    def convert(self, text: str) -> Value:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Wrong(_("请从列表中选择"))
        return int(text)


@dataclass(frozen=True)
class Person(Reference):
    """A person; `gives` names the role the chosen person gets on this item; `having`: offered are holders of it."""

    gives: str = field(default="", kw_only=True)
    having: str = field(default="", kw_only=True)
    widget = "person"


@dataclass(frozen=True)
class UnitRef(Reference):
    widget = "unit"


@dataclass(frozen=True)
class PlaceRef(Reference):
    """A storage place; a place whose kind is weaker than the item's level is refused (seeds L38-42)."""

    widget = "place"


@dataclass(frozen=True)
class Files(Field):
    """Attachments. Not kept in `data`: each becomes a sealed blob of the item."""

    image: bool = field(default=False, kw_only=True)
    many: bool = field(default=True, kw_only=True)
    widget = "files"

    def parse(self, raw: Any) -> Value:
        return None


def words(fields: Iterable[Field], data: dict[str, Value]) -> str:
    """The searchable words of an item's data, a line a field."""
    lines = (f.text(data.get(f.name)) for f in fields if f.search and not f.view)
    return "\n".join(line for line in lines if line)
