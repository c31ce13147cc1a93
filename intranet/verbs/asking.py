"""What is asked of the search: text, filters, dates, order. Read from an address and written as one, always in the same way,
so that a link, the back button and a saved search mean the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qs, urlencode
from zoneinfo import ZoneInfo

from search.engine import Order, Within

FACETS = ("kind", "class", "management", "subclass", "level", "unit", "year", "state")
#: Spans that end today, by the word in the address -> days before today; "year": since the first of January.
SPANS: Mapping[str, int] = {"today": 0, "7d": 6, "30d": 29, "year": -1}
MOST_TEXT, MOST_VALUES, MOST_VALUE = 200, 30, 80
_YEARS = range(1970, 2200)
Filters = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Question:
    """`since`, `until`: first and last day that something was saved on, as typed: a date, or (since) a word of SPANS. `tight`: only
    what answers as typed, if anything does."""

    text: str = ""
    filters: Filters = field(default_factory=dict)
    since: str = ""
    until: str = ""
    order: Order = "score"
    tight: bool = False

    @property
    def asks(self) -> bool:
        """Whether anything is asked at all."""
        return bool(self.text or self.narrowed)

    @property
    def narrowed(self) -> bool:
        return bool(self.filters or self.since or self.until)

    def pairs(self, filters: Filters | None = None) -> list[tuple[str, str]]:
        """The parameters of the address, in their order; with other `filters` where they are given."""
        chosen = self.filters if filters is None else filters
        pairs = [("q", self.text)] if self.text else []
        pairs += [(name, v) for name in FACETS for v in chosen.get(name, ())] if chosen else []
        pairs += [("since", self.since)] if self.since else []
        pairs += [("until", self.until)] if self.until else []
        pairs += [("all", "1")] if self.tight else []
        return pairs + ([("sort", "updated")] if self.order == "updated" else [])

    def address(self) -> str:
        return urlencode(self.pairs())

    def days(self, today: date) -> tuple[date | None, date | None]:
        """First and last day; None where that end is open. Raises ValueError("since" | "until" | "order") for a date that is
        none, or an end before the beginning."""
        first, last = _first(self.since, today), _day(self.until, "until")
        if first is not None and last is not None and last < first:
            raise ValueError("order")
        return first, last

    def within(self, now: datetime, zone: ZoneInfo) -> Within:
        """The days as the index knows them, in the office's zone. Dates that are none do not narrow."""
        try:
            first, last = self.days(now.astimezone(zone).date())
        except ValueError:
            return None, None
        return _micro(first, zone), _micro(last and last + timedelta(days=1), zone)


def read(values: Callable[[str], Sequence[str]]) -> Question:
    """The question of an address; `values("level")`: all values of a parameter. What makes no sense is left out."""

    def one(name: str, most: int) -> str:
        return next(iter(values(name)), "").replace("\x00", "").strip()[:most].strip()

    filters: dict[str, tuple[str, ...]] = {}
    for name in FACETS:
        given = (v.replace("\x00", "").strip() for v in list(values(name))[:MOST_VALUES])
        kept = dict.fromkeys(v.upper() if name == "unit" else v for v in given if v and len(v) <= MOST_VALUE)
        if kept:
            filters[name] = tuple(kept)
    order: Order = "updated" if one("sort", 10) == "updated" else "score"
    tight = one("all", 1) == "1"
    return Question(one("q", MOST_TEXT), filters, one("since", 10), one("until", 10), order, tight)


def parse(address: str) -> Question:
    """The question of `Question.address()`."""
    kept = parse_qs(address, max_num_fields=len(FACETS) * MOST_VALUES + 8)
    return read(lambda name: kept.get(name, []))


def _first(word: str, today: date) -> date | None:
    if word not in SPANS:
        return _day(word, "since")
    return date(today.year, 1, 1) if word == "year" else today - timedelta(days=SPANS[word])


def _day(word: str, name: str) -> date | None:
    if not word:
        return None
    try:
        day = datetime.strptime(word, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        raise ValueError(name) from None
    if day.year not in _YEARS:
        raise ValueError(name)
    return day


def _micro(day: date | None, zone: ZoneInfo) -> int | None:
    if day is None:
        return None
    return round(datetime.combine(day, time(), tzinfo=zone).timestamp() * 1_000_000)
