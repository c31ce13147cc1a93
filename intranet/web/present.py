"""What every template may call: badges, times, names, values, navigation, permissions. No decision is taken here."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from vault.levels import Level

from ..actor import ANONYMOUS, Actor
from ..extensions import db
from ..house import house
from ..kinds.base import Field, State
from ..models import Item
from ..policy import Permission
from ..verbs import desk
from . import nav, prose, signin, times
from .language import catalogue, english
from .names import choices_of, names, office

THEMES = ("light", "dark", "auto")
LEVEL_WORDS = {
    0: lambda: _("公开"),
    1: lambda: _("内部"),
    2: lambda: _("秘密"),
    3: lambda: _("机密"),
    4: lambda: _("绝密"),
}


def bind(app: Flask) -> None:
    """Globals and filters of the templates."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(
        asset=asset, came_from=came_from, can=can, globals_icon=icon, globals_moment=times.moment, globals_left=times.left, globals_day=times.day, globals_size=size, globals_ago=times.ago, globals_level=level, globals_state=state, today_words=times.today_words, choices_of=choices_of, creatable=lambda: nav.creatable(who()), icon=icon, left=times.left,
        level_of=level_of, level_shown=level_shown, mark_level=mark_level, moment=times.moment, day=times.day,
        nav=lambda: nav.nav(who()), now=lambda: house().clock(), office=office, raw_of=raw_of, size=size,
        state_of=state_of, theme=theme, value=value, waiting_count=waiting_count, time_words=times.words,
    )  # fmt: skip
    env.filters.update(
        clock=times.clock,
        day=times.day,
        left=times.left,
        level_of=level_of,
        moment=times.moment,
        prose=prose.render,
        size=size,
    )
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    language = "en" if english() else "zh"
    return {"actor": who(), "kinds": house().kinds, "names": names(), "language": language}


def who() -> Actor:
    """The actor, or nobody where even the database cannot be asked: an error page must still be drawn."""
    try:
        return signin.actor()
    except SQLAlchemyError:
        return ANONYMOUS


class LevelView:
    """A level as it is shown: `n`, `slug`, `label` in the language of the page."""

    def __init__(self, n: int) -> None:
        level = Level(n)
        self.n, self.slug, self.label = int(level), level.slug, str(LEVEL_WORDS[int(level)]())


def level_of(n: int) -> LevelView:
    return _level_of(int(n), catalogue())


@lru_cache(maxsize=32)
def _level_of(n: int, _catalogue: NullTranslations) -> LevelView:
    return LevelView(n)


def level(n: int, mark: bool = True) -> Markup:
    """The level badge: word and shape. It also tells the layout which band the page needs; `mark=False` where it is only
    a word to choose (filters, legends)."""
    if mark:
        mark_level(n)
    return _level(int(n), catalogue())


@lru_cache(maxsize=32)
def _level(n: int, _catalogue: NullTranslations) -> Markup:
    view = LevelView(n)
    return Markup('<span class="level level-{}">{}</span>').format(view.slug, view.label)


def mark_level(n: int | None) -> str:
    """Note that the page shows something of this level; the layout's band is that of the highest."""
    if n is not None and n > g.get("level_shown", -1):
        g.level_shown = int(n)
    return ""


def level_shown(declared: Any = None) -> LevelView | None:
    """The level of the page: what it declares or the highest badge on it; None for a page without levelled content."""
    mark_level(declared if isinstance(declared, int) else None)
    return level_of(g.level_shown) if "level_shown" in g else None


def state_of(kind_name: str, state_name: str) -> State:
    """The declared state; one that is no longer declared shows by its name."""
    kind = house().kinds.get(kind_name)
    found = [s for s in kind.states if s.name == state_name] if kind else []
    return found[0] if found else State(state_name, state_name)


def state(kind_name: str, state_name: str) -> Markup:
    """The badge of a state."""
    drawn: dict[tuple[str, str], Markup] = g.setdefault("states_drawn", {})
    key = kind_name, state_name
    if key not in drawn:
        found = state_of(kind_name, state_name)
        drawn[key] = Markup('<span class="state state-{}">{}</span>').format(found.tone, found.title)
    return drawn[key]


def can(permission: str, thing: Any = None) -> bool:
    return house().policy.decide(who(), Permission(permission), thing).ok


def value(item: Item | Mapping[str, Any], field: Field) -> str:
    """The words of an item's field, references resolved; "" when empty. `item` may be the data itself."""
    data = item.data if isinstance(item, Item) else item
    raw = data.get(field.name)
    if raw is None or raw in ("", []):
        return ""
    match field.widget:
        case "person":
            return names().person(raw)
        case "unit":
            return names().unit(raw)
        case "place":
            return names().place(raw)
        case "term":
            return names().term(getattr(field, "vocabulary", ""), raw)
        case "date":
            return times.day(raw)
        case "datetime":
            return f"{times.day(raw)} {str(raw)[11:16]}"
        case "money":
            return f"¥ {Decimal(raw) / 100:,.2f}"
        case "number":
            unit = str(getattr(field, "unit", ""))
            return f"{raw:,} {unit}".strip() if isinstance(raw, int) else str(raw)
    return field.text(raw)


def raw_of(field: Field, kept: Any) -> Any:
    """A kept (or just typed) value as the input of its widget takes it."""
    if kept is None:
        return [] if field.widget == "checks" else ""
    if field.widget == "money" and isinstance(kept, int):
        return f"{Decimal(kept) / 100:.2f}"
    if field.widget == "checks":
        return [kept] if isinstance(kept, str) else list(kept)
    return kept


def size(n: int | None) -> str:
    """A size for people: 512 B, 3.4 MB."""
    if n is None:
        return ""
    amount = float(n)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def icon(name: str, cls: str = "") -> Markup:
    """An icon of the sprite, drawn as decoration: the word stands beside it."""
    return _icon(asset("icons.svg"), name, cls)


@lru_cache(maxsize=512)
def _icon(sprite: str, name: str, cls: str) -> Markup:
    return Markup(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#i-{}"></use></svg>'
    ).format(cls, sprite, name)


def came_from() -> str:
    """The page of this site that led here, as a path to go back to; "" when there is none."""
    origin, _slashes, rest = (request.referrer or "").partition("://")
    host, slash, path = rest.partition("/")
    local = bool(origin) and host == request.host and slash + path != request.full_path.rstrip("?")
    return slash + path if local and not path.startswith(("/", "\\")) else ""


def theme() -> str:
    """auto, light or dark: the person's choice, else this browser's."""
    word = who().theme or request.cookies.get("theme", "")
    return word if word in ("light", "dark") else "auto"


def waiting_count() -> int:
    """How much waits for this person, for the top bar; counted once a request."""
    if "waiting_count" not in g:
        try:
            g.waiting_count = (
                desk.waiting_count(db.session(), house(), who(), house().clock()) if who().known else 0
            )
        except SQLAlchemyError:
            g.waiting_count = 0
    return int(g.waiting_count)


def asset(name: str) -> str:
    """The address of a static file with a version of its content, so that it may be cached for a year."""
    seen: dict[str, str] = g.setdefault("assets", {})
    if name not in seen:
        seen[name] = _asset(name)
    return seen[name]


def _asset(name: str) -> str:
    address = f"{request.script_root}{current_app.static_url_path}/{name}"
    path = Path(f"{current_app.static_folder}/{name}")
    try:
        found = path.stat()
    except OSError:
        return address
    return f"{address}?v={_version(path, found.st_mtime_ns)}" if stat.S_ISREG(found.st_mode) else address


@lru_cache(maxsize=64)
def _version(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
