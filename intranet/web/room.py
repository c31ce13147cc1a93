"""`/i/<number>/read`: reading a body in the page. What is missing, one page at a time, the time that is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import ServiceUnavailable

from .. import work
from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing
from ..extensions import db
from ..house import House, house
from ..models import Approval, Blob, Item
from ..policy import BODY_FRESH_LEVEL, BODY_TWO_LEVEL, Permission, Standing
from ..rendering.office import converts
from ..verbs import deposits, history, opening, reading_room, showing
from . import files, page, signin
from .items_read import seen

bp = Blueprint("room", __name__)
_SOUND = re.compile(r"(audio|video)/[a-z0-9.+-]+")


@dataclass(frozen=True)
class Need:
    """One thing that must be there before one may read: whether it is, and where to get it."""

    title: str
    done: bool
    said: str = ""
    url: str = ""
    label: str = ""


def shown_as(blob: Blob) -> str:
    """How a file is read here: page, sound, or "" for what is neither."""
    if _SOUND.fullmatch(blob.mime):
        return "sound"
    pages = blob.mime == files.PDF or blob.mime.startswith(("image/", "text/")) or converts(blob.mime)
    return "page" if pages and blob.mime != "image/svg+xml" else ""


# -- the door ------------------------------------------------------------------------------------------------------
@bp.get("/i/<number>/read")
def index(number: str) -> Response:
    """What can be read, what is still missing, what is being read now."""
    s = seen(number)
    if not house().policy.in_page(s.item):
        return page.done(url_for("items.show", number=number))
    return _door(s)


def _door(s: Standing, error: str = "", status: int = 200) -> Response:
    home, actor, session, item = house(), signin.actor(), db.session(), s.item
    now = home.clock()
    reading = reading_room.live(session, actor, item.id, now)
    two = item.level >= BODY_TWO_LEVEL
    agreed = opening.granted(session, actor, item.id, now) if two and reading is None else None
    asked = [a for a in opening.waiting(session, item.id, now) if a.asked_by == actor.id] if two else []
    could = replace(s, second=s.second or agreed is not None)
    able = replace(actor, fresh=True)
    decide = home.policy.decide
    ready = decide(actor, Permission.BODY_OPEN, could).ok
    breaks = decide(able, Permission.BODY_BREAK, s).ok and not decide(able, Permission.BODY_OPEN, could).ok
    return page.render(
        "room/door.html",
        status=status,
        item=item,
        kind=home.kinds[item.kind],
        reading=reading,
        needs=_needs(home, actor, s, session, asked, agreed),
        files=[(b, shown_as(b)) for b in deposits.files(session, item.id) if b.state == "stored"],
        ready=ready,
        agreed=agreed,
        may_break=breaks,
        saves=decide(actor, Permission.BODY_SAVE, could).ok,
        minutes=home.settings.reading_minutes,
        error=error,
    )


def _needs(
    home: House, actor: Actor, s: Standing, session: Any, asked: Sequence[Approval], agreed: Approval | None
) -> list[Need]:
    item, here = s.item, url_for("room.index", number=s.item.number)
    found = [Need(_("已办理借阅"), True)] if s.loan else [_loan_needed(home, actor, s, session)]
    if item.level >= BODY_FRESH_LEVEL:
        factor = url_for("session.factor", next=here)
        found.append(
            Need(_("二次验证有效"), True)
            if actor.fresh
            else Need(_("二次验证"), False, _("机密级以上须先证明是您本人"), factor, _("现在验证"))
        )
    if item.level >= BODY_TWO_LEVEL:
        ask = url_for("openings.ask", number=item.number)
        if agreed is not None or s.second:
            found.append(Need(_("第二人已同意"), True))
        elif asked:
            watch = url_for("openings.show", number=item.number, approval_id=asked[0].id)
            found.append(Need(_("第二人同意"), False, _("已请求，等待办理"), watch, _("查看请求")))
        else:
            ready = s.loan and actor.fresh
            found.append(
                Need(
                    _("第二人同意"),
                    False,
                    _("绝密正文须两人打开"),
                    ask if ready else "",
                    _("请第二人同意") if ready else "",
                )
            )
    return found


def _loan_needed(home: House, actor: Actor, s: Standing, session: Any) -> Need:
    """Not applied yet, or waiting, or overdue: each with what to do."""
    mine = next(
        (x for x in history.loans(session, s.item.id, only=actor.id) if x.state in ("applied", "lent")), None
    )
    if mine is None:
        may = home.policy.decide(actor, Permission.LOAN_APPLY, s).ok
        url = url_for("loans.checkout", number=s.item.number) if may else ""
        return Need(_("借阅"), False, _("秘密级以上须先借阅"), url, _("申请借阅") if may else "")
    said = _("已申请，等待保管员办理") if mine.state == "applied" else _("借阅已逾期，请归还后重新申请")
    return Need(_("借阅"), False, said, url_for("items.show", number=s.item.number), _("查看"))


# -- a session -----------------------------------------------------------------------------------------------------
@bp.post("/i/<number>/read")
def start(number: str) -> Response:
    """Begin a session with one file, or go on with the one that is open."""
    s = seen(number)
    given = request.form.get("blob", "")
    blob_id = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    try:
        if reading_room.live(db.session(), signin.actor(), s.item.id, house().clock()) is None:
            with work.begin(house(), signin.actor()) as w:
                reading_room.start(w, s.item.id, blob_id)
    except Denied as denied:
        if denied.hidden:
            raise
        return _door(seen(number), str(denied.why), 403)
    except (Conflict, Invalid) as conflict:
        return _door(seen(number), str(conflict.why), 409)
    return page.done(url_for("room.sheet", number=number, blob_id=blob_id))


@bp.post("/i/<number>/read/close")
def close(number: str) -> Response:
    """Stop reading, before the time is over."""
    s = seen(number)
    with work.begin(house(), signin.actor()) as w:
        reading_room.close(w, s.item.id)
    for blob in deposits.files(db.session(), s.item.id):
        house().renderer.forget(blob.name)
    return page.done(url_for("items.show", number=number), _("已结束阅读"))


@bp.get("/i/<number>/read/<int:blob_id>")
def sheet(number: str, blob_id: int) -> Response:
    """One page of the file, with the way to the next; a recording with its player."""
    s = seen(number)
    home, actor = house(), signin.actor()
    try:
        reading = reading_room.demand(db.session(), home, actor, s, blob_id, home.clock())
    except Denied as denied:
        return _paused(s.item, denied)
    blob = reading_room.body(db.session(), s.item, blob_id)
    others = [b for b in deposits.files(db.session(), s.item.id) if b.state == "stored" and shown_as(b)]
    shown = {
        "item": s.item,
        "blob": blob,
        "reading": reading,
        "others": others if reading.way != "two" else [],
    }
    if shown_as(blob) == "sound":
        return page.render("room/sound.html", **shown)
    opened = deposits.Opened(blob, s.item, home, blob.header)
    try:
        pages = showing.count(home, actor, opened)
    except showing.NoPage as none:
        why = files.no_page(none.note, blob.mime)
        return page.render("room/none.html", status=500 if none.note == "changed" else 409, why=why, **shown)
    at = min(max(1, request.args.get("p", 1, type=int)), pages)
    zoom = min(max(0, request.args.get("z", 0, type=int)), len(showing.WIDTHS) - 1)
    return page.render("room/sheet.html", at=at, pages=pages, zoom=zoom, **shown)


def _paused(item: Item, denied: Denied) -> Response:
    """The session is over, or the second factor is: said on the page, with the way back to the same place."""
    if denied.hidden:
        raise denied
    work.refuse(house(), signin.actor(), denied)
    s = seen(item.number)
    able = replace(signin.actor(), fresh=True)
    factor = not signin.actor().fresh and house().policy.decide(able, Permission.BODY_OPEN, s).ok
    back = request.full_path.rstrip("?")
    return page.render("room/paused.html", status=403, item=s.item, why=denied.why, factor=factor, back=back)


@bp.get("/i/<number>/read/<int:blob_id>/<int:page_no>.jpg")
def image(number: str, blob_id: int, page_no: int) -> Response:
    """A page as a picture. The record is committed before it is made; what a browser fetches ahead is refused."""
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        raise ServiceUnavailable
    s = seen(number)
    home, actor = house(), signin.actor()
    shown = reading_room.page(home, actor, s.item.id, blob_id, page_no)
    zoom = 1 if request.args.get("z") == "1" else 0
    db.session.remove()  # nothing of the database is held while the page is made
    try:
        made = showing.page(home, actor, shown.opened, page_no, zoom, shown.mark)
    except showing.NoPage as none:
        why = files.no_page(none.note, shown.opened.blob.mime)
        return page.problem({"changed": 500, "page": 404}.get(none.note, 409), why)
    response = Response(made.body, content_type="image/jpeg")
    _close_kept(response, shown.opened.item, actor)
    return response


@bp.get("/i/<number>/read/<int:blob_id>/sound")
def sound(number: str, blob_id: int) -> Response:
    """A recording, as it is played: no mark can be put in it. Each start and each jump is recorded."""
    s = seen(number)
    home, actor = house(), signin.actor()
    if shown_as(reading_room.body(db.session(), s.item, blob_id)) != "sound":
        raise Missing
    first = re.match(r"bytes=(\d{1,15})-", request.headers.get("Range", ""))
    shown = reading_room.page(
        home, actor, s.item.id, blob_id, int(first[1]) if first else 0, action="body.play"
    )

    def describe(response: Response) -> None:
        response.content_type = shown.opened.blob.mime
        response.headers["Content-Disposition"] = "inline"
        response.headers["Accept-Ranges"] = "bytes"
        _close_kept(response, shown.opened.item, actor)

    return files.send(home, actor, shown.opened, describe)


def _close_kept(response: Response, item: Item, actor: Actor) -> None:
    """Never stored, never framed, runs nothing."""
    response.headers["Content-Security-Policy"] = f"{files.POLICY}; frame-ancestors 'none'"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Watermark"] = files.watermark(item, actor)
