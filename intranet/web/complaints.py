"""`/complaints/new` and `/track`: open to everybody. The handlers' pages are the ledger's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import segno
from flask import Blueprint, Response, redirect, request, session, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from vault.levels import Level

from .. import work
from ..errors import Conflict, Invalid, Locked, Missing
from ..extensions import db, limiter
from ..house import house
from ..kinds.base import Kind
from ..models import Blob
from ..verbs import complaints, deposits, pictures
from . import page, signin, times, tokens, upload

bp = Blueprint("complaints", __name__)
FILES = 9
SHOWN = 3600  # seconds that the receipt can be opened again, in the browser that complained
HANDED_ON = 120  # seconds between a supplement and the page that shows it


def _kind() -> Kind:
    return house().kinds["complaint"]


def _by_handler() -> bool:
    """Whether a handler types in what came by telephone, letter or visit."""
    return signin.actor().has("complaint_handler")


# -- handing in --------------------------------------------------------------------------------------------------
@bp.get("/complaints/new")
def new() -> Response:
    return _form({}, {}, [])


@bp.post("/complaints/new")
@limiter.limit("60 per hour;12 per minute")  # many may stand behind one address of a campus
def hand_in() -> Response:
    """Register; on a mistake the form comes back with everything typed and every file already sent."""
    kept, errors = _evidence()
    try:
        with work.begin(house(), complaints.sender(signin.actor())) as w:
            number, code = _register(w, kept, errors)
    except Invalid as invalid:
        return _form(request.form, invalid.errors, kept)
    session["receipt"] = tokens.sign("receipt", [number, code])
    return page.done(url_for("complaints.receipt"))


def _register(w: work.Work, kept: list[int], errors: dict[str, Any]) -> tuple[str, str]:
    """The complaint, when nothing at all is wrong: every mistake of the form is told at once."""
    channel = request.form.get("channel", "") if _by_handler() else "web"
    try:
        title = request.form.get("title", "")
        item, code = complaints.submit(w, request.form, title=title, blobs=kept, channel=channel)
    except Invalid as invalid:
        errors = invalid.errors | errors
    if not channel:
        errors["channel"] = _("请填写此项")
    if "agree" not in request.form:
        errors["agree"] = _("请确认所述情况属实")
    if errors:
        raise Invalid(errors)
    if _by_handler():
        w.record("complaint.typed_in", item, detail={"by": signin.actor().login, "channel": channel})
    return item.number, code


def _evidence() -> tuple[list[int], dict[str, Any]]:
    """Blob ids of what was sent before and of what this form brings, and what is wrong with it. A photo loses place and
    device on the way; one bad file does not lose the others."""
    kept, errors = tokens.numbers("complaint", request.form.getlist("kept")), {}
    sender, level = complaints.sender(signin.actor()), Level(_kind().default_level)
    for part in request.files.getlist("evidence"):
        if not part.filename:
            continue
        if len(kept) >= FILES:
            errors["evidence"] = _("最多 %(n)s 个文件，其余未收", n=FILES)
            break
        clean = pictures.clean(upload.chunks(part))
        try:
            kept.append(
                deposits.deposit(
                    house(), sender, level=level, filename=part.filename, chunks=clean, field="evidence"
                )
            )
        except Invalid as invalid:
            errors |= invalid.errors
    return kept, errors


def _kept(blob_ids: list[int]) -> list[tuple[str, Blob]]:
    """Files that were sent already, each with the token that brings it back."""
    return [(tokens.sign("complaint", i), db.session.get_one(Blob, i)) for i in blob_ids]


def _form(values: Any, errors: dict[str, Any], kept: list[int]) -> Response:
    kind = _kind()
    return page.render(
        "complaints/new.html",
        status=422 if errors else 200,
        kind=kind,
        fields={n: kind.field(n) for n in (*complaints.ASKED, "channel", "evidence")},
        values=values,
        errors=errors,
        kept=_kept(kept),
        most=FILES,
        by_handler=_by_handler(),
        review_days=house().settings.complaint_review_days,
        close_days=house().settings.complaint_close_days,
    )


@bp.route("/complaints/receipt", methods=["GET", "POST"])
def receipt() -> Response:
    """Number and code, to be printed or written down: for an hour, in this browser only. POST: forget it here at once."""
    if request.method == "POST":
        session.pop("receipt", None)
        return page.done(url_for("complaints.track"), _("已从这台设备上清除编号与查询码"))
    told = tokens.read("receipt", session.get("receipt", ""), SHOWN)
    if not isinstance(told, list):
        return page.done(url_for("complaints.track"))
    address = house().settings.base_url.rstrip("/") + url_for("complaints.track")
    return page.render(
        "complaints/receipt.html",
        number=told[0],
        code=told[1],
        address=address,
        qr=_qr(address),
        by_handler=_by_handler(),
        review_days=house().settings.complaint_review_days,
        close_days=house().settings.complaint_close_days,
    )


def _qr(address: str) -> Markup:
    """The address to follow at, to be photographed. Never the code: whoever finds the sheet could read along."""
    drawn = segno.make(address, error="m", micro=False).svg_inline(
        omitsize=True, border=2, svgclass="qr-code", lineclass=None
    )
    return Markup(drawn)  # noqa: S704  drawn by segno from our own address


# -- following ---------------------------------------------------------------------------------------------------
@bp.route("/track", methods=["GET", "POST"])
@limiter.limit("240 per hour;30 per minute", methods=["POST"])
def track() -> Response:
    """Show the way of a complaint, and take what the sender adds. The code never stands in an address.

    GET asks for the code; once after something was added it shows the way with it, so that a reload sends nothing twice."""
    if request.method == "GET":
        handed_on = tokens.read("track", session.pop("track", ""), HANDED_ON)
        return _way(handed_on, {}, []) if isinstance(handed_on, str) else _ask("")
    code = request.form.get("code", "")[:60]
    if not complaints.plain(code):
        return _ask(_("请填写查询码"))
    if "add" not in request.form:
        return _way(code, {}, [])
    return _add(code)


def _add(code: str) -> Response:
    sender = complaints.sender(signin.actor())
    kept: list[int] = []
    try:
        _find(code)
        kept, errors = _evidence()
        if errors:
            raise Invalid(errors)
        with work.begin(house(), sender) as w:
            item = complaints.find(w, code, request.remote_addr or "")
            complaints.add(w, item, request.form.get("body", ""), kept)
    except (Missing, Locked):
        return _way(code, {}, [])
    except Invalid as invalid:
        return _way(code, invalid.errors, kept)
    except Conflict as conflict:
        return _way(code, {"": conflict.why}, kept)
    session["track"] = tokens.sign("track", code)
    return page.done(url_for("complaints.track"), _("已送达处理人员"))


def _find(code: str) -> None:
    """Whether the code opens anything, before any file is sealed for it."""
    with work.begin(house(), complaints.sender(signin.actor())) as w:
        complaints.find(w, code, request.remote_addr or "")


def _ask(why: Any, code: str = "", status: int = 422) -> Response:
    return page.render(
        "complaints/track.html", status=status if why else 200, found=None, errors={"code": why} if why else {}, code=code
    )  # fmt: skip


def _way(code: str, errors: dict[str, Any], kept: list[int]) -> Response:
    """The way of the complaint, or the same words for every code that opens none."""
    origin = request.remote_addr or ""
    sender = complaints.sender(signin.actor())
    try:
        with work.begin(house(), sender) as w:
            found = complaints.track(w, complaints.find(w, code, origin))
    except Locked as locked:
        return _ask(locked.why, code, 423)
    except Missing:
        with work.begin(house(), sender) as w:
            complaints.wrong_code(w, origin)
        return _ask(_("没有找到这个查询码，请核对后再试"), code)
    return page.render(
        "complaints/track.html",
        status=422 if errors else 200,
        found=found,
        kind=_kind(),
        code=code,
        errors=errors,
        values=request.form if errors else {},
        kept=_kept(kept),
        most=FILES,
        late=found.promise is not None and found.promise < house().clock(),
        promised=_until(found.promise) if found.promise else "",
    )


def _until(end: datetime) -> str:
    """The end of a day is said as that day, any other moment with its hour."""
    local = end.astimezone(house().zone)
    return times.clock(end) if local.hour or local.minute else times.day(local - timedelta(minutes=1))


@bp.get("/complaints/")
def index() -> Response:
    """The short address people type: to the form, or for handlers to their ledger."""
    target = url_for("items.index", kind="complaint") if _by_handler() else url_for("complaints.new")
    return redirect(target, 303)  # type: ignore[return-value]
