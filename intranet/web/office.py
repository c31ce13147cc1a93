"""`/office/`: the lists that the office keeps itself: units, sub-classes, repositories and who reads them, places."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..models import Person, Place, Repository, RepositoryUnit, Term
from ..policy import Permission
from ..verbs import office, places
from . import choosers, page, signin

bp = Blueprint("office", __name__, url_prefix="/office")


@bp.get("/")
def index() -> Response:
    return _page({})


def _page(errors: dict[str, Any], status: int = 422) -> Response:
    """All four lists. `errors` by `list.field`; the open form is the one that failed."""
    house().policy.demand(signin.actor(), Permission.OFFICE_SET)
    readers: dict[int, list[int]] = {}
    for row in db.session.scalars(select(RepositoryUnit)):
        readers.setdefault(row.repository_id, []).append(row.unit_id)
    counted = select(Person.unit_id, func.count()).where(Person.active).group_by(Person.unit_id)
    words = db.session.scalars(select(Term).order_by(Term.vocabulary, Term.order, Term.id)).all()
    units = office.units(db.session())
    indented = choosers.units()
    codes = {u.id: u.code for u in units}
    return page.render(
        "office/index.html",
        status=status if errors else 200,
        units=units,
        unit_options=indented,
        parent_options=[(codes[i], name) for i, name in indented],
        staff=dict(db.session.execute(counted).all()),
        terms=[t for t in words if t.active],
        retired=[t for t in words if not t.active],
        repositories=list(db.session.scalars(select(Repository).order_by(Repository.code))),
        readers=readers,
        places=list(db.session.scalars(select(Place).order_by(Place.strength.desc(), Place.code))),
        strengths={4: _("保密室"), 3: _("锁柜"), 2: _("柜子"), 1: _("工作区")},
        errors=errors,
        values=request.form if errors else {},
    )


@bp.post("/<any(unit, term, place, repository):what>")
def add(what: str) -> Response:
    """Add a row to one of the lists."""
    form = request.form
    code, title = form.get("code", ""), form.get("title", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            if what == "unit":
                if not form.get("parent"):
                    raise Invalid({"parent": _("请从列表中选择")})
                office.add_unit(
                    w, code, title, parent=form["parent"], name_en=form.get("name_en", "").strip()[:120]
                )
            elif what == "term":
                office.add_term(w, "subclass", code or title, title)
            elif what == "repository":
                office.add_repository(w, code, title)
            else:
                places.add(w, code, title, _number(form.get("strength")), _number(form.get("unit")))
    except Invalid as invalid:
        return _page({f"{what}.{k}" if k else what: v for k, v in invalid.errors.items()})
    except Missing:
        return _page({f"{what}.parent": _("请从列表中选择")})
    except Conflict:
        return _page({f"{what}.code": _("这个代码已被使用")}, 409)
    return page.done(url_for(".index", _anchor=what), _("已添加"))


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


@bp.post("/term/<int:term_id>/<any(retire, restore):what>")
def retire(term_id: int, what: str) -> Response:
    """Offer a word no longer, or again; entries that have it keep it."""
    with work.begin(house(), signin.actor()) as w:
        (office.retire_term if what == "retire" else office.restore_term)(w, term_id)
    done = _("已停用；原有条目保留") if what == "retire" else _("已恢复")
    return page.done(url_for(".index", _anchor="term"), done)


@bp.post("/repository/<int:repository_id>")
def readers(repository_id: int) -> Response:
    """Open a repository to all staff, or to the ticked units only."""
    units = None if request.form.get("open") == "1" else [_number(u) for u in request.form.getlist("unit")]
    try:
        with work.begin(house(), signin.actor()) as w:
            office.readers(w, repository_id, units)
    except Invalid as invalid:
        return _page({f"repository.{repository_id}": next(iter(invalid.errors.values()))})
    return page.done(url_for(".index", _anchor="repository"), _("可读单位已更新，几秒钟内生效"))
