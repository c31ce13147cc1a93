"""`/search`: the state stands in the address whole; asked by htmx the same view answers the box above or the region below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select

from vault.levels import Level

from ..actor import Actor
from ..extensions import db
from ..house import house
from ..kinds.base import Kind
from ..models import Person, Role, Unit
from ..policy import Permission
from ..verbs import finding
from . import page, signin
from .names import names
from .present import level_of

bp = Blueprint("search", __name__)
MOST_PAGES = 200


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    q: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1
    order: str = "score"

    def url(self, **changes: Any) -> str:
        """The address of the same search with something else; the page starts anew unless it is what changes."""
        other = replace(self, page=1, **changes) if "page" not in changes else replace(self, **changes)
        pairs: list[tuple[str, str]] = [("q", other.q)] if other.q else []
        pairs += [(name, v) for name in finding.FACETS for v in other.filters.get(name, ())]
        pairs += [("sort", "updated")] if other.order == "updated" else []
        pairs += [("page", str(other.page))] if other.page > 1 else []
        return url_for("search.results") + (f"?{urlencode(pairs)}" if pairs else "")

    def toggled(self, name: str, value: str) -> str:
        """The address with this value of a facet added, or taken away."""
        have = self.filters.get(name, ())
        now = tuple(v for v in have if v != value) if value in have else (*have, value)
        return self.url(filters={**self.filters, name: now})

    def without(self, name: str) -> str:
        return self.url(filters={n: v for n, v in self.filters.items() if n != name})


@dataclass(frozen=True)
class Value:
    """One value of a facet as it is shown."""

    code: str
    title: str
    count: int | None
    on: bool
    url: str


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    values: list[Value]
    clear: str


def _asked() -> Asked:
    args = request.args
    filters: dict[str, tuple[str, ...]] = {}
    for name in finding.FACETS:
        given = (v.strip() for v in args.getlist(name)[:30])
        values = dict.fromkeys(v.upper() if name == "unit" else v for v in given if v and len(v) <= 80)
        if values:
            filters[name] = tuple(values)
    number = args.get("page", "")
    at = min(max(1, int(number)), MOST_PAGES) if number.isdecimal() and len(number) < 6 else 1
    return Asked(
        args.get("q", "").strip()[:200], filters, at, "updated" if args.get("sort") == "updated" else "score"
    )


@bp.get("/search")
def results() -> Response:
    """The page; for `#live` the short list under the top bar; for `#results` what follows the typing."""
    asked, actor, session = _asked(), signin.actor(), db.session()
    house().policy.demand(actor, Permission.SEARCH)
    region = request.headers.get("HX-Target", "").rpartition("#")[2] if page.partial() else ""
    if region == "live":
        return _live(asked.q)
    if not page.partial() and asked.q and not asked.filters and asked.page == 1:
        number = finding.exact(session, house(), actor, asked.q)
        if number:
            return redirect(f"{request.script_root}/i/{number}", 303)  # type: ignore[return-value]
    typing = region == "results"
    found = None
    if asked.q or asked.filters:
        found = finding.find(
            session, house(), actor, asked.q, asked.filters, limit=finding.PAGE,
            offset=(asked.page - 1) * finding.PAGE, order=asked.order, typing=typing,
        )  # fmt: skip
    context: dict[str, Any] = {"asked": asked, "found": found, "browse": _browse(actor)}
    if found is not None:
        label = _labels()
        context |= {
            "facets": _facets(asked, found.facets, label),
            "chips": _chips(asked, label),
            "pages": max(1, min(MOST_PAGES, math.ceil(found.total / finding.PAGE))),
            "withheld": typing and actor.clearance >= finding.AUDITED,
            "nearby": finding.live(session, house(), actor, asked.q).hits
            if asked.q and not found.total
            else [],
            "officers": [] if found.total else _officers(),
        }
    response = page.render("search/page.html", "search/_results.html", **context)
    response.vary.add("HX-Target")
    return response


def _browse(actor: Actor) -> list[Kind]:
    """The ledgers in which there may be something for this person."""
    return [
        kind
        for kind in house().kinds.values()
        if any(actor.has(role) for state in kind.states for role in (*state.view.split(), *kind.add.split()))
    ]


def _live(q: str) -> Response:
    """Up to eight, in groups by ledger in the order of their best hit."""
    found = finding.live(db.session(), house(), signin.actor(), q) if q else finding.Found()
    groups: dict[str, list[finding.Hit]] = {}
    for hit in found.hits:
        groups.setdefault(hit.item.kind, []).append(hit)
    withheld = signin.actor().clearance >= finding.AUDITED
    response = page.render(
        "search/_live.html", "search/_live.html", groups=groups, q=q, found=found, withheld=withheld,
        url=Asked(q).url(),
    )  # fmt: skip
    response.vary.add("HX-Target")
    return response


Label = Callable[[str, str], str]


def _labels() -> Label:
    """Words for the codes of facets, in the language of the page."""
    english = str(get_locale() or "zh").startswith("en")
    units = {
        code: (name_en if english and name_en else name)
        for code, name, name_en in db.session.execute(select(Unit.code, Unit.name, Unit.name_en))
    }
    kinds = house().kinds
    states: dict[str, list[str]] = {}
    for kind in kinds.values():
        for state in kind.states:
            titles = states.setdefault(state.name, [])
            if str(state.title) not in titles:
                titles.append(str(state.title))
    choices: dict[tuple[str, str], str] = {}
    for facet, name in finding.SHARED.items():
        for kind in kinds.values():
            for f in kind.fields:
                if f.name == name:
                    choices |= {(facet, o.code): str(o.title) for o in getattr(f, "choices", ())}

    def label(name: str, code: str) -> str:
        match name:
            case "kind":
                return str(kinds[code].title) if code in kinds else code
            case "level":
                known = {level.slug: int(level) for level in Level}
                return level_of(known[code]).label if code in known else code
            case "unit":
                return units.get(code, code)
            case "state":
                return _("／").join(states.get(code, [code]))
            case "subclass":
                return names().term("subclass", code)
        return choices.get((name, code), code)

    return label


TITLES: Mapping[str, Callable[[], str]] = {
    "kind": lambda: _("类型"),
    "level": lambda: _("密级"),
    "unit": lambda: _("单位"),
    "year": lambda: _("年份"),
    "state": lambda: _("状态"),
    "class": lambda: _("业务分类"),
    "management": lambda: _("管理分类"),
    "subclass": lambda: _("子类"),
}


def _facets(asked: Asked, counts: Mapping[str, Iterable[tuple[str, int]]], label: Label) -> list[Facet]:
    """The groups with their counts; a value that is chosen shows even where nothing has it any more."""
    facets = []
    for name, title in TITLES.items():
        on = asked.filters.get(name, ())
        counted = list(counts.get(name, ()))
        counted += [(code, 0) for code in on if code not in dict(counted)]
        if name == "year":
            counted.sort(reverse=True)
        elif name == "level":
            order = [level.slug for level in Level]
            counted.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
        values = [
            Value(code, label(name, code), n, code in on, asked.toggled(name, code)) for code, n in counted
        ]
        if len(values) > 1 or any(v.on for v in values):
            facets.append(Facet(name, title(), values, asked.without(name) if on else ""))
    return facets


def _chips(asked: Asked, label: Label) -> list[tuple[str, str]]:
    return [
        (_("%(label)s：%(text)s", label=TITLES[name](), text=label(name, v)), asked.toggled(name, v))
        for name in TITLES
        for v in asked.filters.get(name, ())
    ]


def _officers() -> list[tuple[str, str]]:
    """Whom to ask when nothing was found: the information officers of the person's own unit and those above it."""
    query = (
        select(Person.name, Person.phone)
        .join(Role, Role.person_id == Person.id)
        .where(Role.role == "info_officer", Person.active, Person.id != signin.actor().id)
        .where(or_(Role.unit_id.is_(None), Role.unit_id.in_(signin.actor().units)))
    )
    return [(name, phone) for name, phone in db.session.execute(query.distinct().limit(3))]
