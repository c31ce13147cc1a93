"""`/audit/`: the auditor's page. Reading the log is itself in the log."""

from __future__ import annotations

from flask import Blueprint, Response, request, stream_with_context
from flask_babel import gettext as _

from .. import work
from ..extensions import db
from ..house import house
from ..policy import Permission
from ..verbs import auditing
from . import page, signin

bp = Blueprint("audit", __name__, url_prefix="/audit")
FIELDS = ("actor", "action", "outcome", "number", "since", "until")


def _filter() -> auditing.Filter:
    before = request.args.get("before", "0")
    words = {n: request.args.get(n, "").strip()[:80] for n in FIELDS}
    return auditing.Filter(**words, before=int(before) if before.isdigit() and len(before) < 16 else 0)


@bp.get("/")
def index() -> Response:
    chosen = _filter()
    rows, following = auditing.page(db.session(), house(), signin.actor(), chosen)
    return page.render(
        "audit/index.html",
        "audit/_rows.html",
        rows=rows,
        next=following,
        chosen=chosen,
        actions=auditing.actions(db.session()),
        head=auditing.head(db.session()),
        report=None,
    )


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
        return page.done("/audit/", _("审计链完整：%(n)s 行逐行核对无误", n=report.count))
    return page.done(
        "/audit/", _("审计链不完整：第 %(n)s 行起（%(why)s）", n=report.first_bad, why=report.why), "late"
    )


@bp.post("/export")
def export() -> Response:
    """The export for a third party, as a download."""
    actor = signin.actor()
    house().policy.demand(actor, Permission.AUDIT_READ)
    with work.begin(house(), actor) as w:
        w.record("audit.export")
    lines = stream_with_context(auditing.export(db.session(), house()))
    response = Response(lines, mimetype="application/x-ndjson")
    response.headers["Content-Disposition"] = "attachment; filename=audit.jsonl"
    return response
