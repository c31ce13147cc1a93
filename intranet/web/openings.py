"""`/i/<number>/open` and `/i/<number>/glass`: a second person's word before 绝密 opens; breaking the glass and its review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..models import Approval, Blob
from ..policy import BODY_TWO_LEVEL, Permission, Standing
from ..verbs import deposits, glass, opening
from ..work import Work
from . import page, signin
from .items_read import seen
from .names import names

bp = Blueprint("openings", __name__)


def _factor() -> Response:
    """The second factor first, then back to this page."""
    return redirect(url_for("session.factor", next=request.path), 303)  # type: ignore[return-value]


def _demand(permission: Permission, s: Standing) -> Response | None:
    """Raises Denied, unless a fresh second factor alone is missing: then the way to it."""
    home, actor = house(), signin.actor()
    if home.policy.decide(actor, permission, s).ok:
        return None
    if home.policy.decide(replace(actor, fresh=True), permission, s).ok:
        return _factor()
    home.policy.demand(actor, permission, s)
    return None


def _approval(s: Standing, approval_id: int, what: str) -> Approval:
    found = db.session.get(Approval, approval_id)
    if found is None or found.item_id != s.item.id or found.what != what:
        raise Missing
    return found


# -- two persons ---------------------------------------------------------------------------------------------------
@bp.get("/i/<number>/open")
def ask(number: str) -> Response:
    """The form: which file, and why."""
    s = seen(number)
    if not house().policy.in_page(s.item) or s.item.level < BODY_TWO_LEVEL:
        raise Missing
    return _demand(Permission.BODY_OPEN, replace(s, second=True)) or _ask(s, {})


def _ask(s: Standing, errors: dict[str, Any], status: int = 200) -> Response:
    found = [b for b in deposits.files(db.session(), s.item.id) if b.state == "stored"]
    return page.render(
        "room/ask.html",
        status=status,
        item=s.item,
        files=[(str(b.id), b.filename) for b in found],
        chosen=request.form.get("blob", str(found[0].id) if found else ""),
        why=request.form.get("why", ""),
        minutes=int(opening.WAITS.total_seconds() // 60),
        reading=house().settings.reading_minutes,
        errors=errors,
    )


@bp.post("/i/<number>/open")
def asked(number: str) -> Response:
    s = seen(number)
    given = request.form.get("blob", "")
    blob_id = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    try:
        with work.begin(house(), signin.actor()) as w:
            opening.request(w, s.item.id, blob_id, why=request.form.get("why", ""))
    except Invalid as invalid:
        return _ask(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _ask(seen(number), {"": conflict.why}, 409)
    return page.done(url_for("room.index", number=number), _("已请第二人同意；对方办理后会通知您"))


@bp.get("/i/<number>/open/<int:approval_id>")
def show(number: str, approval_id: int) -> Response:
    """What is asked and why, for the second person; for whoever asked, how it stands."""
    s = seen(number)
    approval = _approval(s, approval_id, opening.WHAT)
    if approval.asked_by != signin.actor().id and (led := _demand(Permission.BODY_PERMIT, _of(s, approval))):
        return led
    return _show(s, approval, {})


def _of(s: Standing, approval: Approval) -> Standing:
    return replace(s, asker=approval.asked_by)


def _show(s: Standing, approval: Approval, errors: dict[str, Any], status: int = 200) -> Response:
    home, actor, now = house(), signin.actor(), house().clock()
    names().load(persons=[approval.asked_by, approval.decided_by])
    blob = db.session.get(Blob, approval.payload.get("blob"))
    waits = approval.outcome == "" and approval.due is not None and approval.due > now
    return page.render(
        "room/permit.html",
        status=status,
        item=s.item,
        approval=approval,
        file=blob.filename if blob is not None and blob.item_id == s.item.id else "",
        waits=waits,
        mine=approval.asked_by == actor.id,
        may=waits and home.policy.decide(actor, Permission.BODY_PERMIT, _of(s, approval)).ok,
        said=request.form.get("said", ""),
        minutes=home.settings.reading_minutes,
        errors=errors,
    )


STEPS: dict[str, tuple[Callable[[Work, Approval, str], Approval], Callable[[], str]]] = {
    "approve": (lambda w, a, said: opening.decide(w, a, True, said), lambda: _("已同意打开")),
    "refuse": (lambda w, a, said: opening.decide(w, a, False, said), lambda: _("已拒绝打开")),
    "withdraw": (lambda w, a, _said: opening.withdraw(w, a), lambda: _("已撤回请求")),
}


@bp.post("/i/<number>/open/<int:approval_id>")
def decide(number: str, approval_id: int) -> Response:
    s = seen(number)
    approval = _approval(s, approval_id, opening.WHAT)
    found = STEPS.get(request.form.get("do", ""))
    if found is None:
        raise Missing
    verb, said = found
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, approval, request.form.get("said", ""))
    except (Invalid, Conflict) as wrong:
        s = seen(number)
        errors = wrong.errors if isinstance(wrong, Invalid) else {"": wrong.why}
        status = 422 if isinstance(wrong, Invalid) else 409
        return _show(s, _approval(s, approval_id, opening.WHAT), errors, status)
    return page.done(url_for("items.show", number=number), said())


# -- break-glass ---------------------------------------------------------------------------------------------------
@bp.get("/i/<number>/glass")
def glass_form(number: str) -> Response:
    """What follows, said before it is done."""
    s = seen(number)
    return _demand(Permission.BODY_BREAK, s) or _glass_form(s, {})


def _glass_form(s: Standing, errors: dict[str, Any], status: int = 200) -> Response:
    settings = house().settings
    return page.render(
        "room/glass.html",
        status=status,
        item=s.item,
        reason=request.form.get("reason", ""),
        least=glass.LEAST,
        minutes=settings.glass_minutes,
        hours=settings.glass_review_hours,
        errors=errors,
    )


@bp.post("/i/<number>/glass")
def break_glass(number: str) -> Response:
    s = seen(number)
    reason = request.form.get("reason", "")
    try:
        if request.form.get("sure") != "1":
            raise Invalid({"sure": _("请确认您已知晓后果")})
        with work.begin(house(), signin.actor()) as w:
            glass.break_glass(w, s.item.id, reason=reason)
    except Invalid as invalid:
        return _glass_form(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _glass_form(seen(number), {"": conflict.why}, 409)
    return page.done(url_for("room.index", number=number), _("已应急打开，名单上的人员均已收到通知"), "soon")


@bp.get("/i/<number>/glass/<int:approval_id>")
def glass_show(number: str, approval_id: int) -> Response:
    """What was opened, why and what was read; the form of the review for whoever may give it."""
    s = seen(number)
    approval = _approval(s, approval_id, glass.WHAT)
    if approval.asked_by != signin.actor().id:
        house().policy.demand(signin.actor(), Permission.BODY_REVIEW, _of(s, approval))
    return _glass_show(s, approval, {})


def _glass_show(s: Standing, approval: Approval, errors: dict[str, Any], status: int = 200) -> Response:
    home, actor = house(), signin.actor()
    names().load(persons=[approval.asked_by, approval.decided_by])
    files = {b.id: b.filename for b in deposits.files(db.session(), s.item.id)}
    return page.render(
        "room/review.html",
        status=status,
        item=s.item,
        approval=approval,
        pages=[(p, files.get(p.blob, "")) for p in glass.pages(db.session(), approval)],
        late=approval.outcome == "" and approval.due is not None and approval.due <= home.clock(),
        may=approval.outcome == "" and home.policy.decide(actor, Permission.BODY_REVIEW, _of(s, approval)).ok,
        said=request.form.get("said", ""),
        finding=request.form.get("finding", ""),
        errors=errors,
    )


@bp.post("/i/<number>/glass/<int:approval_id>")
def review(number: str, approval_id: int) -> Response:
    s = seen(number)
    approval = _approval(s, approval_id, glass.WHAT)
    finding = request.form.get("finding", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            if finding not in ("good", "bad"):
                house().policy.demand(signin.actor(), Permission.BODY_REVIEW, _of(s, approval))
                raise Invalid({"finding": _("请选择核查结论")})
            glass.decide(w, approval, finding == "good", request.form.get("said", ""))
    except (Invalid, Conflict) as wrong:
        s = seen(number)
        errors = wrong.errors if isinstance(wrong, Invalid) else {"": wrong.why}
        status = 422 if isinstance(wrong, Invalid) else 409
        return _glass_show(s, _approval(s, approval_id, glass.WHAT), errors, status)
    return page.done(url_for("items.show", number=number), _("核查结论已登记"))
