"""Coming in and going out: sign-in, password, second factor, one's own account, language and colours."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, Response, redirect, request, session, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from .. import work
from ..errors import Conflict, Invalid, Locked
from ..extensions import db, limiter
from ..house import house
from ..kinds.base import ROLES
from ..models import Person, Role
from ..verbs import access, people
from . import language as language_
from . import page, present, signin
from .names import names

bp = Blueprint("session", __name__)
YEAR = 31_536_000


def _next(default: str = "/") -> str:
    return page.safe_next(request.values.get("next"), default)


def _go(url: str) -> Response:
    return redirect(url, 303)  # type: ignore[return-value]  # werkzeug's base class of the same response


# -- in and out --------------------------------------------------------------------------------------------------
@bp.route("/login", methods=["GET", "POST"])
@limiter.limit("40 per minute", methods=["POST"])
def sign_in() -> Response:
    """The way in. Wrong login and wrong password answer alike; too many tries are told to wait."""
    if signin.actor().known:
        return _go(_next())
    if request.method == "GET":
        return _sign_in_page({}, 200)
    login, password = request.form.get("login", ""), request.form.get("password", "")
    try:
        person = access.sign_in(house(), login, password, request.remote_addr or "")
    except Invalid as invalid:
        return _sign_in_page(invalid.errors, 422)
    except Locked as locked:
        return _sign_in_page({"": locked.why}, 423)
    signin.start(person)
    if person.must_change:
        session["after"] = _next()
        return _go(url_for("session.password"))
    return _go(_next())


def _sign_in_page(errors: dict[str, Any], status: int) -> Response:
    return page.render(
        "session/sign_in.html",
        status=status,
        errors=errors,
        login=request.form.get("login", ""),
        target=_next(""),
    )


@bp.post("/logout")
def sign_out() -> Response:
    with work.begin(house(), signin.actor()) as w:
        access.sign_out(w, session.get("name", ""))
    signin.end()
    return page.done(url_for("session.sign_in"), _("已退出"))


@bp.post("/logout/everywhere")
def sign_out_everywhere() -> Response:
    """Every session of this person ends, this one too."""
    with work.begin(house(), signin.actor()) as w:
        people.end_sessions(w)
    signin.end()
    return page.done(url_for("session.sign_in"), _("已在所有设备上退出"))


# -- password and second factor ------------------------------------------------------------------------------------
@bp.route("/password", methods=["GET", "POST"])
@limiter.limit("20 per minute", methods=["POST"])
def password() -> Response:
    """One's own password; the first one of a new account needs no old one. All other sessions end."""
    actor = signin.actor()
    first = not db.session.get_one(Person, actor.id).password
    if request.method == "GET":
        return _password_page(first, {}, 200)
    new = request.form.get("password", "")
    if new != request.form.get("again", ""):
        return _password_page(first, {"again": _("两次输入的密码不一致")}, 422)
    try:
        with work.begin(house(), actor) as w:
            access.guard(w, "password", actor.login, house().settings.lockout_tries)
        with work.begin(house(), actor) as w:
            person = people.change_password(w, request.form.get("old", ""), new)
    except Invalid as invalid:
        if "old" in invalid.errors:
            with work.begin(house(), actor) as w:
                access.tried(w, "password", actor.login)
        return _password_page(first, invalid.errors, 422)
    except Locked as locked:
        return _password_page(first, {"": locked.why}, 423)
    signin.renew(person)
    return page.done(page.safe_next(session.pop("after", None), "/"), _("密码已保存；其他设备上的登录已失效"))


def _password_page(first: bool, errors: dict[str, Any], status: int) -> Response:
    return page.render(
        "session/password.html",
        status=status,
        first=first,
        errors=errors,
        least=house().settings.min_password,
        due=signin.actor().must_change,
    )


@bp.route("/factor", methods=["GET", "POST"])
@limiter.limit("20 per minute", methods=["POST"])
def factor() -> Response:
    """Prove the second factor (for bodies from 机密 up), or bind an authenticator the first time."""
    bound = signin.actor().second_factor
    if request.method == "GET":
        return _factor_page(bound, {}, 200)
    code = request.form.get("code", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            if bound:
                right = access.second_factor(w, code)
            else:
                access.enrol(w, session.get("enrol", ""), code)
                right = True
    except Invalid as invalid:
        return _factor_page(bound, invalid.errors, 422)
    except Locked as locked:
        return _factor_page(bound, {"": locked.why}, 423)
    except Conflict as conflict:
        return _factor_page(True, {"": conflict.why}, 409)
    if not right:
        return _factor_page(bound, {"code": _("验证码不正确，或已用过；请等待下一个")}, 422)
    session.pop("enrol", None)
    signin.proved()
    said = _("二次验证通过，十分钟内有效") if bound else _("验证器已绑定，二次验证通过")
    return page.done(_next(url_for("session.account")), said)


def _factor_page(bound: bool, errors: dict[str, Any], status: int) -> Response:
    secret, code = "", Markup()
    if not bound:
        secret = session.setdefault("enrol", access.new_factor())
        code = qr(access.factor_uri(house(), signin.actor(), secret))
    return page.render(
        "session/factor.html",
        status=status,
        bound=bound,
        errors=errors,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        qr=code,
        target=_next(""),
    )


def qr(text: str) -> Markup:
    """A QR code as inline SVG: attributes only, no style."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        scale=4, border=2, dark="#000", light="#fff", svgclass=None, lineclass=None, omitsize=True
    )
    return Markup(drawn)  # noqa: S704  drawn by segno from modules, holds no text


# -- one's own account ---------------------------------------------------------------------------------------------
@bp.get("/account")
def account() -> Response:
    """Who am I here: unit, clearance, roles; how the pages look; where I am signed in."""
    actor = signin.actor()
    person = db.session.get_one(Person, actor.id)
    held = db.session.execute(select(Role.role, Role.unit_id).where(Role.person_id == actor.id))
    roles = [(ROLES.get(r, r), names().unit(u) if u is not None else _("全处")) for r, u in held]
    return page.render("session/account.html", person=person, roles=roles)


@bp.post("/language")
def language() -> Response:
    """Before signing in too: kept in this browser, and with the person when there is one."""
    chosen = request.form.get("language", "")
    if signin.actor().known:
        with work.begin(house(), signin.actor()) as w:
            people.prefer(w, language=chosen)
    return _remember(_go(_next()), language_.COOKIE, chosen, ("zh", "en"))


@bp.post("/theme")
def theme() -> Response:
    chosen = request.form.get("theme", "")
    with work.begin(house(), signin.actor()) as w:
        people.prefer(w, theme=chosen)
    return _remember(_go(_next()), "theme", chosen, present.THEMES)


def _remember(response: Response, cookie: str, word: str, allowed: tuple[str, ...]) -> Response:
    if word in allowed:
        secure = house().settings.secure_cookies
        response.set_cookie(cookie, word, max_age=YEAR, httponly=True, samesite="Lax", secure=secure)
    return response
