"""A ledger's list in the address: query string -> Filter -> the same query string again, with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from vault.levels import Level

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..kinds.base import Field, Kind, State
from ..models import Item, Repository, Unit
from ..policy import Permission, Standing
from ..verbs import reading
from ..verbs.reading import Filter, Page
from .names import choices_of, names
from .present import level_of

OWN = frozenset(
    {"state", "level", "unit", "repository", "mine", "late", "q", "order", "after", "before", "item", "as"}
)
MOST = 60  # values of one filter that an address may carry


def facets(kind: Kind) -> list[Field]:
    """The fields a list filters by. One that not everybody sees is no filter: filtering would tell its value."""
    return [f for f in kind.facets if not f.view]


def name_of(field: Field) -> str:
    """The name of a facet in the address; the list's own words are taken."""
    return f"f_{field.name}" if field.name in OWN else field.name


def sortable(kind: Kind, name: str) -> bool:
    return name in ("number", "updated", "due") or any(
        f.name == name and f.sort and not f.view for f in kind.fields
    )


def filter_of(kind: Kind, args: MultiDict[str, str]) -> Filter:
    """What an address asks for. What makes no sense in it is left out, never an error."""
    states = {s.name for s in kind.states}
    order = args.get("order", "-updated")
    return Filter(
        states=[s for s in _several(args, "state") if s in states],
        levels=[int(lv) for lv in map(_level, _several(args, "level")) if lv is not None],
        units=_ids(args, "unit"),
        repositories=_ids(args, "repository") if kind.repositories else [],
        facets={f.name: codes for f in facets(kind) if (codes := _several(args, name_of(f)))},
        mine=bool(args.get("mine")),
        late=bool(args.get("late")),
        text=args.get("q", "").strip()[:100],
        order=order if sortable(kind, order.lstrip("-")) else "-updated",
        after=args.get("after", "")[:200],
        before=args.get("before", "")[:200],
    )


def _several(args: MultiDict[str, str], name: str) -> list[str]:
    return list(dict.fromkeys(v for v in args.getlist(name) if v))[:MOST]


def _ids(args: MultiDict[str, str], name: str) -> list[int]:
    return [int(v) for v in _several(args, name) if v.isascii() and v.isdigit() and len(v) < 10]


def _level(word: str) -> Level | None:
    try:
        return Level.parse(word)
    except ValueError:
        return None


def params(kind: Kind, f: Filter) -> dict[str, list[str]]:
    """The query string of a filter, without the paging key: only what differs from the plain list."""
    found: dict[str, list[str]] = {
        "state": list(f.states),
        "level": [Level(n).slug for n in f.levels],
        "unit": [str(u) for u in f.units],
        "repository": [str(r) for r in f.repositories],
    }
    found |= {name_of(field): list(f.facets.get(field.name, ())) for field in facets(kind)}
    found |= {
        "mine": ["1"] if f.mine else [],
        "late": ["1"] if f.late else [],
        "q": [f.text] if f.text else [],
    }
    found |= {"order": [f.order] if f.order != "-updated" else []}
    return {k: v for k, v in found.items() if v}


@dataclass(frozen=True)
class Chosen:
    """One chip: what the list is narrowed to, and the address without it."""

    label: str
    url: str


@dataclass(frozen=True)
class Chooser:
    """One filter of several values. `name` is its name in the address."""

    name: str
    title: Any
    options: Sequence[tuple[str, str]]
    chosen: Sequence[str]


