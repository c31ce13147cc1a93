"""The sign-in attacked: by guessing, by time, with a copied cookie, through a reset, by two officers at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.demo.people import PASSWORD
from intranet.errors import Invalid, Locked
from intranet.house import House
from intranet.models import Attempt, Role
from intranet.policy import separate
from intranet.settings import Settings
from intranet.verbs import access, people
from tests.office import Clock, Office
from vault.levels import Level

As = Callable[..., FlaskClient]


def sign_in(client: FlaskClient, login: str, password: str = PASSWORD):
    return client.post("/login", data={"login": login, "password": password})


# -- guessing ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("spelling", ["LEAD", " lead", "lead\u3000", "Lead\t", "\u00a0lead"])
def test_a_locked_login_is_locked_however_it_is_spelled(
    client: FlaskClient, desk: Office, spelling: str
) -> None:
    for _try in range(desk.house.settings.lockout_tries):
        sign_in(client, spelling, "wrong")
    assert sign_in(client, "lead").status_code == 423
    assert sign_in(client, spelling).status_code == 423


def test_many_logins_from_one_place_are_stopped_too(client: FlaskClient, desk: Office) -> None:
    answers = [
        sign_in(client, f"nobody{n}", "wrong").status_code
        for n in range(desk.house.settings.lockout_tries * 10 + 1)
    ]
    assert answers[-1] == 423
    assert sign_in(client, "lead").status_code == 423


def test_a_guess_counts_before_it_is_looked_at(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred guesses sent at once: each finds those before it counted, though none has been answered yet."""
    counted: list[int] = []
    real = people.verify

    def looking(settings: Settings, kept: str, password: str) -> bool:
        counted.append(db.query(Attempt).filter_by(key="login:lead").count())
        if len(counted) < 20:
            with pytest.raises((Invalid, Locked)):
                access.sign_in(house, "lead", "wrong", "here")
        return real(settings, kept, password)

    monkeypatch.setattr(people, "verify", looking)
    with pytest.raises(Invalid):
        access.sign_in(house, "lead", "wrong", "here")
    assert len(counted) == house.settings.lockout_tries
    assert counted == [1, 2, 3, 4, 5][: len(counted)]


def test_coming_in_leaves_no_try_behind(house: House, db: Session) -> None:
    access.sign_in(house, "lead", PASSWORD, "here")
    assert db.query(Attempt).count() == 0


