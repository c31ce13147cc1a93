"""What a ledger is: a frozen declaration, checked when the product starts (ARCHITECTURE §4).

A declaration names roles by the words of `ROLES`; which role may do what in which state stands here, whether a
person holds it is decided in `intranet.policy` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _

from .fields import (
    Checks,
    Choice,
    Date,
    DateTime,
    Field,
    Files,
    Flag,
    Integer,
    LongText,
    Money,
    Option,
    Person,
    PlaceRef,
    Reference,
    Text,
    UnitRef,
    Value,
    Vocabulary,
    Wrong,
    options,
)

__all__ = [
    "ALL_ROLES", "ITEM_ROLES", "ROLES", "Checks", "Choice", "Clock", "Data", "Date", "DateTime", "Field", "Files", "Flag",
    "Floor", "Guard", "Integer", "Kind", "KindError", "LongText", "Money", "Move", "Option", "Person", "PlaceRef", "Reference", "State",
    "Text", "UnitRef", "Value", "Vocabulary", "Wrong", "_", "options",
]  # fmt: skip

# Roles a person holds in a unit (and the units below it). `staff` and `member` are implied, never given.
ROLES: Mapping[str, Any] = {
    "staff": _("全体职工"),
    "member": _("本单位职工"),
    "lead": _("信息责任人"),
    "info_officer": _("信息员"),
    "reviewer": _("办公室审核"),
    "leader": _("处领导"),
    "custodian": _("保管员"),
    "complaint_handler": _("投诉处理员"),
    "dispatcher": _("调度员"),
    "technician": _("维修人员"),
    "backup_operator": _("备份操作员"),
    "sysadmin": _("系统管理员"),
    "security_officer": _("安全保密员"),
    "auditor": _("安全审计员"),
}
# Roles a person holds on one item, by ownership or by a grant.
# `previous` (in `not_by` only): whoever did the step before this one.
ITEM_ROLES: Mapping[str, Any] = {
    "owner": _("经办人"),
    "reader": _("知悉人"),
    "worker": _("承办人"),
    "handler": _("处理人"),
}
ALL_ROLES = frozenset(ROLES) | frozenset(ITEM_ROLES)
TONES = ("waiting", "good", "soon", "late", "neutral")

# A guard sees the item's data after the move's answers were merged in and returns why not, or None.
Data = Mapping[str, Value]
Guard = Callable[[Data], Any]
# The least level (0-4) that an item of this data may have, or None.
Floor = Callable[[Data], int | None]


class KindError(Exception):
    """A declaration is wrong; the product does not start."""


@dataclass(frozen=True)
class State:
    """`view`, `edit`, `attach`: roles (besides owner and grantees, who always see). `final`: nothing leads out."""

    name: str
    title: Any
    view: str = field(default="", kw_only=True)
    edit: str = field(default="", kw_only=True)
    tone: str = field(default="neutral", kw_only=True)
    final: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Move:
    """A step of the item's life. `asks`: fields asked with the step; `not_by`: item roles that may not do it, even
    when they hold the role in `by`; `reason`: a reason must be given; `stamps`: date fields set to today; `desk`: waits on
    the desk of those in `by`; `code`: done by verbs of its own, not offered as a plain button."""

    name: str
    source: str
    target: str
    title: Any = field(kw_only=True)
    by: str = field(kw_only=True)
    asks: Sequence[str] = field(default=(), kw_only=True)
    not_by: str = field(default="", kw_only=True)
    reason: bool = field(default=False, kw_only=True)
    confirm: Any = field(default="", kw_only=True)
    guard: Guard | None = field(default=None, kw_only=True)
    stamps: Sequence[str] = field(default=(), kw_only=True)
    desk: bool = field(default=True, kw_only=True)
    code: bool = field(default=False, kw_only=True)
    tone: str = field(default="plain", kw_only=True)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.source.split())

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(self.by.split())


@dataclass(frozen=True)
class Clock:
    """In each of `state`, `after` (a date or time field) is the item's due time; when passed, `tell` are told."""

    name: str
    state: str = field(kw_only=True)
    after: str = field(kw_only=True)
    tell: str = field(default="owner", kw_only=True)
    title: Any = field(default="", kw_only=True)


