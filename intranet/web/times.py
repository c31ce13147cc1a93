"""Times as people read them: absolute and relative together, in the office's zone. `app.js` keeps the relative part ticking."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from ..house import house

SOON = timedelta(hours=48)


def words() -> dict[str, str]:
    """The relative phrases, also given to `app.js`; {n} stands for the number."""
    return {
        "now": str(_("刚刚")),
        "ago_m": str(_("{n} 分钟前")),
        "ago_h": str(_("{n} 小时前")),
        "ago_d": str(_("{n} 天前")),
        "in_m": str(_("{n} 分钟后")),
        "in_h": str(_("{n} 小时后")),
        "in_d": str(_("{n} 天后")),
        "left_m": str(_("还剩 {n} 分钟")),
        "left_h": str(_("还剩 {n} 小时")),
        "left_d": str(_("还剩 {n} 天")),
        "late_m": str(_("逾期 {n} 分钟")),
        "late_h": str(_("逾期 {n} 小时")),
        "late_d": str(_("逾期 {n} 天")),
    }


def phrase(past: str, ahead: str, seconds: float) -> str:
    """The phrase for a moment `seconds` ahead (negative: ago). `past`/`ahead`: ago/in or late/left."""
    table, way, span = words(), ahead if seconds >= 0 else past, abs(seconds)
    if span < 60 and way in ("ago", "in"):
        return table["now"]
    unit, n = (
        ("m", span // 60) if span < 3600 else ("h", span // 3600) if span < 172_800 else ("d", span // 86_400)
    )
    return table[f"{way}_{unit}"].replace("{n}", str(max(1, int(n))))


def _english() -> bool:
    return str(get_locale() or "zh").startswith("en")


def day(value: Any) -> str:
    """A day: 11月23日, with the year when it is another one. Accepts date, datetime, ISO text."""
    d = _as_day(value)
    if d is None:
        return ""
    this_year = d.year == _now().astimezone(house().zone).year
    if _english():
        return f"{d.day} {d:%b}" if this_year else f"{d.day} {d:%b} {d.year}"
    return f"{d.month}月{d.day}日" if this_year else f"{d.year}年{d.month}月{d.day}日"


def clock(value: datetime) -> str:
    """Day and time of day where the office is: 11月23日 14:30."""
    local = aware(value).astimezone(house().zone)
    return f"{day(local)} {local:%H:%M}"


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
    return aware(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(value: datetime | None, *, short: bool = False) -> Markup:
    """`<time>` with the absolute time and how long ago; `short` keeps the relative part in the tooltip only."""
    if value is None:
        return Markup('<span class="none">—</span>')
    value = aware(value)
    relative = phrase("ago", "in", (value - _now()).total_seconds())
    exact = value.astimezone(house().zone).strftime("%Y-%m-%d %H:%M:%S")
    inner = (
        escape(clock(value))
        if short
        else Markup('{} <span class="rel" data-rel>{}</span>').format(clock(value), relative)
    )
    title = f"{exact} · {relative}" if short else exact
    return Markup('<time datetime="{}" title="{}">{}</time>').format(_iso(value), title, inner)


def ago(value: datetime | None) -> Markup:
    """`<time>` with only how long ago; the absolute time in the tooltip."""
    if value is None:
        return Markup('<span class="none">—</span>')
    value = aware(value)
    relative = phrase("ago", "in", (value - _now()).total_seconds())
    return Markup('<time datetime="{}" title="{}"><span data-rel>{}</span></time>').format(
        _iso(value), clock(value), relative
    )


def today_words() -> str:
    """Today, with the day of the week: 2026年11月23日 星期一."""
    local = _now().astimezone(house().zone)
    return str(format_date(local.date(), "EEEE d MMMM y" if _english() else "full"))


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
        return Markup('<span class="none">—</span>')
    span = due - _now()
    tone = "late" if span < timedelta() else "soon" if span < SOON else "calm"
    return Markup('<time class="left left-{}" datetime="{}" title="{}" data-left>{}</time>').format(
        tone,
        _iso(due),
        clock(due if isinstance(value, datetime) else due - timedelta(seconds=1)),
        phrase("late", "left", span.total_seconds()),
    )
