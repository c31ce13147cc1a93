"""A fresh database for each test: a copied file, or (INTRANET_TEST_DATABASE_URL) a database made from a template."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

SERVER = os.environ.get("INTRANET_TEST_DATABASE_URL", "")


@contextmanager
def empty(folder: Path, server: str = SERVER) -> Iterator[str]:
    """The address of an empty database, gone afterwards."""
    if not server:
        yield f"sqlite:///{folder / 'data.db'}"
        return
    with _made(server, "") as url:
        yield url


@contextmanager
def copied(url: str, folder: Path, server: str = SERVER) -> Iterator[str]:
    """The address of a copy of the database `url`, to which nobody may be connected."""
    if not server:
        target = folder / "data.db"
        shutil.copyfile(url.removeprefix("sqlite:///"), target)
        yield f"sqlite:///{target}"
        return
    with _made(server, f"TEMPLATE {make_url(url).database}") as copy:
        yield copy


@contextmanager
def _made(server: str, how: str) -> Iterator[str]:
    name = f"t_{secrets.token_hex(8)}"
    _run(server, f"CREATE DATABASE {name} {how}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _run(server: str, statement: str) -> None:
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement.encode())
