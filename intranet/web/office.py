"""`/office/`: the lists that the office keeps itself: units, sub-classes, repositories and who reads them, places."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from sqlalchemy import select

from .. import work
from ..errors import Invalid
from ..extensions import db
from ..house import house
from ..models import Place, Repository, RepositoryUnit, Term
from ..policy import Permission
from ..verbs import office
from . import page, signin

bp = Blueprint("office", __name__, url_prefix="/office")


@bp.get("/")
def index() -> Response:
    return _page({})


def _page(errors: dict[str, Any]) -> Response:
    house().policy.demand(signin.actor(), Permission.OFFICE_SET)
    readers: dict[int, list[int]] = {}
    for row in db.session.scalars(select(RepositoryUnit)):
        readers.setdefault(row.repository_id, []).append(row.unit_id)
    return page.render(
        "office/index.html",
        status=422 if errors else 200,
        units=office.units(db.session()),
        terms=list(
            db.session.scalars(select(Term).where(Term.active).order_by(Term.vocabulary, Term.order, Term.id))
        ),
        repositories=list(db.session.scalars(select(Repository).order_by(Repository.code))),
        readers=readers,
        places=list(db.session.scalars(select(Place).order_by(Place.strength.desc(), Place.code))),
        strengths={1: _("工作区"), 2: _("柜子"), 3: _("锁柜"), 4: _("保密室")},
        errors=errors,
        values=request.form,
    )


@bp.post("/<any(unit, term, place, repository):what>")
def add(what: str) -> Response:
    """Add a row to one of the lists."""
    form = request.form
    code, title = form.get("code", ""), form.get("title", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            if what == "unit":
                office.add_unit(w, code, title, parent=form.get("parent") or None)
            elif what == "term":
                office.add_term(w, "subclass", code or title, title)
            elif what == "repository":
                office.add_repository(w, code, title)
            else:
                office.add_place(w, code, title, _number(form.get("strength")), _number(form.get("unit")))
    except Invalid as invalid:
        return _page({f"{what}.{k}" if k else what: v for k, v in invalid.errors.items()})
    return page.done(f"/office/#{what}", _("已添加"))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 10 else 0


@bp.post("/term/<int:term_id>/retire")
def retire(term_id: int) -> Response:
    with work.begin(house(), signin.actor()) as w:
        office.retire_term(w, term_id)
    return page.done("/office/#term", _("已停用；原有条目保留"))


@bp.post("/repository/<int:repository_id>")
def readers(repository_id: int) -> Response:
    """Open a repository to all staff, or to the ticked units only."""
    units = None if request.form.get("open") else [_number(u) for u in request.form.getlist("unit")]
    with work.begin(house(), signin.actor()) as w:
        office.readers(w, repository_id, units)
    return page.done("/office/#repository", _("可读单位已更新"))
