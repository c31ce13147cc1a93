"""`/complaints/new` and `/track`: open to everybody. The handlers' pages are the ledger's own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, session, url_for
from flask_babel import gettext as _

from vault.levels import Level

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db, limiter
from ..house import house
from ..kinds.base import Kind
from ..models import Blob
from ..verbs import complaints, deposits, pictures
from . import page, signin, tokens, upload

bp = Blueprint("complaints", __name__)
FILES = 9


def _kind() -> Kind:
    return house().kinds["complaint"]


def _by_handler() -> bool:
    """Whether a handler types in what came by telephone, letter or visit."""
    return signin.actor().has("complaint_handler")


@bp.get("/complaints/new")
def new() -> Response:
    return _form({}, {}, [])


@bp.post("/complaints/new")
@limiter.limit("20 per hour;5 per minute")
def hand_in() -> Response:
    """Register; on a mistake the form comes back with everything typed and every file already sent."""
    sender = complaints.sender(signin.actor())
    kept = tokens.numbers("complaint", request.form.getlist("kept"))
    try:
        kept += _sealed(len(kept))
        if "agree" not in request.form:
            raise Invalid({"agree": _("请确认所述情况属实")})
        channel = request.form.get("channel", "web") if _by_handler() else "web"
        with work.begin(house(), sender) as w:
            item, code = complaints.submit(
                w, request.form, title=request.form.get("title", ""), blobs=kept, channel=channel
            )
            if _by_handler():
                w.record("complaint.typed_in", item, detail={"by": signin.actor().login, "channel": channel})
    except Invalid as invalid:
        return _form(request.form, invalid.errors, kept)
    session["receipt"] = tokens.sign("receipt", [item.number, code])
    return page.done(url_for("complaints.receipt"))


def _sealed(already: int) -> list[int]:
    """Seal the photos and recordings of the form, without place and device data; their blob ids."""
    sender = complaints.sender(signin.actor())
    parts = [p for p in request.files.getlist("evidence") if p.filename]
    if already + len(parts) > FILES:
        raise Invalid({"evidence": _("最多 %(n)s 个文件", n=FILES)})
    level = Level(_kind().default_level)
    return [
        deposits.deposit(
            house(), sender, level=level, filename=p.filename or "", chunks=pictures.clean(upload.chunks(p)), field="evidence"
        )
        for p in parts
    ]  # fmt: skip


def _form(values: Any, errors: dict[str, Any], kept: list[int]) -> Response:
    kind = _kind()
    blobs = [db.session.get_one(Blob, i) for i in kept]
    return page.render(
        "complaints/new.html",
        status=422 if errors else 200,
        kind=kind,
        fields={n: kind.field(n) for n in (*complaints.ASKED, "channel", "evidence")},
        values=values,
        errors=errors,
        kept=[(tokens.sign("complaint", b.id), b) for b in blobs],
        by_handler=_by_handler(),
        review_days=house().settings.complaint_review_days,
        close_days=house().settings.complaint_close_days,
    )


@bp.get("/complaints/receipt")
def receipt() -> Response:
    """Number and code, to be printed or written down: for an hour, in this browser only."""
    told = tokens.read("receipt", session.get("receipt", ""), 3600)
    if not isinstance(told, list):
        return page.done(url_for("complaints.track"))
    return page.render("complaints/receipt.html", number=told[0], code=told[1])


@bp.route("/track", methods=["GET", "POST"])
@limiter.limit("120 per hour")
def track() -> Response:
    """Ask for the code; show the way of the complaint; take what the sender adds. The code never stands in an address."""
    if request.method == "GET":
        return page.render("complaints/track.html", found=None, errors={}, code="", values={})
    code = request.form.get("code", "")[:40]
    sender = complaints.sender(signin.actor())
    origin = request.remote_addr or ""
    errors: dict[str, Any] = {}
    try:
        with work.begin(house(), sender) as w:
            complaints.find(w, code, origin)
        if "add" in request.form:
            files = _sealed(0)
            with work.begin(house(), sender) as w:
                complaints.add(w, complaints.find(w, code, origin), request.form.get("body", ""), files)
    except Missing:
        with work.begin(house(), sender) as w:
            complaints.wrong_code(w, origin)
        errors = {"code": _("没有找到这个查询码，请核对后再试")}
        return page.render(
            "complaints/track.html", status=422, found=None, errors=errors, code=code, values={}
        )
    except (Invalid, Conflict) as error:
        errors = error.errors if isinstance(error, Invalid) else {"": error.why}
    with work.begin(house(), sender) as w:
        found = complaints.track(w, complaints.find(w, code, origin))
    return page.render(
        "complaints/track.html",
        status=422 if errors else 200,
        found=found,
        kind=_kind(),
        code=code,
        errors=errors,
        values=request.form if errors else {},
        added="add" in request.form and not errors,
        late=found.item.due is not None and found.item.due < house().clock(),
    )


@bp.get("/complaints/")
def index() -> Response:
    """The short address people type: to the form, or for handlers to their ledger."""
    target = url_for("items.index", kind="complaint") if _by_handler() else url_for("complaints.new")
    return redirect(target, 303)  # type: ignore[return-value]
