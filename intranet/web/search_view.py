"""What the search page shows beside the hits: addresses of the same search with one thing changed, facets, dates, chips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _

from vault.levels import Level

from ..house import house
from ..verbs import asking, finding, typed
from ..verbs.asking import FACETS, Question
from . import times
from .names import names
from .present import level_of

MOST_PAGES = 200
Label = Callable[[str, str], str]


@lru_cache(maxsize=4096)
def _written(name: str, value: str) -> str:
    return urlencode(((name, value),))


@dataclass(frozen=True)
class Asked:
    """What an address asks for, and the addresses of what it might ask instead."""

    question: Question
    page: int = 1
    root: str = ""

    @property
    def q(self) -> str:
        return self.question.text

    @property
    def order(self) -> str:
        return self.question.order

    def url(self, *, page: int = 1, form: str = "", **changes: Any) -> str:
        """The same search with something else; the page starts anew unless it is what changes. `form`: as a file."""
        other = replace(self.question, **changes) if changes else self.question
        return self._url(other.pairs(), page, form)

    def _url(self, pairs: Iterable[tuple[str, str]], page: int = 1, form: str = "") -> str:
        written = [_written(name, value) for name, value in pairs]
        written += [f"page={page}"] if page > 1 else []
        written += [f"as={form}"] if form else []
        return f"{self.root}?{'&'.join(written)}" if written else self.root

    @property
    def bare(self) -> str:
        """Without filters and dates."""
        return self.url(filters={}, since="", until="")

    def toggled(self, name: str, value: str) -> str:
        """With this value of a facet added, or taken away."""
        have = self.question.filters.get(name, ())
        now = tuple(v for v in have if v != value) if value in have else (*have, value)
        return self._url(self.question.pairs({**self.question.filters, name: now}))

    def without(self, name: str) -> str:
        return self.url(filters={n: v for n, v in self.question.filters.items() if n != name})

    def kept(self, *leave: str) -> list[tuple[str, str]]:
        """The parameters that a form on the page carries along, but for those that it asks itself."""
        return [pair for pair in self.question.pairs() if pair[0] not in leave]


def asked() -> Asked:
    """What this request asks for."""
    number = request.args.get("page", "")
    at = min(max(1, int(number)), MOST_PAGES) if number.isdecimal() and len(number) < 6 else 1
    return Asked(asking.read(request.args.getlist), at, f"{request.script_root}/search")


class Value(NamedTuple):
    """One value of a facet as it is shown."""

    code: str
    title: str
    n: int | None
    on: bool
    url: str


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    values: Sequence[Value]
    clear: str


@dataclass(frozen=True)
class Dates:
    """The choice of days. `since`, `until`: days for the two boxes; `wrong`: why the typed ones do not narrow."""

    quick: Sequence[Value]
    since: str
    until: str
    clear: str
    wrong: str


def labels() -> Label:
    """Words for the codes of facets, in the language of the page, each looked up when it is asked for."""
    kinds = house().kinds
    choices: dict[tuple[str, str], Any] = {}
    for facet, name in finding.SHARED.items():
        for kind in kinds.values():
            for f in kind.fields:
                if f.name == name:
                    choices |= {(facet, o.code): o.title for o in getattr(f, "choices", ())}

    def label(name: str, code: str) -> str:
        match name:
            case "kind":
                return str(kinds[code].title) if code in kinds else code
            case "level":
                known = {level.slug: int(level) for level in Level}
                return level_of(known[code]).label if code in known else code
            case "unit":
                return names().unit_of(code)
            case "state":
                titles = (str(s.title) for k in kinds.values() for s in k.states if s.name == code)
                return _("／").join(dict.fromkeys(titles)) or code
            case "subclass":
                return names().term("subclass", code)
        return str(choices.get((name, code), code))

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
SPANS: Mapping[str, Callable[[], str]] = {
    "today": lambda: _("今天"),
    "7d": lambda: _("近 7 天"),
    "30d": lambda: _("近 30 天"),
    "year": lambda: _("今年"),
}


def facets(a: Asked, counts: Mapping[str, Iterable[tuple[str, int]]], label: Label) -> list[Facet]:
    """The groups with their counts; a value that is chosen shows even where nothing has it any more."""
    found = []
    for name, title in TITLES.items():
        on = a.question.filters.get(name, ())
        counted = list(counts.get(name, ()))
        if on:
            counted += [(code, 0) for code in on if code not in dict(counted)]
        if len(counted) < 2 and not on:
            continue
        if name == "year":
            counted.sort(reverse=True)
        elif name == "level":
            order = [level.slug for level in Level]
            counted.sort(key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
        values = [Value(code, label(name, code), n, code in on, a.toggled(name, code)) for code, n in counted]
        found.append(Facet(name, title(), values, a.without(name) if on else ""))
    return found


def dates(a: Asked) -> Dates:
    """The choice of days for this search."""
    question, today = a.question, house().clock().astimezone(house().zone).date()
    try:
        (first, last), wrong = question.days(today), ""
    except ValueError as error:
        first = last = None
        wrong = _wrong(str(error), question)
    quick = [
        Value(word, title(), None, question.since == word and not question.until, a.url(since=word, until=""))
        for word, title in SPANS.items()
    ]
    return Dates(
        quick=quick,
        since=first.isoformat() if first else question.since if wrong else "",
        until=last.isoformat() if last else question.until if wrong else "",
        clear=a.url(since="", until="") if question.since or question.until else "",
        wrong=wrong,
    )


def _wrong(what: str, question: Question) -> str:
    if what == "order":
        return _("截止日期早于起始日期，没有按日期筛选。")
    word = question.since if what == "since" else question.until
    return _("“%(typed)s”不是日期，没有按日期筛选；请写成 2026-03-05 这样。", typed=word)


def chips(a: Asked, label: Label) -> list[tuple[str, str]]:
    """What the search is narrowed to, each with the address without it."""
    found = [
        (_("%(label)s：%(text)s", label=TITLES[name](), text=label(name, v)), a.toggled(name, v))
        for name in FACETS
        for v in a.question.filters.get(name, ())
    ]
    since, until = a.question.since, a.question.until
    if since in SPANS:
        found.append((_("更新：%(when)s", when=SPANS[since]()), a.url(since="")))
    elif since:
        found.append((_("更新：%(day)s 起", day=times.day(since) or since), a.url(since="")))
    if until:
        found.append((_("更新：至 %(day)s", day=times.day(until) or until), a.url(until="")))
    if a.question.tight:
        found.append((_("含有全部词语"), a.url(tight=False)))
    return found


def instead(a: Asked, found: finding.Found) -> list[tuple[str, str]]:
    """Words that were looked for besides a typed one, each with the address of a search for exactly that."""
    return [(other, a.url(text=typed.replaced(a.q, word, other))) for word, other in found.instead]


def name_for(a: Asked, label: Label) -> str:
    """What a saved search of this is called unless its owner says otherwise."""
    return " · ".join([*([a.q] if a.q else []), *(words for words, _url in chips(a, label))])
