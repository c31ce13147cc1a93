"""Putting a file on hold and letting it go again: two forms on pages of their own (`/i/<number>/hold`)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..policy import Permission, Standing
from ..verbs import holds
from . import page, signin
from .items_read import seen
from .names import names

bp = Blueprint("holds", __name__)


@bp.get("/i/<number>/hold")
def form(number: str) -> Response:
    """Why it is held, or who holds it and why it is let go."""
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.HOLD_SET, s)
    return _page(s, {})


def _page(s: Standing, errors: dict[str, Any], status: int = 200) -> Response:
    if not house().kinds[s.item.kind].loans:
        raise Missing
    rows = holds.past(db.session(), s.item.id)
    names().load(persons=[p for r in rows for p in (r.by_id, r.released_by)])
    return page.render(
        "items/hold.html",
        status=status,
        item=s.item,
        kind=house().kinds[s.item.kind],
        hold=next((r for r in rows if r.released is None), None),
        past=[r for r in rows if r.released is not None],
        over=house().kinds[s.item.kind].state(s.item.state).final,
        reason=request.form.get("reason", ""),
        errors=errors,
    )


@bp.post("/i/<number>/hold")
def put(number: str) -> Response:
    s = seen(number)
    letting_go = request.form.get("release") == "1"
    verb = holds.release if letting_go else holds.set_
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, s.item.id, request.form.get("reason", ""))
    except Invalid as invalid:
        return _page(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _page(seen(number), {"": conflict.why}, 409)
    return page.done(url_for("items.show", number=number), _("已解除冻结") if letting_go else _("已冻结"))
