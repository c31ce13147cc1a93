"""`user add | password | disable | list`."""

from __future__ import annotations

import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from vault.levels import Level

from .. import work
from ..errors import Invalid, Missing
from ..extensions import db
from ..house import house
from ..kinds.base import ROLES
from ..models import Person, Role, Unit
from ..verbs import people
from .common import as_json, operator, out, reports, yes

user = AppGroup("user", help="人员账号 / accounts")


def bind(app: Flask) -> None:
    app.cli.add_command(user)


def unit_id(code: str) -> int:
    """The id of a unit's code. Raises Invalid naming the codes there are."""
    rows = {u.code: u.id for u in db.session.scalars(select(Unit).where(Unit.active))}
    if code.upper() not in rows:
        raise Invalid({"unit": f"{code}: 没有这个单位 / no such unit ({' '.join(sorted(rows))})"})
    return rows[code.upper()]


def level(word: str) -> Level:
    try:
        return Level.parse(word)
    except ValueError:
        raise Invalid({"level": f"{word}: public internal confidential secret topsecret"}) from None


def _role(word: str) -> tuple[str, int | None]:
    """`custodian@BG` -> (custodian, id of BG); without @ the role holds everywhere."""
    role, _, code = word.partition("@")
    if role not in ROLES or role in people.IMPLIED:
        given = " ".join(r for r in ROLES if r not in people.IMPLIED)
        raise Invalid({"role": f"{role}: 没有这个角色 / no such role ({given})"})
    return role, unit_id(code) if code else None


def _person(login: str) -> Person:
    person = db.session.scalar(select(Person).where(Person.login == login.lower()))
    if person is None:
        raise Missing(f"{login}: 没有这个账号 / no such login")
    return person


def _typed(from_stdin: bool) -> str:
    """The password: a line of standard input, or asked twice. Never an argument, which others can list."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("密码 / password", hide_input=True, confirmation_prompt=True, err=True))


@user.command("add")
@click.argument("login")
@click.option("--name", required=True)
@click.option("--unit", "unit_code", required=True)
@click.option("--clearance", default="internal", show_default=True)
@click.option("--role", "roles", multiple=True, metavar="ROLE[@UNIT]")
@click.option("--password-stdin", is_flag=True)
@as_json
@reports
def add(
    login: str,
    name: str,
    unit_code: str,
    clearance: str,
    roles: tuple[str, ...],
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a person; the password is changed at the first sign-in."""
    given, cleared, unit = [_role(r) for r in roles], level(clearance), unit_id(unit_code)
    password = _typed(password_stdin)
    with work.begin(house(), operator("user")) as w:
        person = people.create(
            w, login=login, name=name, unit_id=unit, clearance=cleared, roles=given, password=password
        )
    out({"id": person.id, "login": person.login}, as_json, f"{person.login}: 已建立 / added")


@user.command("password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True)
@as_json
@reports
def password(login: str, password_stdin: bool, as_json: bool) -> None:
    """Give a start password; every session of the person ends."""
    person = _person(login)
    word = _typed(password_stdin)
    with work.begin(house(), operator("user")) as w:
        people.reset_password(w, person.id, word)
    out({"login": login}, as_json, f"{login}: 密码已重置 / password reset")


@user.command("disable")
@click.argument("login")
@yes
@as_json
@reports
def disable(login: str, yes: bool, as_json: bool) -> None:
    """Close an account; refused while a document is out."""
    person = _person(login)
    if not yes:
        click.confirm(f"停用 / disable {login} ({person.name})?", abort=True, err=True)
    with work.begin(house(), operator("user")) as w:
        people.disable(w, person.id)
    out({"login": login, "active": False}, as_json, f"{login}: 已停用 / disabled")


@user.command("list")
@as_json
@reports
def show(as_json: bool) -> None:
    """Everybody, with unit, clearance and roles."""
    codes = {u.id: u.code for u in db.session.scalars(select(Unit))}
    held: dict[int, list[str]] = {}
    for r in db.session.scalars(select(Role).order_by(Role.role)):
        held.setdefault(r.person_id, []).append(r.role + (f"@{codes[r.unit_id]}" if r.unit_id else ""))
    rows: list[dict[str, Any]] = [
        {
            "login": p.login,
            "name": p.name,
            "unit": codes[p.unit_id],
            "clearance": Level(p.clearance).slug,
            "roles": held.get(p.id, []),
            "active": p.active,
        }
        for p in db.session.scalars(select(Person).order_by(Person.login))
    ]
    lines = [
        f"{r['login']:<16} {r['unit']:<6} {r['clearance']:<13} {'' if r['active'] else '停用 '}{r['name']}  {' '.join(r['roles'])}"
        for r in rows
    ]
    out(rows, as_json, lines)