@dataclass(frozen=True)
class Kind:
    """One ledger. `number` is a template over {year} {unit} {letter} {seq:05}; `add`: roles that may add;
    `need_to_know`: from this level (0-4) up, `staff` alone does not see; `levels`: which may be chosen;
    `follows`: its level is that of what it is about and is not changed by itself; `loans`: bodies from 秘密 up are read on a live
    loan only; `guard`: checked at each save; `fresh`: days after which the newness of an item counts half among search results, 0
    where age says nothing; `prefix`: numbered by the office's own template
    (DOCUMENT_NUMBER) with this before it, None where by `number`; `dual`: another level needs a second person's word; `declares`:
    who adds a file says whether it holds State secrets; `bundles`: holds items of other ledgers; `floor`: the least level that its
    data demand."""

    name: str
    title: Any
    number: str = field(kw_only=True)
    fields: Sequence[Field] = field(kw_only=True)
    states: Sequence[State] = field(kw_only=True)
    moves: Sequence[Move] = field(default=(), kw_only=True)
    clocks: Sequence[Clock] = field(default=(), kw_only=True)
    add: str = field(default="staff", kw_only=True)
    icon: str = field(default="file-text", kw_only=True)
    group: str = field(default="business", kw_only=True)
    about: Any = field(default="", kw_only=True)
    title_label: Any = field(default=_("标题"), kw_only=True)
    levels: tuple[int, ...] = field(default=(0, 1), kw_only=True)
    default_level: int = field(default=1, kw_only=True)
    need_to_know: int = field(default=2, kw_only=True)
    follows: bool = field(default=False, kw_only=True)
    loans: bool = field(default=False, kw_only=True)
    repositories: bool = field(default=False, kw_only=True)
    comments: str = field(default="", kw_only=True)
    guard: Guard | None = field(default=None, kw_only=True)
    fresh: int = field(default=0, kw_only=True)
    prefix: str | None = field(default=None, kw_only=True)
    dual: bool = field(default=False, kw_only=True)
    declares: bool = field(default=False, kw_only=True)
    bundles: bool = field(default=False, kw_only=True)
    floor: Floor | None = field(default=None, kw_only=True)

    # -- look-ups ---------------------------------------------------------------------------------------------
    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)

    def state(self, name: str) -> State:
        return next(s for s in self.states if s.name == name)

    def move(self, name: str) -> Move | None:
        return next((m for m in self.moves if m.name == name), None)

    @property
    def expiry(self) -> Move | None:
        """The step `expire`, which the product does by itself when the clock of the field `expires` has run out. From that moment
        on the item is shown to whom it will be shown afterwards, whether or not the step is done yet."""
        return self.move("expire") if any(c.after == "expires" for c in self.clocks) else None

    def moves_from(self, state: str) -> list[Move]:
        return [m for m in self.moves if state in m.sources]

    @property
    def first(self) -> State:
        return self.states[0]

    @property
    def steps(self) -> list[State]:
        """The main line of the life, drawn on the item page: along the first plain moves."""
        line, seen = [self.first], {self.first.name}
        while True:
            plain = (m for m in self.moves if not m.reason and m.tone != "danger")
            onward = (m.target for m in plain if line[-1].name in m.sources and m.target not in seen)
            name = next(onward, None)
            if name is None:
                return line
            seen.add(name)
            line.append(self.state(name))

    @property
    def columns(self) -> list[Field]:
        return [f for f in self.fields if f.column]

    @property
    def facets(self) -> list[Field]:
        return [f for f in self.fields if f.facet]

    @property
    def form_fields(self) -> list[Field]:
        return [f for f in self.fields if f.form and not isinstance(f, Files)]

    @property
    def edit_fields(self) -> list[Field]:
        """What may be changed later; verbs of their own change the rest."""
        return [f for f in self.form_fields if not f.once]

    @property
    def files(self) -> list[Files]:
        return [f for f in self.fields if isinstance(f, Files)]
