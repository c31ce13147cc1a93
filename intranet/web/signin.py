"""Who is asking: the session holds person id, epoch and times; each request takes a fresh Actor from the database.

Deny by default: every endpoint needs a signed-in person, except the short list OPEN. The session ends when the epoch in
the database is higher (password changed, signed out everywhere, standing changed), when it was signed out of, or when idle too long.
"""

from __future__ import annotations

import hashlib
import secrets

from flask import Flask, Response, g, redirect, session, url_for
from flask_babel import gettext as _
from flask_login import UserMixin, current_user, login_user, logout_user
from htmx_flask import request
from sqlalchemy import String, bindparam, select
from werkzeug.exceptions import Unauthorized

from vault.levels import Level

from ..actor import ANONYMOUS, Actor
from ..extensions import db, login
from ..house import house
from ..models import Person
from ..verbs import access, people

# Open to everybody, each with its reason.
OPEN = {
    "static": "style sheets and icons",
    "session.sign_in": "the way in",
    "session.language": "before signing in too",
    "complaints.new": "anybody may complain (seeds L189)",
    "complaints.hand_in": "the same, sent",
    "complaints.index": "leads to the form",
    "complaints.track": "followed by code, without an account",
    "complaints.receipt": "shown once, to the session that complained",
    "health.alive": "monitoring",
    "health.ready": "monitoring, says no more than ok",
}
# Usable while a new password is due.
SETTING_UP = {"session.password", "session.sign_out", "session.language", "static"}
FRESH_SECONDS = 600
_PERSON = select(Person).where(
    Person.id == bindparam("person"), ~access.ended(bindparam("session", type_=String))
)


class User(UserMixin):
    """What flask-login carries: the frozen Actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id = str(actor.id)

    def get_id(self) -> str:
        return self.id


def actor() -> Actor:
    """The Actor of this request; ANONYMOUS when nobody is signed in."""
    found: Actor = getattr(current_user, "actor", None) or g.setdefault("anonymous", _anonymous())
    return found


def _anonymous() -> Actor:
    return Actor(id=None, login="", origin=request.remote_addr or "")


def bind(app: Flask) -> None:
    """Install flask-login's loader and the gate in front of every endpoint."""
    login.session_protection = None  # its own gives way for sessions that last, as ours do; see `_browser`
    login.user_loader(_load)
    app.before_request(_gate)


def _now() -> int:
    return int(house().clock().timestamp())


def _browser() -> str:
    """Whose session this is: a cookie that turns up in another browser or at another address was carried there."""
    said = f"{request.remote_addr}|{request.headers.get('User-Agent', '')}"
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _load(user_id: str) -> User | None:
    seen, now = session.get("seen"), _now()
    if not user_id.isdigit() or not isinstance(seen, int):
        return None
    name = session.get("name")
    if not isinstance(name, str) or session.get("browser") != _browser():
        return None
    person = db.session.scalar(_PERSON, {"person": int(user_id), "session": name})
    if person is None or not person.active or person.epoch != session.get("epoch"):
        return None
    s = house().settings
    idle = s.idle_minutes_secret if person.clearance >= Level.SECRET else s.idle_minutes
    if now - seen > idle * 60:
        return None
    session["seen"] = now
    fresh = now - session.get("factor", 0) < FRESH_SECONDS
    return User(people.actor_of(db.session(), person, fresh=fresh, origin=request.remote_addr or ""))


def start(person: Person) -> None:
    """Begin a session: a new one, nothing of the old survives."""
    kept = session.get("after")
    session.clear()
    session.permanent = True
    session["name"], session["epoch"], session["seen"] = secrets.token_hex(16), person.epoch, _now()
    if kept:
        session["after"] = kept
    session["browser"] = _browser()
    login_user(User(people.actor_of(db.session(), person, origin=request.remote_addr or "")))


def proved() -> None:
    """A second factor was right: bodies of the highest levels open for some minutes."""
    session["factor"] = _now()


def renew(person: Person) -> None:
    """Keep this session when the epoch was raised by its own person (password change)."""
    session["epoch"] = person.epoch


def end() -> None:
    logout_user()
    session.clear()


def _gate() -> Response | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint in OPEN:
        return None
    if not current_user.is_authenticated:
        if request.htmx or request.method != "GET" or request.accept_mimetypes.best == "application/json":
            raise Unauthorized(_("请重新登录"))
        return redirect(url_for("session.sign_in", next=request.full_path.rstrip("?")), 303)  # type: ignore[return-value]
    if actor().must_change and endpoint not in SETTING_UP:
        return redirect(url_for("session.password"), 303)  # type: ignore[return-value]
    return None


__all__ = ["ANONYMOUS", "OPEN", "actor", "bind", "end", "proved", "renew", "start"]