@dataclass(frozen=True)
class Listing:
    """What the list template draws."""

    kind: Kind
    filter: Filter
    page: Page
    choosers: list[Chooser]
    columns: list[Field]
    late: int = 0
    addable: bool = False

    @property
    def params(self) -> dict[str, list[str]]:
        return params(self.kind, self.filter)

    def url(self, **changes: Any) -> str:
        """This list with something changed; None or [] takes it out. The paging key never survives a change."""
        return address(self.kind, self.params | {k: _listed(v) for k, v in changes.items()})

    def sort_url(self, name: str) -> str:
        """Sorted by a column; again turns it round."""
        turned = self.filter.order == name
        return self.url(order=f"-{name}" if turned else name)

    def sorted_as(self, name: str) -> str:
        """ascending, descending or none: the value of aria-sort."""
        order = self.filter.order
        return "ascending" if order == name else "descending" if order == f"-{name}" else "none"

    def export_url(self, form: str) -> str:
        return f"{url_for('items.export', kind=self.kind.name)}?{urlencode(self.params | {'as': form}, doseq=True)}"

    @property
    def tabs(self) -> list[tuple[State, int]]:
        """The states that hold something, or are chosen, in the order of the life."""
        counted = self.page.states
        return [
            (s, counted.get(s.name, 0))
            for s in self.kind.states
            if counted.get(s.name) or s.name in self.filter.states
        ]

    @property
    def everything(self) -> int:
        return sum(self.page.states.values())

    @property
    def chips(self) -> list[Chosen]:
        """One chip for each value the list is narrowed to (states have their tabs)."""
        found: list[Chosen] = []
        now = self.params
        for chooser in self.choosers:
            words = dict(chooser.options)
            for code in chooser.chosen:
                rest = [c for c in chooser.chosen if c != code]
                label = _("%(label)s：%(text)s", label=chooser.title, text=words.get(code, code))
                found.append(Chosen(label, address(self.kind, now | {chooser.name: rest})))
        for name, label in (("mine", _("我经办的")), ("late", _("已逾期"))):
            if name in now:
                found.append(Chosen(label, self.url(**{name: None})))
        if self.filter.text:
            found.append(Chosen(_("“%(word)s”", word=self.filter.text), self.url(q=None)))
        return found

    @property
    def narrowed(self) -> bool:
        return bool(self.chips or self.filter.states)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def address(kind: Kind, query: Mapping[str, Sequence[str]]) -> str:
    path = url_for("items.index", kind=kind.name)
    text = urlencode({k: list(v) for k, v in query.items() if v}, doseq=True)
    return f"{path}?{text}" if text else path


def listing(house: House, actor: Actor, kind: Kind, f: Filter) -> Listing:
    """The list with all it needs, in a fixed number of statements whatever the number of rows."""
    session, now = db.session(), house.clock()
    shown = reading.page(session, house, actor, kind, f, now)
    columns = [c for c in kind.columns if not c.view]
    people = [i.owner_id for i in shown.items]
    people += [i.data.get(c.name) for c in columns if c.widget == "person" for i in shown.items]
    names().load(persons=people)
    addable = any(
        house.policy.decide(actor, Permission.ITEM_ADD, (kind, u)).ok for u in covered_units(actor, kind)
    )
    return Listing(kind, f, shown, _choosers(kind, f, actor), columns, addable=addable)


def covered_units(actor: Actor, kind: Kind) -> set[int]:
    """Units worth asking the policy about: the actor's own and those where a role that adds is held."""
    found = set(actor.units)
    for role in kind.add.split():
        found |= set(actor.roles.get(role) or ())
    return found


def _choosers(kind: Kind, f: Filter, actor: Actor) -> list[Chooser]:
    levels = [lv for lv in kind.levels if lv <= actor.clearance]
    found: list[Chooser] = []
    for field in facets(kind):
        options = [(str(code), str(title)) for code, title in choices_of(field)]
        if options:
            found.append(Chooser(name_of(field), field.title, options, f.facets.get(field.name, [])))
    if len(levels) > 1:
        words = [(Level(lv).slug, level_of(lv).label) for lv in levels]
        found.append(Chooser("level", _("密级"), words, [Level(n).slug for n in f.levels]))
    rows = db.session.scalars(select(Unit.id).where(Unit.active).order_by(Unit.path))
    found.append(
        Chooser("unit", _("单位"), [(str(i), names().unit(i)) for i in rows], [str(u) for u in f.units])
    )
    if kind.repositories:
        query = select(Repository.id, Repository.title).where(
            Repository.active, Repository.id.in_(sorted(actor.repositories))
        )
        options = [(str(i), t) for i, t in db.session.execute(query.order_by(Repository.code))]
        found.append(Chooser("repository", _("存储库"), options, [str(r) for r in f.repositories]))
    return found


def seen_field(house: House, actor: Actor, item: Item, field: Field) -> bool:
    """Whether a field of a row may be shown, by what the row alone tells (grants on it are not asked)."""
    return house.policy.shows(actor, Standing(item, {}), field)


def only(f: Filter, **changes: Any) -> Filter:
    return replace(f, **changes)
