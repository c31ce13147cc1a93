"""`/searches/`: one's saved searches, what is new to each, and one's word on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Invalid, Unavailable
from ..extensions import db
from ..house import house
from ..models import SavedSearch
from ..verbs import asking, finding, searches
from . import page, search_view, signin
from .search_view import Asked

bp = Blueprint("searches", __name__, url_prefix="/searches")
SHOWN = 100  # new entries on one page


@dataclass(frozen=True)
class Line:
    """A saved search as it is listed. `news`: None where the index cannot be read."""

    kept: SavedSearch
    about: Sequence[str]
    url: str
    news: int | None


@bp.get("/")
def index() -> Response:
    return _index()


def _index(status: int = 200, wrong: dict[int, str] | None = None) -> Response:
    """All of one's own with what is new: one question to the index for each, three statements in all."""
    session, home, actor = db.session(), house(), signin.actor()
    mine, label = searches.mine(session, home, actor), search_view.labels()
    gone = finding.hidden(session, home, finding.typist(actor)) if mine else frozenset()
    lines, away = [], ""
    for kept in mine:
        news = None
        try:
            news = None if away else searches.news(session, home, actor, kept, gone=gone).total
        except Unavailable as error:
            away = str(error.why)
        asked = _asked(kept)
        lines.append(Line(kept, _about(asked, label), asked.url(), news))
    return page.render(
        "searches/index.html", status=status, lines=lines, away=away, wrong=wrong or {}, most=searches.MOST
    )


@bp.get("/<int:search_id>")
def show(search_id: int) -> Response:
    """What is new to one of them, newest first. Looking is no change: what was seen is said by its button."""
    session, home, actor = db.session(), house(), signin.actor()
    kept = searches.get(session, home, actor, search_id)
    news = searches.news(session, home, actor, kept, limit=SHOWN)
    asked = _asked(kept)
    return page.render(
        "searches/show.html", kept=kept, news=news, asked=asked, about=_about(asked, search_view.labels())
    )


@bp.post("/")
def save() -> Response:
    """Keep the search of the results page; back to it."""
    question = asking.read(request.form.getlist)
    before = searches.There()
    if question.asks:
        before = searches.there(db.session(), house(), signin.actor(), question)
    with work.begin(house(), signin.actor()) as w:
        given, alerts = request.form.get("name", ""), bool(request.form.get("alerts"))
        kept, new = searches.save(w, question, given, before, alerts=alerts)
        name = kept.name
    said = _("已保存为“%(name)s”") if new else _("这次检索早已保存为“%(name)s”")
    return page.done(Asked(question, root=f"{request.script_root}/search").url(), said % {"name": name})


@bp.post("/<int:search_id>/name")
def rename(search_id: int) -> Response:
    try:
        with work.begin(house(), signin.actor()) as w:
            searches.rename(w, search_id, request.form.get("name", ""))
    except Invalid as invalid:
        return _index(422, {search_id: str(next(iter(invalid.errors.values())))})
    return page.done(url_for("searches.index"), _("名称已保存"))


@bp.post("/<int:search_id>/alerts")
def alerts(search_id: int) -> Response:
    on = request.form.get("on") == "1"
    with work.begin(house(), signin.actor()) as w:
        searches.alert(w, search_id, on=on)
    said = _("有新结果时会在工作台提醒您") if on else _("不再提醒")
    return page.done(url_for("searches.index"), said)


@bp.post("/<int:search_id>/seen")
def seen(search_id: int) -> Response:
    """The entries that stood on the page, or all there are."""
    actor, everything = signin.actor(), bool(request.form.get("all"))
    if everything:
        kept = searches.get(db.session(), house(), actor, search_id)
        now = searches.there(db.session(), house(), actor, asking.parse(kept.query))
    ids = {int(i) for i in request.form.getlist("id")[:SHOWN] if i.isdecimal() and len(i) < 10}
    with work.begin(house(), actor) as w:
        if everything:
            searches.all_seen(w, search_id, now)
        else:
            searches.seen(w, search_id, ids)
    return page.done(url_for("searches.index"), _("已标为看过"))


@bp.post("/<int:search_id>/delete")
def delete(search_id: int) -> Response:
    with work.begin(house(), signin.actor()) as w:
        name = searches.remove(w, search_id)
    return page.done(url_for("searches.index"), _("已删除“%(name)s”", name=name))


def _asked(kept: SavedSearch) -> Asked:
    return Asked(asking.parse(kept.query), root=f"{request.script_root}/search")


def _about(asked: Asked, label: search_view.Label) -> list[str]:
    """The question in words."""
    return [*([asked.q] if asked.q else []), *(words for words, _url in search_view.chips(asked, label))]
