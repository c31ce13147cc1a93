"""Looking: the list of a ledger, the page of an item, its printed form."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import segno
from flask import Response, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from .. import work
from ..errors import Missing
from ..extensions import db
from ..house import house
from ..kinds.base import Kind
from ..policy import Permission, Standing
from ..verbs import header_copies, history, reading
from . import copy_panel, item_files, items_list, items_page, page, signin
from .names import names


def kind_of(name: str) -> Kind:
    """The declared kind. Raises Missing."""
    found = house().kinds.get(name)
    if found is None:
        raise Missing
    return found


def seen(number: str) -> Standing:
    """The item of a number, if the actor may know of it. Missing and hidden are the same answer."""
    return reading.by_number(db.session(), house(), signin.actor(), number, house().clock())


def templates(kind: Kind, name: str, folder: str = "items") -> list[str]:
    """A ledger's own template first, then the one of all."""
    return [f"{folder}/{kind.name}/{name}", f"{folder}/{name}"]


def index(kind: str) -> Response:
    declared = kind_of(kind)
    f = items_list.filter_of(declared, request.args)
    found = items_list.listing(house(), signin.actor(), declared, f)
    return page.render(
        templates(declared, "index.html"), templates(declared, "_index.html"), kind=declared, listing=found
    )


def show(number: str) -> Response:
    """The page of an item; asked by htmx, only its tabs. A bare id leads to the number."""
    if number.isascii() and number.isdigit() and len(number) < 10:
        item = reading.by_id(db.session(), house(), signin.actor(), int(number), house().clock()).item
        return redirect(url_for("items.show", number=item.number), 303)  # type: ignore[return-value]
    s = seen(number)
    scanned = copy_panel.panel(house(), signin.actor(), s, request.args.get("copy", ""))
    return show_page(s, request.args.get("tab", ""), scanned=scanned)


def show_page(s: Standing, tab: str, *, status: int = 200, **more: Any) -> Response:
    """The item's page; `more`: what a refused form of a tab brings back."""
    shown = {"errors": {}, "values": {}} | items_page.context(house(), signin.actor(), s, tab) | more
    declared = shown["kind"]
    return page.render(
        templates(declared, "show.html"), templates(declared, "_more.html"), status=status, **shown
    )


def on_paper(number: str) -> Response:
    """The printed form. That it was printed is recorded before it is shown."""
    return _paper(number, "item.html", "item.print")


def certificate(number: str) -> Response:
    """The certificate of a destruction; there is none for what was not destroyed."""
    s = seen(number)
    kind = house().kinds[s.item.kind]
    if not kind.loans or s.item.state != "destroyed":
        raise Missing
    return _paper(number, "certificate.html", "item.certificate")


def _paper(number: str, template: str, action: str) -> Response:
    home, actor = house(), signin.actor()
    ended: dict[str, Any] = {}
    with work.begin(home, actor) as w:
        s = reading.by_number(w.session, home, actor, number, w.now)
        home.policy.demand(actor, Permission.ITEM_EXPORT, s)
        w.record(action, s.item)
    kind = home.kinds[s.item.kind]
    life = history.life(db.session(), s.item.id)
    texts, facts = items_page.fields_of(home, actor, s, kind)
    people: list[int | None] = [s.item.owner_id, *(step.by_id for step in life)]
    people += [s.item.data.get(f.name) for f in facts if f.widget == "person"]
    if action == "item.certificate":
        ended = items_page.ended_by(home, actor, s)
        people += ended["signed"]
    names().load(persons=people)
    return page.render(
        templates(kind, template, "print"),
        **ended,
        item=s.item,
        kind=kind,
        texts=texts,
        facts=facts,
        life=life,
        boxes=boxes(kind, life),
        files=item_files.file_rows(home, actor, s),
        qr=qr(s.item.number),
        address=f"{home.settings.base_url.rstrip('/')}/i/{s.item.number}",
        moment_now=w.now,
        headers_gone=header_copies.gone_by(home, life[-1].at) if life else None,
        in_full=in_full,
    )


def boxes(kind: Kind, life: list[history.Step]) -> list[tuple[Any, history.Step | None]]:
    """The signature boxes: each step of the main line, with who did it last and when, or empty to be signed."""
    line = [s.name for s in kind.steps]
    done = {step.action: step for step in life}
    wanted = [m for m in kind.moves if any(a in m.sources and b == m.target for a, b in pairwise(line))]
    return [(m.title, done.get(m.name)) for m in wanted if not m.reason and m.tone != "danger"]


def in_full(value: datetime | str | None) -> str:
    """A day as paper wants it, with the year: 2026年11月23日 14:30. Takes a moment or a kept date."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(house().zone)
    day = _("%(year)s年%(month)s月%(day)s日", year=at.year, month=at.month, day=at.day)
    return f"{day} {at:%H:%M}" if not isinstance(value, str) or "T" in value else day


def qr(number: str) -> Markup:
    """The item's address (or another path that begins with a slash) as an inline picture: no request, no script, prints in black."""
    base = house().settings.base_url.rstrip("/")
    code = segno.make(f"{base}{number if number.startswith('/') else f'/i/{number}'}", error="m", micro=False)
    # made by segno from an address alone, nothing of it is typed by anybody
    return Markup(code.svg_inline(scale=3, border=0, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704
