"""What every test has: an application over a fresh copy of the office, a clock, people to act as. No network, no waiting."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.actor import Actor
from intranet.extensions import db as database
from intranet.house import House
from intranet.kinds.base import Kind
from intranet.models import Outbox
from intranet.work import Work
from tests import databases, office
from tests import postgres as postgres_server
from vault.keyring import Keyring
from vault.store_memory import MemoryStore


class Outside(Exception):
    """A test tried to leave this machine."""


def _inside(address: Any) -> bool:
    """Unix sockets and the loop-back only."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """A connection to anywhere but this machine fails the test that opens it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            real = getattr(socket.socket, name)

            def guarded(self: socket.socket, address: Any, real: Any = real) -> Any:
                if not _inside(address):
                    raise Outside(f"a test may not connect to {address}")
                return real(self, address)

            patch.setattr(socket.socket, name, guarded)
        yield


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """Real keys of every level, made once."""
    return Keyring.create(tmp_path_factory.mktemp("keys") / "keys")


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[str]:
    """The address of a migrated database with the people of the office. Copied for each test, never used itself."""
    folder = tmp_path_factory.mktemp("settled")
    with databases.empty(folder) as url:
        office.fill(office.build(folder, url, keyring=keyring), whole=False)
        yield url


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[tuple[str, MemoryStore]]:
    """The same with everything that happened in the demo, and its sealed files."""
    folder, store = tmp_path_factory.mktemp("lived"), MemoryStore()
    with databases.empty(folder) as url:
        office.fill(office.build(folder, url, keyring=keyring, store=store), whole=True)
        yield url, store


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    """A PostgreSQL server. Tests that use it are marked so, and run one after another."""
    with postgres_server.started() as server:
        yield server


@pytest.fixture
def clock() -> office.Clock:
    """2026-11-23 09:00 in Shanghai, until told otherwise."""
    return office.Clock()


Make = Callable[..., Flask]


@pytest.fixture
def make(tmp_path: Path, settled: str, keyring: Keyring, clock: office.Clock) -> Iterator[Make]:
    """`make(kinds=(…), search_body_level="public")`: an application over a fresh copy of the office."""
    with ExitStack() as stack:

        def made(*, kinds: tuple[Kind, ...] = (), **overrides: object) -> Flask:
            url = stack.enter_context(databases.copied(settled, tmp_path))
            app = office.build(tmp_path, url, keyring=keyring, clock=clock, kinds=kinds, **overrides)
            return stack.enter_context(office.running(app))

        yield made


@pytest.fixture
def app(make: Make) -> Flask:
    return make()


@pytest.fixture
def demo_app(
    tmp_path: Path, lived: tuple[str, MemoryStore], keyring: Keyring, clock: office.Clock
) -> Iterator[Flask]:
    """The application over a fresh copy of the whole demo."""
    url, store = lived
    copy = MemoryStore()
    copy._objects = dict(store._objects)
    with (
        databases.copied(url, tmp_path) as fresh,
        office.running(office.build(tmp_path, fresh, keyring=keyring, clock=clock, store=copy)) as running,
    ):
        yield running


@pytest.fixture
def house(app: Flask) -> House:
    found: House = app.extensions["house"]
    return found


@pytest.fixture
def desk(app: Flask, house: House) -> office.Office:
    """The office with short words: `desk.add("document", "custodian", level=…)`."""
    return office.Office(app, house)


@pytest.fixture
def db(app: Flask) -> Session:
    """The session of the test. After a request or a change by others: `db.rollback()` to see it."""
    return database.session()


@pytest.fixture
def actor(desk: office.Office) -> Callable[..., Actor]:
    return desk.actor


@pytest.fixture
def w(desk: office.Office) -> Callable[..., AbstractContextManager[Work]]:
    """`with w("custodian") as work: verb(work, …)`."""
    return desk.w


@pytest.fixture
def client(desk: office.Office) -> FlaskClient:
    """A browser in which nobody is signed in."""
    return desk.client()


@pytest.fixture
def as_(desk: office.Office) -> Callable[..., FlaskClient]:
    """`as_("lead").get("/")`; `fresh=True`: the second factor was given just now."""
    return desk.client


@pytest.fixture
def outbox(desk: office.Office) -> Callable[[str], list[Outbox]]:
    """The waiting effects of a topic."""
    return desk.outbox


@pytest.fixture
def statements(app: Flask) -> office.Statements:
    return office.Statements(database.engine)
