"""Signing in: password, lock-out, second factor. Wrong login and wrong password answer alike, also in time."""

from __future__ import annotations

from datetime import timedelta

import pyotp
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, exists, func, select

from .. import work
from ..actor import Actor, system
from ..errors import Conflict, Invalid, Locked
from ..house import House
from ..models import Attempt, Person
from ..work import Work
from . import people
from .box import conceal, reveal

ENDED = "ended"  # a session signed out of, among the attempts: what it opened before, it does no longer
KEPT = timedelta(days=7)  # far longer than a session or a lock-out lasts


def sign_in(house: House, login: str, password: str, origin: str) -> Person:
    """The person of a right login and password. Raises Locked after too many tries, Invalid when wrong."""
    login = login.strip().lower()
    actor = system(login[:64] or "-", origin)
    keys = (f"login:{login[:80]}", f"from:{origin}")
    with work.begin(house, actor) as w:
        if _tries(w, "login", keys[0]) >= house.settings.lockout_tries or (
            _tries(w, "login", keys[1]) >= house.settings.lockout_tries * 10
        ):
            w.record("session.locked", outcome="refused", detail={"login": login[:64]})
            locked = True
        else:
            locked = False
            # Counted before the password is looked at: many guesses sent at once are not looked at for nothing.
            tries = [Attempt(what="login", key=key, at=w.now) for key in keys]
            w.session.add_all(tries)
        person = w.session.scalar(select(Person).where(Person.login == login))
    if locked:
        raise Locked(_("尝试次数过多，请 %(n)s 分钟后再试", n=house.settings.lockout_minutes))
    # Nobody, and an account without a password yet, cost the same work as a wrong password.
    kept = person.password if person is not None and person.password else people.nobody(house.settings)
    right = people.verify(house.settings, kept, password) and person is not None and kept == person.password
    first = person is not None and not person.password and person.must_change and not password
    with work.begin(house, actor) as w:
        if person is None or not person.active or not (right or first):
            w.record("session.refused", outcome="refused", detail={"login": login[:64]})
            person = None
        else:
            w.session.execute(delete(Attempt).where(Attempt.what == "login", Attempt.key == keys[0]))
            w.session.execute(delete(Attempt).where(Attempt.id.in_([t.id for t in tries])))
            person = w.session.get_one(Person, person.id)
            person.last_seen = w.now
            if (
                people.hasher(house.settings).check_needs_rehash(person.password)
                if person.password
                else False
            ):
                person.password = people.hasher(house.settings).hash(password)
            w.record("session.start", detail={"login": login})
    if person is None:
        raise Invalid({"": _("登录名或密码不正确")})
    return person


def _tries(w: Work, what: str, key: str) -> int:
    since = w.now - timedelta(minutes=w.house.settings.lockout_minutes)
    query = (
        select(func.count())
        .select_from(Attempt)
        .where(Attempt.what == what, Attempt.key == key, Attempt.at > since)
    )
    return w.session.scalar(query) or 0


def tried(w: Work, what: str, key: str) -> None:
    """Count one wrong try. Raises nothing; `guard` asks."""
    w.session.add(Attempt(what=what, key=key[:120], at=w.now))


def guard(w: Work, what: str, key: str, limit: int) -> None:
    """Raise Locked when `key` had `limit` wrong tries within the lock-out time."""
    if _tries(w, what, key[:120]) >= limit:
        raise Locked(_("尝试次数过多，请 %(n)s 分钟后再试", n=w.house.settings.lockout_minutes))


def sign_out(w: Work, name: str = "") -> None:
    """Going out is recorded, and the session by its `name`: a copy of its cookie opens nothing any more."""
    oldest = w.now - KEPT
    w.session.execute(delete(Attempt).where(Attempt.at < oldest))
    if name:
        w.session.add(Attempt(what=ENDED, key=name, at=w.now))
    w.record("session.end", detail={"login": w.actor.login})


def ended(name: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the session of this name was signed out of."""
    return exists().where(Attempt.what == ENDED, Attempt.key == name)


def new_factor() -> str:
    """A fresh secret for an authenticator (RFC 6238), to be confirmed by a first code."""
    return pyotp.random_base32()


def factor_uri(house: House, actor: Actor, secret: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=actor.login, issuer_name=house.settings.office)


def enrol(w: Work, secret: str, code: str) -> None:
    """Keep the authenticator of the actor once its first code is right. A second one needs the first removed."""
    person = people.get(w, w.actor.id or 0)
    if person.totp:
        raise Conflict(_("已绑定验证器；如需更换，请联系系统管理员重置"))
    step = _step(w, secret, code, after=0)
    if step is None:
        raise Invalid({"code": _("验证码不正确，请核对手机时间")})
    person.totp, person.totp_step = conceal(w.house.settings, secret), step
    w.record("session.enrol", detail={"login": person.login})


def second_factor(w: Work, code: str) -> bool:
    """Whether the code is right, and not one used before (a code is good once). Wrong tries are counted."""
    person = people.get(w, w.actor.id or 0)
    guard(w, "factor", person.login, w.house.settings.lockout_tries)
    step = (
        _step(w, reveal(w.house.settings, person.totp), code, after=person.totp_step) if person.totp else None
    )
    if step is None:
        tried(w, "factor", person.login)
        w.record("session.second_factor", outcome="refused", detail={"login": person.login})
        return False
    person.totp_step = step
    w.record("session.second_factor", detail={"login": person.login})
    return True


def _step(w: Work, secret: str, code: str, *, after: int) -> int | None:
    """The 30-second step that a code belongs to, at most one off, later than `after`; None when wrong."""
    totp, now = pyotp.TOTP(secret), int(w.now.timestamp()) // 30
    digits = "".join(c for c in code if c.isdigit())
    for step in (now, now - 1, now + 1):
        if step > after and pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None
