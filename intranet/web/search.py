"""`/search`: the state stands in the address whole; asked by htmx the same view answers the box above or the region below."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask_babel import gettext as _
from sqlalchemy import or_, select

from ..actor import Actor
from ..errors import Unavailable
from ..extensions import db
from ..house import house
from ..kinds.base import Kind
from ..models import Person, Role
from ..policy import Permission
from ..verbs import finding, searches, typed
from . import export, page, search_export, search_view, signin
from .search_view import MOST_PAGES, Asked

bp = Blueprint("search", __name__)


@bp.get("/search")
def results() -> Response:
    """The page; for `#live` the short list under the top bar; for `#results` what follows the typing; `as=`: a file."""
    asked, actor = search_view.asked(), signin.actor()
    house().policy.demand(actor, Permission.SEARCH)
    region = request.headers.get("HX-Target", "").rpartition("#")[2] if page.partial() else ""
    if region == "live":
        return _live(asked)
    whole = not page.partial()
    if whole and (form := request.args.get("as", "")) in export.FORMS:
        return search_export.export(asked.question, form)
    if whole and asked.q and not asked.question.narrowed and asked.page == 1:
        number = finding.exact(db.session(), house(), actor, asked.q)
        if number:
            return redirect(f"{request.script_root}/i/{number}", 303)  # type: ignore[return-value]
    try:
        status, context = 200, _context(asked, actor, typing=region == "results")
    except Unavailable as away:
        status, context = 503, {"found": None, "away": away.why}
    response = page.render("search/page.html", "search/_results.html", status=status, asked=asked, **context)
    response.vary.add("HX-Target")
    return response


def _context(asked: Asked, actor: Actor, *, typing: bool) -> dict[str, Any]:
    """What the page shows: nothing asked yet, hits, or what to do where there are none."""
    session, question, days = db.session(), asked.question, search_view.dates(asked)
    if not (question.text or question.filters or (question.asks and not days.wrong)):
        kept = searches.mine(session, house(), actor)
        return {"found": None, "browse": _browse(actor), "kept": kept, "dates": days}
    found = finding.find(
        session, house(), actor, question.text, question.filters, limit=finding.PAGE,
        offset=(asked.page - 1) * finding.PAGE, order=question.order,
        within=question.within(house().clock(), house().zone), typing=typing, loose=not question.tight,
    )  # fmt: skip
    label = search_view.labels()
    context: dict[str, Any] = {
        "found": found,
        "dates": days,
        "chips": search_view.chips(asked, label),
        "instead": search_view.instead(asked, found),
        "withheld": typing and actor.clearance >= finding.AUDITED,
    }
    if found.total:
        pages = math.ceil(found.total / finding.PAGE)
        return context | {
            "facets": search_view.facets(asked, found.facets, label),
            "pages": min(MOST_PAGES, pages),
            "cut_off": pages > MOST_PAGES,
            "name": search_view.name_for(asked, label),
            "most": search_export.MOST,
        }
    nearby = finding.live(session, house(), actor, asked.q).hits if asked.q else []
    return context | {"nearby": nearby, "officers": _officers(), "looser": _looser(asked, actor)}


def _looser(asked: Asked, actor: Actor) -> list[tuple[str, str, int]]:
    """Looser questions, with what they find below 秘密: nobody has asked for more yet."""
    question, session, home = asked.question, db.session(), house()
    plain = " ".join(typed.loosened(question.text))
    bare = replace(question, filters={}, since="", until="")
    tries = [(_("取消全部筛选条件再查"), bare)] if question.narrowed else []
    tries += (
        [(_("不要求一字不差，也不排除词语"), replace(question, text=plain))] if plain != question.text else []
    )
    found = []
    for words, other in tries:
        if other.asks:
            within = other.within(home.clock(), home.zone)
            count, _hits = finding.answers(session, home, actor, other.text, other.filters, within=within)
            found.append((words, replace(asked, question=other, page=1).url(), count))
    return found


def _browse(actor: Actor) -> list[Kind]:
    """The ledgers in which there may be something for this person."""
    return [
        kind
        for kind in house().kinds.values()
        if any(actor.has(role) for state in kind.states for role in (*state.view.split(), *kind.add.split()))
    ]


def _live(asked: Asked) -> Response:
    """Up to eight, in groups by ledger in the order of their best hit."""
    actor, status, found = signin.actor(), 200, finding.Found()
    try:
        if asked.q:
            found = finding.live(db.session(), house(), actor, asked.q)
    except Unavailable:
        status = 503
    groups: dict[str, list[finding.Hit]] = {}
    for hit in found.hits:
        groups.setdefault(hit.item.kind, []).append(hit)
    response = page.render(
        "search/_live.html", "search/_live.html", status=status, groups=groups, q=asked.q, found=found, away=status == 503,
        withheld=actor.clearance >= finding.AUDITED, url=Asked(asked.question, root=asked.root).url(),
    )  # fmt: skip
    response.vary.add("HX-Target")
    return response


def _officers() -> list[tuple[str, str]]:
    """Whom to ask when nothing was found: the information officers of the person's own unit and those above it."""
    query = (
        select(Person.name, Person.phone)
        .join(Role, Role.person_id == Person.id)
        .where(Role.role == "info_officer", Person.active, Person.id != signin.actor().id)
        .where(or_(Role.unit_id.is_(None), Role.unit_id.in_(signin.actor().units)))
    )
    return [(name, phone) for name, phone in db.session.execute(query.distinct().limit(3))]
