"""Rendering and errors: the one place that knows htmx, headers, and how a domain error becomes HTTP."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, flash, g, make_response, redirect, render_template
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from htmx_flask import request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import IntegerConverter

from .. import work
from ..errors import Conflict, Denied, DomainError, Invalid, Locked, Missing, Unavailable
from ..extensions import csrf, db
from ..house import house
from ..policy import ON_HOLD, Standing
from ..verbs import holds
from . import present, signin

STATUS: dict[type[DomainError], int] = {
    Denied: 403, Missing: 404, Conflict: 409, Invalid: 422, Locked: 423, Unavailable: 503,
}  # fmt: skip


class Id(IntegerConverter):
    """`<int:…>` in addresses: what no row can have as its id is no address at all, never an error of the database."""

    def __init__(self, urls: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(urls, *args, **{"max": 2**31 - 1} | kwargs)


def bind(app: Flask) -> None:
    """Headers on every answer, errors as pages, what every template may call."""
    app.before_request(_nonce)
    app.before_request(_address)
    app.after_request(_headers)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(500, _server_error)
    present.bind(app)


def partial() -> bool:
    """Whether htmx asks for a region (not a boosted page, not history)."""
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render(template: str, fragment: str | None = None, *, status: int = 200, **context: Any) -> Response:
    """The page, or (asked by htmx) its fragment alone. The page includes the fragment, so both show the same."""
    chosen = fragment if fragment and partial() else template
    response = make_response(render_template(chosen, **context), status)
    if fragment:
        response.vary.add("HX-Request")
    return response


def done(url: str, message: Any = "", tone: str = "good") -> Response:
    """Success: 303 to `url` with a toast. htmx follows the redirect as a browser does."""
    if message:
        flash(str(message), tone)
    return make_response(redirect(url, 303))


def safe_next(target: str | None, default: str) -> str:
    """A local address to go on to; anything that could leave this site becomes `default`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return default
    return target if target.isprintable() else default


def _nonce() -> None:
    g.nonce = secrets.token_urlsafe(16)


def _address() -> None:
    """A NUL in the path names nothing; some databases do not even take the question."""
    if "\x00" in request.path:
        raise NotFound


def _headers(response: Response) -> Response:
    h = response.headers
    h.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src 'self' 'nonce-{g.get('nonce', '')}'; style-src 'self' 'nonce-{g.get('nonce', '')}'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; media-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    )
    h.setdefault("X-Content-Type-Options", "nosniff")
    h.setdefault("X-Frame-Options", "DENY")
    h.setdefault("Referrer-Policy", "same-origin")
    h.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    h.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    h.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if house().settings.secure_cookies:
        h.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        h.setdefault("Cache-Control", "no-store")
    return response


def _domain_error(error: DomainError) -> Response:
    """The table of errors. Hidden and missing give the same page, byte for byte, after the same work: both are recorded,
    so that not even the time of the answer tells one from the other (FEATURES row 55)."""
    status = STATUS[type(error)]
    actor = signin.actor()
    if isinstance(error, Denied) and not error.facts.get("recorded"):
        work.refuse(house(), actor, error)
    elif isinstance(error, Missing) and actor.known:
        work.refuse(house(), actor, Denied(hidden=True, permission="item:view"))
    if isinstance(error, Denied) and error.hidden:
        status = 404
    return problem(status, "" if status == 404 else str(error.why or ""), error, hold=_hold(error))


def _hold(error: DomainError) -> holds.Held | None:
    """Who holds the file, where that is why it was refused. Whoever gets this answer may know of the file."""
    if not isinstance(error, Denied) or error.hidden or error.why is not ON_HOLD.why:
        return None
    return holds.live(db.session(), error.thing.item.id) if isinstance(error.thing, Standing) else None


def problem(
    status: int, why: str = "", error: Exception | None = None, *, hold: holds.Held | None = None
) -> Response:
    """An error page that says what happened and what to do next."""
    facts = getattr(error, "facts", {})
    errors = getattr(error, "errors", {})
    response = make_response(
        render_template(
            "errors/error.html", status=status, why=why, errors=errors, facts=facts, bare=partial(), hold=hold
        ),
        status,
    )
    response.headers["HX-Retarget"] = "#problem"
    response.headers["HX-Reswap"] = "innerHTML"
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _csrf_error(error: CSRFError) -> Response:
    return problem(422, _("页面停留过久或已重新登录，请刷新后再提交；您填写的内容仍在页面上"))


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    why = {413: _("文件超过大小上限"), 401: _("请重新登录"), 429: _("操作过于频繁，请稍后再试")}.get(
        error.code, ""
    )
    return problem(error.code, why)


def _server_error(error: Exception) -> Response:
    return problem(500)


__all__ = ["bind", "csrf", "done", "partial", "problem", "render", "safe_next"]