def test_who_does_not_exist_costs_the_same_work(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in hashes, not in milliseconds: one comparison for everybody, and none is made anew."""
    with desk.w("admin") as w:
        people.create(w, login="bare", name="新人", unit_id=desk.unit("BG"))
    people.nobody(house.settings)
    work: list[str] = []
    verify, make = PasswordHasher.verify, PasswordHasher.hash
    monkeypatch.setattr(PasswordHasher, "verify", lambda s, h, p: work.append("verify") or verify(s, h, p))
    monkeypatch.setattr(PasswordHasher, "hash", lambda s, p: work.append("hash") or make(s, p))
    for login in ("lead", "no such person", "bare"):
        work.clear()
        with pytest.raises(Invalid):
            access.sign_in(house, login, "wrong", login)
        assert work == ["verify"], login


def test_the_hash_of_nobody_lets_nobody_in(house: House) -> None:
    for login in ("nobody", "bare"):
        with pytest.raises(Invalid):
            access.sign_in(house, login, "nobody has this password", "here")


# -- cookies -----------------------------------------------------------------------------------------------------
def test_a_copied_cookie_is_dead_after_signing_out(as_: As, desk: Office) -> None:
    here, other = as_("custodian", fresh=True), as_("custodian")
    copied = here.get_cookie("intranet")
    assert copied is not None
    here.post("/logout")
    thief = desk.client()
    thief.set_cookie("intranet", copied.value)
    assert thief.get("/").status_code == 303
    assert other.get("/").status_code == 200  # signing out here ends nothing there


@pytest.mark.parametrize("left", ["name", "seen", "epoch", "browser"])
def test_a_session_without_its_marks_is_none(as_: As, left: str) -> None:
    client = as_("lead")
    with client.session_transaction() as opened:
        opened.pop(left)
    assert client.get("/").status_code == 303


def test_nothing_of_a_session_planted_before_survives_the_sign_in(client: FlaskClient) -> None:
    with client.session_transaction() as planted:
        planted |= {"name": "known to the thief", "factor": 9_999_999_999, "receipt": "x", "enrol": "A" * 32}
    assert sign_in(client, "custodian").status_code == 303
    with client.session_transaction() as opened:
        assert opened["name"] != "known to the thief"
        assert not {"factor", "receipt", "enrol"} & set(opened)


def test_a_cookie_from_elsewhere_is_refused(as_: As, desk: Office) -> None:
    for elsewhere in ({"HTTP_USER_AGENT": "another browser"}, {"REMOTE_ADDR": "203.0.113.9"}):
        assert as_("lead").get("/", environ_overrides=elsewhere).status_code == 303


def test_what_was_ended_long_ago_is_forgotten(as_: As, clock: Clock, db: Session) -> None:
    as_("lead").post("/logout")
    clock.forward(days=8)
    as_("cook").post("/logout")
    db.rollback()
    assert db.query(Attempt).filter_by(what="ended").count() == 1


# -- officers ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["security", "auditor", "registrar", "handler", "leader"])
def test_a_reset_gives_the_administrator_no_standing(desk: Office, db: Session, login: str) -> None:
    """Who resets a password knows it. What it opens then is what any account of the administrator's making opens."""
    with desk.w("admin") as w:
        people.reset_password(w, desk.person(login).id, "known to the administrator")
    db.rollback()
    person = desk.person(login)
    assert person.clearance <= Level.INTERNAL
    assert db.scalars(select(Role).where(Role.person_id == person.id)).all() == []
    told = desk.audit("people.reset_password")[-1].detail
    assert '"roles"' in told and '"from"' in told  # what the security officer gives back


def test_on_the_server_a_reset_keeps_the_standing(desk: Office) -> None:
    with desk.w("cli:user") as w:
        people.reset_password(w, desk.person("registrar").id, "given on the server")
    assert desk.person("registrar").clearance == Level.TOPSECRET
    assert "custodian" in desk.actor("registrar").roles


@pytest.mark.parametrize(
    "role", ["dispatcher", "technician", "info_officer", "custodian", "leader", "complaint_handler"]
)
@pytest.mark.parametrize("blind", ["sysadmin", "backup_operator"])
def test_who_runs_the_machine_has_no_business_role(blind: str, role: str) -> None:
    assert separate([blind, role], Level.PUBLIC)
    assert separate([blind], Level.PUBLIC) == []


@pytest.mark.parametrize("way", ["role", "add_role"])
def test_nobody_becomes_two_officers(as_: As, desk: Office, db: Session, way: str) -> None:
    auditor = desk.person("auditor").id
    data = {
        "clearance": "1",
        "role": ["auditor@"],
        way: ["auditor@", "sysadmin@2"] if way == "role" else "security_officer",
    }
    assert as_("security").post(f"/people/{auditor}/standing", data=data).status_code == 422
    db.rollback()
    assert [r.role for r in db.scalars(select(Role).where(Role.person_id == auditor))] == ["auditor"]


def test_a_person_is_locked_while_the_standing_changes(desk: Office, db: Session) -> None:
    """Of two officers at once the second waits: else both their roles would stand (seen on PostgreSQL)."""
    from sqlalchemy.dialects import postgresql

    from intranet.models import Person

    sent: list[str] = []
    with desk.w("security") as w:
        real = w.session.get

        def get(entity: object, key: object, **options: object) -> object:
            if entity is Person and options.get("with_for_update"):
                query = select(Person).where(Person.id == key).with_for_update()
                sent.append(str(query.compile(dialect=postgresql.dialect())))
            return real(entity, key, **options)

        w.session.get = get
        try:
            people.standing(w, desk.person("cook").id, clearance=Level.INTERNAL, roles=[])
        finally:
            del w.session.get
    assert any("FOR UPDATE" in text for text in sent)


# -- what is kept ------------------------------------------------------------------------------------------------
def test_no_address_of_whoever_followed_a_complaint(client: FlaskClient, db: Session, desk: Office) -> None:
    """Not in the log, and not even where wrong codes are counted."""
    where = {"REMOTE_ADDR": "203.0.113.77"}
    form = {"topic": "canteen", "title": "饭菜凉了", "statement": "昨天中午", "agree": "1"}
    assert client.post("/complaints/new", data=form, environ_overrides=where).status_code == 303
    client.post("/track", data={"code": "AAAA-AAAA-AAAA-AAAA"}, environ_overrides=where)
    db.rollback()
    assert db.query(Attempt).filter_by(what="track").count() == 1
    tables = ("audit", "attempt", "item", "revision", "comment", "outbox", "message")
    kept = "".join(str(db.connection().exec_driver_sql(f"select * from {t}").all()) for t in tables)
    assert "饭菜凉了" in kept and "203.0.113.77" not in kept


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:p@ss:w@host/db",
        "postgresql+psycopg://host/db?user=u&password=p@ss:w",
        "postgresql+psycopg://u:p%40ss@h/d",
    ],
)
def test_no_password_of_a_setting_is_shown(url: str) -> None:
    settings = Settings(database_url=url, store="s3://key:sec/ret@host/b", backup="s3://key:secret@host/b")
    shown = f"{settings.masked()} {settings!r}"
    assert "***" in shown
    assert not [word for word in ("p@ss", "ss:w", "p%40ss", "sec/ret", "key:secret") if word in shown]
