"""What is done to a kept item besides lending: its folder, further copies, the review of its level. Each is one verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Denied, DomainError, Invalid, Missing
from ..house import house
from ..models import Approval
from ..policy import Standing
from ..verbs import bundles, copying, levels
from ..work import Work
from . import items_forms, page, signin
from .items_read import seen, show_page


def back(s: Standing, message: Any, tab: str = "") -> Response:
    """Back to the item; where the act took it out of the actor's sight, to the list."""
    try:
        seen(s.item.number)
    except (Denied, Missing):
        return page.done(url_for("items.index", kind=s.item.kind), message)
    anchor = "#more" if tab else ""
    return page.done(url_for("items.show", number=s.item.number, tab=tab or None) + anchor, message)


def attempt(number: str, tab: str, act: Callable[[Work], Any]) -> Any:
    """Do it in a transaction of its own; what is refused comes back as the item's page, with everything typed."""
    try:
        with work.begin(house(), signin.actor()) as w:
            return act(w)
    except (Invalid, Conflict) as error:
        return refused(number, tab, error)


def refused(number: str, tab: str, error: DomainError) -> Response:
    errors = error.errors if isinstance(error, Invalid) else {"": error.why}
    status = 422 if isinstance(error, Invalid) else 409
    return show_page(seen(number), tab, status=status, errors=errors, values=request.form)


def put_in(number: str) -> Response:
    """Put the item of a typed number into this folder."""
    s = seen(number)
    given = request.form.get("number", "")
    done = attempt(number, "inside", lambda w: bundles.put_by_number(w, s.item.id, given))
    return done if isinstance(done, Response) else back(s, _("已归入案卷"), "inside")


def take_out(number: str) -> Response:
    """Take this item out of its folder; back to where it was asked, the folder or the item."""
    s = seen(number)
    done = attempt(number, "", lambda w: bundles.take_out(w, s.item.id))
    if isinstance(done, Response):
        return done
    return page.done(
        page.safe_next(request.form.get("next"), url_for("items.show", number=number)), _("已移出案卷")
    )


def add_copies(number: str) -> Response:
    s = seen(number)
    wanted = {"made_from": items_forms.number("made_from") or 0, "count": items_forms.number("count") or 0}
    reason = request.form.get("reason", "")
    done = attempt(number, "copies", lambda w: copying.add(w, s.item.id, reason=reason, **wanted))
    if isinstance(done, Response):
        return done
    said = _("已提请增印，待另一人审批") if isinstance(done, Approval) else _("已登记增印的份")
    return back(s, said, "copies")


def review(number: str) -> Response:
    """复核：密级不变."""
    s = seen(number)
    try:
        following = date.fromisoformat(request.form.get("review", ""))
    except ValueError:
        return refused(number, "", Invalid({"review": _("请填写日期，例如 2026-11-23")}))
    version = items_forms.number("version")
    done = attempt(number, "", lambda w: levels.confirm(w, s.item.id, following, version=version))
    return done if isinstance(done, Response) else back(s, _("已复核，密级不变"))
