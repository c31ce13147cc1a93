"""Bodies: the only way out for the bytes of a deposited file. Demand, record, commit, and only then the first byte.

A file shown in the browser has no origin of its own and runs nothing (`sandbox`, `default-src 'none'`); what a browser
cannot show safely is a download. What is read in the page only (`Policy.in_page`) leaves, where it may, with the reader's
mark in it. Bytes leave only after they were authenticated; where an object turns out to be damaged
in the middle, the connection is broken off, so that nobody takes a piece for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import ContentRange
from werkzeug.http import parse_range_header

from vault.age import NoIdentity
from vault.errors import VaultError
from vault.levels import Level
from vault.store import Unavailable as StoreAway

from ..actor import Actor
from ..errors import Denied, Unavailable
from ..extensions import db
from ..house import House, house
from ..models import Blob, Item
from ..policy import Permission
from ..verbs import deposits, marks, showing
from . import page, signin

bp = Blueprint("files", __name__)

PDF = "application/pdf"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
SOUNDS = frozenset({"audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/flac"})
NO_STORE_LEVEL = Level.CONFIDENTIAL
_SHOWN = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
# The built-in PDF viewers of the browsers refuse to start in a sandboxed document; the rest of the rule holds for them.
POLICY_PDF = f"{_SHOWN}; object-src 'self'"
POLICY = f"{_SHOWN}; sandbox"


def shows_inline(mime: str) -> str:
    """The type under which a browser may show a file itself, or "" when it is only for saving."""
    if mime == PDF or mime in IMAGES or mime in SOUNDS:
        return mime
    return "text/plain; charset=utf-8" if mime in ("text/plain", "text/csv", "text/markdown") else ""


@bp.get("/f/<int:blob_id>/<path:filename>")
def body(blob_id: int, filename: str) -> Response:
    """The bytes of one file, whole or in part; `?download` to save instead of showing."""
    home, actor = house(), signin.actor()
    try:
        opened = deposits.open_body(
            home, actor, blob_id, action="body.head" if request.method == "HEAD" else "body.open"
        )
    except Denied as denied:
        if _only_factor_missing(home, actor, denied):
            return redirect(url_for("session.factor", next=request.full_path.rstrip("?")), 303)  # type: ignore[return-value]
        if denied.permission == Permission.BODY_SAVE and not denied.hidden:  # it is read elsewhere
            number = db.session.scalar(select(Item.number).join(Blob).where(Blob.id == blob_id))
            denied.facts["read_at"] = url_for("room.index", number=number)
        raise
    if home.policy.in_page(opened.item):
        return _marked(home, actor, opened)
    if _held_already(opened):
        response = Response(status=304)
        _describe(response, opened, actor)
        del response.headers["Content-Type"]
        return response
    return send(home, actor, opened, lambda response: _describe(response, opened, actor))


def _marked(home: House, actor: Actor, opened: deposits.Opened) -> Response:
    """What is read in the page leaves with the reader's mark in it, whole and never from a cache; or not at all."""
    blob, item = opened.blob, opened.item
    response = Response()
    if request.method == "GET":
        mark = marks.mark(db.session(), home, actor, item, home.clock())
        db.session.remove()  # nothing of the database is held while the file is made
        try:
            made = showing.marked(home, actor, opened, mark)
        except showing.NoPage as none:
            changed = none.note == "changed"
            why = no_page(none.note, blob.mime)
            return page.problem(
                500 if changed else 403, why if changed else _("%(why)s，因此不能下载", why=why)
            )
        response.data = made.body
        pdf = made.mime == PDF and blob.mime != PDF
        response.content_type = shows_inline(made.mime) or made.mime
        response.headers["Content-Disposition"] = disposition(
            "attachment", blob.filename + (".pdf" if pdf else "")
        )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Watermark"] = watermark(item, actor)
    return response


def no_page(note: str, mime: str) -> str:
    """Why a file cannot be shown or marked, for a person."""
    words = {
        "changed": _("文件已损坏或被改动，系统已拒绝打开并通知保管员"),
        "damaged": _("文件内容有误，无法制作页面"),
        "empty": _("文件是空的"),
        "encrypted": _("文件设有密码，无法制作页面"),
        "legacy": _("服务器未安装 LibreOffice，无法制作此类文件的页面"),
        "memory": _("文件展开后过大，无法制作页面"),
        "page": _("没有这一页"),
        "spool": _("服务器没有内存文件夹，无法转换此类文件"),
        "timeout": _("文件过于复杂，未能及时制作页面"),
        "too_large": _("文件过大，无法制作页面"),
    }
    sound = _("录音录像无法加水印") if mime.startswith(("audio/", "video/")) else _("此类文件无法加水印")
    return str(words.get(note, sound))


