"""`init` makes an empty office; `demo` fills it with the believable one."""

from __future__ import annotations

import os
from pathlib import Path

import click
from flask import Flask, current_app
from flask_migrate import upgrade
from sqlalchemy import select

from vault.keyring import Keyring

from .. import work
from ..extensions import db
from ..house import house
from ..models import Person
from ..settings import Settings, new_secret
from ..verbs import office
from .common import as_json, operator, out, reports


def bind(app: Flask) -> None:
    app.cli.add_command(init)
    app.cli.add_command(demo)


def _folders(settings: Settings) -> None:
    for folder in (settings.data, settings.log, settings.index):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def _secret(settings: Settings) -> str:
    """The secret key: the set one, or one made now (0600), written whole or not at all."""
    path = settings.data / "secret_key"
    if settings.secret_key:
        return settings.secret_key
    secret = new_secret()
    part = path.with_suffix(".new")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    return secret


def prepare(settings: Settings) -> None:
    """Folders, secret key, level identities, database through its migrations. Doing it again changes nothing."""
    os.umask(0o077)
    _folders(settings)
    current_app.config["SECRET_KEY"] = secret = _secret(settings)
    object.__setattr__(settings, "secret_key", secret)  # frozen for everybody but the set-up that makes it
    if not settings.keys.exists():
        Keyring.create(settings.keys, hybrid=settings.post_quantum)
    upgrade(directory=str(Path(current_app.root_path) / "migrations"))
    if settings.sqlite is not None and settings.sqlite.exists():
        settings.sqlite.chmod(0o600)


@click.command()
@click.option("--admin", default="admin", show_default=True, help="登录名 / login of the first administrator")
@as_json
@reports
def init(admin: str, as_json: bool) -> None:
    """Make an empty office: folders, keys, database, the default sections, a first administrator."""
    prepare(house().settings)
    with work.begin(house(), operator("init")) as w:
        made = office.found(w, admin=admin)
    first = db.session.scalar(select(Person).where(Person.login == admin))
    waiting = first is not None and not first.password
    lines = [f"数据目录 / data: {house().settings.data}"]
    if waiting:
        lines.append(
            f"首位系统管理员 / first administrator: {admin}（首次登录时密码留空并当场设定 / leave the password empty, then set it）"
        )
    out(
        {"data": str(house().settings.data), "made": made, "admin": admin, "password_set": not waiting},
        as_json,
        lines,
    )


@click.command()
@click.option("--logins", is_flag=True, help="只显示演示账号 / only print the demo logins")
@as_json
@reports
def demo(logins: bool, as_json: bool) -> None:
    """Load the demo office (once), or print its logins."""
    from .. import demo as content

    if not logins:
        prepare(house().settings)
        content.load(house())
    rows = content.logins()
    out(rows, as_json, [f"{r['login']:<12} {r['password']:<16} {r['name']}  {r['about']}" for r in rows])
