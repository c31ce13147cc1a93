"""`/heads/`: heads of the audit chain on paper. The auditor prints, a second person signs, any of the witnesses enters an old one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import segno
from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from .. import work
from ..errors import Conflict, Invalid, Locked
from ..extensions import db
from ..house import house
from ..models import Person
from ..policy import Permission
from ..verbs import chain_heads
from . import log_words, page, signin
from .items_read import in_full

bp = Blueprint("heads", __name__, url_prefix="/heads")


@bp.get("/")
def index() -> Response:
    """The sheets that were printed, by whom they were signed, and the form for an old head."""
    house().policy.demand(signin.actor(), Permission.AUDIT_CHECK)
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    actor, policy = signin.actor(), house().policy
    sheets = chain_heads.sheets(db.session())
    checks = chain_heads.recent(db.session())
    logins = {x for s in sheets for x in (s.by, s.signed_by)} | {c.actor for c in checks}
    known = db.session.execute(select(Person.login, Person.name).where(Person.login.in_(sorted(logins))))
    shown: dict[str, Any] = {
        "sheets": sheets,
        "checks": [(c, datetime.fromisoformat(c.at), json.loads(c.detail)) for c in checks],
        "people": dict(known.all()),
        "may_print": policy.decide(actor, Permission.AUDIT_READ).ok,
        "may_sign": {s.row for s in sheets if policy.decide(actor, Permission.AUDIT_SIGN, s.by).ok},
        "due": chain_heads.due(db.session(), house().clock()),
        "typed": chain_heads.TYPED,
        "values": {},
        "errors": {},
        "answer": None,
        "words": log_words,
    }
    return page.render("audit/heads.html", status=status, **(shown | more))


@bp.post("/")
def put_on_paper() -> Response:
    """Print the present head: recorded first, then shown as a sheet."""
    with work.begin(house(), signin.actor()) as w:
        chain_heads.put_on_paper(w)
    return page.done(url_for(".sheet", row=chain_heads.sheets(db.session(), 1)[0].row))


@bp.get("/<int:row>")
def sheet(row: int) -> Response:
    """The sheet of a head, for the printer."""
    house().policy.demand(signin.actor(), Permission.AUDIT_READ)
    found = chain_heads.sheet(db.session(), row)
    drawn = segno.make(found.code, error="q", micro=False)
    code = drawn.svg_inline(scale=4, border=0, omitsize=True, svgclass="qr", lineclass=None)
    name = select(Person.name).where(Person.login == found.by)
    return page.render(
        "print/head.html",
        sheet=found,
        code=Markup(code),  # noqa: S704  drawn by segno from a number and a hash
        by=db.session.scalar(name) or found.by,
        moment_now=house().clock(),
        in_full=in_full,
    )


@bp.post("/<int:row>/sign")
def sign(row: int) -> Response:
    """The second person's signature. Who printed the sheet is refused."""
    typed = request.form.get("typed", "")[:80]
    try:
        with work.begin(house(), signin.actor()) as w:
            found = chain_heads.sign(w, row, typed)
    except (Invalid, Conflict) as error:
        why = error.errors if isinstance(error, Invalid) else {"": error.why}
        status = 422 if isinstance(error, Invalid) else 409
        return _page(status, errors=why, values={"row": row, "typed": typed})
    return page.done(url_for(".index"), _("已签认第 %(n)s 行的链头", n=found.seq))


@bp.post("/check")
def check() -> Response:
    """An old head against the log. The answer stays on the page, with what was typed."""
    text = request.form.get("head", "").strip()[:400]
    if not text:
        text = f"{request.form.get('seq', '')[:20]} {request.form.get('hash', '')[:200]}"
    values = {n: request.form.get(n, "")[:400] for n in ("head", "seq", "hash")}
    try:
        answer = chain_heads.check(house(), signin.actor(), text)
    except Invalid as invalid:
        return _page(422, errors=invalid.errors, values=values)
    except Locked as locked:
        return _page(423, errors={"head": locked.why}, values=values)
    return _page(answer=answer, values=values)