def send(
    home: House, actor: Actor, opened: deposits.Opened, describe: Callable[[Response], None]
) -> Response:
    """The bytes as they are, whole or in part, with the headers that `describe` writes."""
    blob = opened.blob
    start, length, partly = _wanted(blob)
    if length < 0:
        response = page.problem(416, _("所请求的范围超出文件大小"))
        response.headers["Content-Range"] = f"bytes */{blob.size}"
        return response
    response = Response(status=206 if partly else 200)
    if partly:
        response.content_range = ContentRange("bytes", start, start + length, blob.size)
    describe(response)
    if request.method == "HEAD":
        response.content_length = length
        return response
    stream = Stream(home, actor, opened, start, length)
    try:
        stream.begin()
    except Unavailable:
        raise
    except VaultError as error:
        stream.alarm(error)
        return page.problem(500, _("文件已损坏或被改动，系统已拒绝打开并通知保管员"))
    response.response = stream
    response.content_length = length
    db.session.remove()  # nothing of the database is held while the bytes travel
    return response


def _only_factor_missing(home: House, actor: Actor, denied: Denied) -> bool:
    """Whether a fresh second factor alone would open it."""
    if denied.hidden or actor.fresh or denied.thing is None:
        return False
    return home.policy.decide(replace(actor, fresh=True), Permission(denied.permission), denied.thing).ok


def etag(blob: Blob) -> str:
    return blob.digest[:32]


def _held_already(opened: deposits.Opened) -> bool:
    """Whether the browser has these very bytes (If-None-Match). Asked only after permission and record; from 秘密 upwards
    nobody may have kept any, so the answer is always the file."""
    asked = request.if_none_match
    return opened.item.level < NO_STORE_LEVEL and asked.contains_weak(etag(opened.blob))


def _wanted(blob: Blob) -> tuple[int, int, bool]:
    """(start, length, whether a part is asked for); length -1 where the part lies outside (416).

    Several ranges in one request are answered with the whole, as RFC 9110 §14.2 allows; a part is of GET only (ibid.)."""
    asked = parse_range_header(request.headers.get("Range")) if request.method == "GET" else None
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, blob.size, False
    # Compared as it stands: a weak tag, or a date, is no proof that the bytes are the same (RFC 9110 §13.1.5).
    if request.headers.get("If-Range", f'"{etag(blob)}"').strip() != f'"{etag(blob)}"':
        return 0, blob.size, False
    first = asked.ranges[0][0]
    if first is not None and -first > blob.size > 0:
        return 0, blob.size, True  # the last n bytes of fewer are all of them (RFC 9110 §14.1.2)
    found = asked.range_for_length(blob.size)
    if found is None:
        return 0, -1, True
    return found[0], found[1] - found[0], True


def _describe(response: Response, opened: deposits.Opened, actor: Actor) -> None:
    """The headers: name, type, what the document may do, who reads it."""
    blob, item = opened.blob, opened.item
    inline = "" if "download" in request.args else shows_inline(blob.mime)
    response.content_type = inline or (blob.mime if blob.mime == PDF else "application/octet-stream")
    kind = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = disposition(kind, blob.filename)
    response.headers["Content-Security-Policy"] = POLICY_PDF if inline == PDF else POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Accept-Ranges"] = "bytes"
    response.set_etag(etag(blob))
    secret = item.level >= NO_STORE_LEVEL
    response.headers["Cache-Control"] = "no-store" if secret else "private, no-cache"
    if secret:
        response.headers["X-Watermark"] = watermark(item, actor)


def watermark(item: Item, actor: Actor) -> str:
    """Number, reader and time, as a header says it."""
    now = house().clock().astimezone(house().zone)
    return quote(f"{item.number} {actor.login} {now:%Y-%m-%dT%H:%M}", safe=" :-")


def disposition(kind: str, filename: str) -> str:
    """Content-Disposition with a plain name for old clients and the true one (RFC 6266, RFC 8187)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


class Stream:
    """The body of the answer. `begin` opens and checks, iterating sends, `close` lets go of the store."""

    def __init__(self, home: House, actor: Actor, opened: deposits.Opened, start: int, length: int) -> None:
        self.home, self.actor, self.opened = home, actor, opened
        self.start, self.length = start, length
        self.app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._bytes: Iterator[bytes] = iter(())

    def begin(self) -> None:
        """Open the object. Raises Unavailable where store or key are away, VaultError where it is not what it was."""
        try:
            self._bytes = self.opened.read(self.start, self.length) if self.length else iter(())
        except NoIdentity as error:
            if self.home.vault.keyring.can_open(Level(self.opened.blob.level)):
                raise  # the keys of the level are here, all of them, and none fits: the header is not ours
            raise Unavailable(_("当前进程没有打开此密级的密钥，请联系系统管理员")) from error
        except StoreAway as error:
            raise Unavailable(_("文件库暂时无法读取，请稍后重试")) from error

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._bytes
        except StoreAway:
            raise
        except VaultError as error:
            with self.app.app_context():
                self.alarm(error)
            raise  # breaks the connection off: a clean end would pass for a whole file

    def alarm(self, error: VaultError) -> None:
        deposits.damaged(self.home, self.actor, self.opened, f"{type(error).__name__}: {error}"[:200])

    def close(self) -> None:
        closing = getattr(self._bytes, "close", None)
        if closing is not None:
            closing()
