"""Times as people read them: absolute and relative together, in the office's zone. `app.js` keeps the relative part ticking."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from gettext import NullTranslations
from typing import Any

from flask_babel import format_date, lazy_gettext
from markupsafe import Markup, escape

from ..house import house
from .language import catalogue, english

SOON = timedelta(hours=48)
NONE = Markup('<span class="none">—</span>')


# The relative phrases, also given to `app.js`; {n} stands for the number.
WORDS = {
    "now": lazy_gettext("刚刚"),
    "ago_m": lazy_gettext("{n} 分钟前"),
    "ago_h": lazy_gettext("{n} 小时前"),
    "ago_d": lazy_gettext("{n} 天前"),
    "in_m": lazy_gettext("{n} 分钟后"),
    "in_h": lazy_gettext("{n} 小时后"),
    "in_d": lazy_gettext("{n} 天后"),
    "left_m": lazy_gettext("还剩 {n} 分钟"),
    "left_h": lazy_gettext("还剩 {n} 小时"),
    "left_d": lazy_gettext("还剩 {n} 天"),
    "late_m": lazy_gettext("逾期 {n} 分钟"),
    "late_h": lazy_gettext("逾期 {n} 小时"),
    "late_d": lazy_gettext("逾期 {n} 天"),
}


def words() -> str:
    """The relative phrases in the language of the page, as JSON."""
    return _words(catalogue())


@lru_cache(maxsize=4)
def _words(_catalogue: NullTranslations) -> str:
    return json.dumps({name: str(phrase) for name, phrase in WORDS.items()}, ensure_ascii=False)


def phrase(past: str, ahead: str, seconds: float) -> str:
    """The phrase for a moment `seconds` ahead (negative: ago). `past`/`ahead`: ago/in or late/left."""
    way, span = ahead if seconds >= 0 else past, abs(seconds)
    if span < 60 and way in ("ago", "in"):
        return _word("now", catalogue())
    unit, n = (
        ("m", span // 60) if span < 3600 else ("h", span // 3600) if span < 172_800 else ("d", span // 86_400)
    )
    return _word(f"{way}_{unit}", catalogue()).replace("{n}", str(max(1, int(n))))


@lru_cache(maxsize=4 * len(WORDS))
def _word(name: str, _catalogue: NullTranslations) -> str:
    return str(WORDS[name])


def day(value: Any) -> str:
    """A day: 11月23日, with the year when it is another one. Accepts date, datetime, ISO text."""
    d = _as_day(value)
    return "" if d is None else _day(d, _now().astimezone(house().zone), english())


def _day(d: date, now: datetime, speaks_english: bool) -> str:
    """`now`: where the office is."""
    this_year = d.year == now.year
    if speaks_english:
        return f"{d.day} {d:%b}" if this_year else f"{d.day} {d:%b} {d.year}"
    return f"{d.month}月{d.day}日" if this_year else f"{d.year}年{d.month}月{d.day}日"


def clock(value: datetime) -> str:
    """Day and time of day where the office is: 11月23日 14:30."""
    zone = house().zone
    return _clock(aware(value).astimezone(zone), _now().astimezone(zone), english())


def _clock(local: datetime, now: datetime, speaks_english: bool) -> str:
    return f"{_day(local, now, speaks_english)} {local.hour:02}:{local.minute:02}"


def aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _as_day(value: Any) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    if isinstance(value, datetime):
        return aware(value).astimezone(house().zone).date()
    return value if isinstance(value, date) else None


def _now() -> datetime:
    now: datetime = house().clock()
    return now


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def moment(value: datetime | None, *, short: bool = False) -> Markup:
    """`<time>` with the absolute time and how long ago; `short` keeps the relative part in the tooltip only."""
    if value is None:
        return NONE
    # A list has one of these in each row: zone, language and the time of asking are looked up once.
    zone, speaks_english, value = house().zone, english(), aware(value)
    local, now = value.astimezone(zone), _now().astimezone(zone)
    relative = phrase("ago", "in", (value - now).total_seconds())
    exact = local.replace(tzinfo=None).isoformat(" ", "seconds")
    shown = _clock(local, now, speaks_english)
    if short:
        return _time(value, f"{exact} · {relative}", shown)
    return _time(value, exact, Markup('{} <span class="rel" data-rel>{}</span>').format(shown, relative))


def ago(value: datetime | None) -> Markup:
    """`<time>` with only how long ago; the absolute time in the tooltip."""
    if value is None:
        return NONE
    value = aware(value)
    relative = phrase("ago", "in", (value - _now()).total_seconds())
    return _time(value, clock(value), Markup("<span data-rel>{}</span>").format(relative))


def _time(value: datetime, title: str, shown: str) -> Markup:
    # By hand: Markup.format costs more than all the rest of it.
    element = f'<time datetime="{_iso(value)}" title="{escape(title)}">{escape(shown)}</time>'
    return Markup(element)  # noqa: S704  every part is escaped


def today_words() -> str:
    """Today, with the day of the week: 2026年11月23日 星期一."""
    local = _now().astimezone(house().zone)
    return str(format_date(local.date(), "EEEE d MMMM y" if english() else "full"))


def due_of(value: Any) -> datetime | None:
    """The moment a due value ends: a date is due at the end of that day, where the office is."""
    if isinstance(value, datetime):
        return aware(value)
    d = _as_day(value)
    if d is None:
        return None
    return datetime(d.year, d.month, d.day, tzinfo=house().zone) + timedelta(days=1)


def left(value: Any) -> Markup:
    """Time left, or by how much it is late, with its tone, an icon and the absolute time in the tooltip."""
    due = due_of(value)
    if due is None:
        return NONE
    span = due - _now()
    tone = "late" if span < timedelta() else "soon" if span < SOON else "calm"
    title = clock(due if isinstance(value, datetime) else due - timedelta(seconds=1))
    words = phrase("late", "left", span.total_seconds())
    element = f'<time class="left left-{tone}" datetime="{_iso(due)}" title="{escape(title)}" data-left>{escape(words)}</time>'
    return Markup(element)  # noqa: S704  every part is escaped
