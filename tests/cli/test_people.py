"""`user add | password | disable | list`: accounts from the server's console, by the same rules as in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Role
from intranet.verbs import people
from tests.office import Office

PASSWORD = "long enough a word"


def run(app: Flask, *words: str, stdin: str = "") -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["user", *words], input=stdin)
    return result.exit_code, result.output


def test_a_person_is_added_with_standing(app: Flask, desk: Office, db: Session) -> None:
    code, told = run(
        app, "add", "New.Keeper", "--name", "新机要员", "--unit", "bg", "--clearance", "secret", "--role", "custodian@BG",
        "--role", "leader", "--password-stdin", "--json", stdin=PASSWORD + "\n",
    )  # fmt: skip
    assert code == 0 and json.loads(told)["login"] == "new.keeper"
    db.rollback()
    person = desk.person("new.keeper")
    assert (person.clearance, person.must_change, person.unit_id) == (3, True, desk.unit("BG"))
    assert people.verify(desk.house.settings, person.password, PASSWORD)
    held = {(r.role, r.unit_id) for r in db.scalars(select(Role).where(Role.person_id == person.id))}
    assert held == {("custodian", desk.unit("BG")), ("leader", None)}


@pytest.mark.parametrize(
    "words",
    [
        ("--unit", "XX"), ("--unit", "BG", "--clearance", "high"), ("--unit", "BG", "--role", "king"),
        ("--unit", "BG", "--role", "staff"), ("--unit", "BG", "--role", "lead@XX"),
        ("--unit", "BG", "--role", "sysadmin", "--role", "auditor", "--clearance", "public"),
        ("--unit", "BG", "--role", "sysadmin", "--clearance", "internal"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_made(app: Flask, desk: Office, words: tuple[str, ...]) -> None:
    before = len(json.loads(run(app, "list", "--json")[1]))
    code, told = run(
        app, "add", "somebody", "--name", "某人", *words, "--password-stdin", stdin=PASSWORD + "\n"
    )
    assert code == 1 and told.strip()
    assert len(json.loads(run(app, "list", "--json")[1])) == before


@pytest.mark.parametrize("word", ["short", "aaaaaaaaaaaaaa", "cook cook cook"])
def test_a_weak_password_is_refused(app: Flask, word: str) -> None:
    assert run(app, "password", "cook", "--password-stdin", stdin=word + "\n")[0] == 1


def test_a_new_password_ends_every_session(app: Flask, desk: Office, as_: Any) -> None:
    browser = as_("cook")
    assert run(app, "password", "cook", "--password-stdin", stdin=PASSWORD + "\n")[0] == 0
    assert "/login" in browser.get("/people/").location


def test_closing_an_account_asks_first(app: Flask, desk: Office, db: Session) -> None:
    assert run(app, "disable", "cook", stdin="n\n")[0] == 1
    db.rollback()
    assert desk.person("cook").active
    assert run(app, "disable", "cook", "--yes")[0] == 0
    db.rollback()
    assert not desk.person("cook").active
    assert [r.actor for r in desk.audit("people.disable")] == ["cli:user"]


def test_nobody_of_that_name(app: Flask) -> None:
    for words in (("disable", "ghost", "--yes"), ("password", "ghost", "--password-stdin")):
        assert run(app, *words, stdin=PASSWORD + "\n")[0] == 1


def test_the_list_tells_standing(app: Flask) -> None:
    rows = {r["login"]: r for r in json.loads(run(app, "list", "--json")[1])}
    assert rows["custodian"] == {
        "login": "custodian", "name": "陆静文", "unit": "BG", "clearance": "secret", "roles": ["custodian@HQ"], "active": True,
    }  # fmt: skip
