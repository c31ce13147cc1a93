"""`/audit/`: the auditor's page. Reading the log is itself in the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request, stream_with_context, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from .. import work
from ..extensions import db
from ..house import house
from ..models import Item, Person
from ..policy import Permission
from ..verbs import auditing
from . import log_words, page, signin

bp = Blueprint("audit", __name__, url_prefix="/audit")
FIELDS = ("actor", "action", "outcome", "number", "since", "until")


def _filter() -> auditing.Filter:
    before = request.args.get("before", "0")
    words = {n: request.args.get(n, "").strip()[:80] for n in FIELDS}
    return auditing.Filter(
        **words, before=int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0
    )


@bp.get("/")
def index() -> Response:
    """The newest rows of the filter; the pages after it go by the last row of the page before."""
    chosen, actor = _filter(), signin.actor()
    given = {n: v for n in FIELDS if (v := getattr(chosen, n))}
    if not chosen.before:
        with work.begin(house(), actor) as w:
            house().policy.demand(actor, Permission.AUDIT_READ)
            # what somebody asks by name may be known to them only
            level = int(actor.clearance) if chosen.number else None
            w.record("audit.read", detail={"filter": given} if given else {}, level=level)
    rows, following = auditing.page(db.session(), house(), actor, chosen)
    return page.render(
        "audit/index.html",
        rows=rows,
        next=url_for(".index", **given, before=following) if following else "",
        first=url_for(".index", **given),
        chosen=chosen,
        given=given,
        actions=_actions(),
        head=auditing.head(db.session()),
        kept=len(auditing.kept_heads(house())),
        checked=auditing.last_check(db.session()),
        people=_people(rows),
        open_numbers=_open_numbers(rows),
        words=log_words,
    )


def _actions() -> list[tuple[str, list[tuple[str, str]]]]:
    """What was ever done, in words, under its heading: the choices of the filter."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, count in auditing.actions(db.session()):
        groups.setdefault(log_words.group(code), []).append(
            (code, _("%(name)s（%(more)s）", name=log_words.action(code), more=count))
        )
    return sorted(groups.items())


def _people(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of the logins on the page."""
    logins = {r["actor"] for r in rows}
    found = db.session.execute(select(Person.login, Person.name).where(Person.login.in_(sorted(logins))))
    return dict(found.all())


def _open_numbers(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """The numbers on the page that this reader may also open."""
    numbers = sorted({r["number"] for r in rows if r["number"]})
    visible = house().policy.visible(signin.actor(), house().clock())
    return set(db.session.scalars(select(Item.number).where(Item.number.in_(numbers), visible)))


@bp.post("/verify")
def verify() -> Response:
    """Prove the whole chain now, and record that it was proved, by whom, and with what result."""
    actor = signin.actor()
    house().policy.demand(actor, Permission.AUDIT_READ)
    report = auditing.verify(db.session(), house())
    with work.begin(house(), actor) as w:
        w.record(
            "audit.verify",
            outcome="ok" if report.ok else "alarm",
            detail={"rows": report.count, "why": report.why},
        )
    if report.ok:
        return page.done(url_for(".index"), _("审计链完整：%(n)s 行逐行核对无误", n=report.count))
    why = _(
        "审计链不完整：%(why)s（第 %(n)s 行）。请保全现场，立即报告。",
        why=log_words.chain(report.why),
        n=report.first_bad or "?",
    )
    return page.done(url_for(".index"), why, "late")


@bp.post("/export")
def export() -> Response:
    """The export for a third party, as a download: what this reader's page shows, the rest as links of the chain only."""
    actor = signin.actor()
    house().policy.demand(actor, Permission.AUDIT_READ)
    with work.begin(house(), actor) as w:
        w.record("audit.export")
    lines = stream_with_context(auditing.export(db.session(), house(), actor))
    response = Response(lines, mimetype="application/x-ndjson")
    day = house().clock().astimezone(house().zone).strftime("%Y%m%d")
    response.headers["Content-Disposition"] = f"attachment; filename=audit-{day}.jsonl"
    return response
