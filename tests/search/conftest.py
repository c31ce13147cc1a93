"""Engines under test. Every test that takes `engine` runs once for each of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from search.engine import Engine
from search.engine_bruteforce import BruteForceEngine
from search.engine_postgres import PostgresEngine
from search.engine_whoosh import WhooshEngine
from tests.postgres import Server
from tests.search import corpus

Open = Callable[..., PostgresEngine]
#: Engines that keep what they are given, by name.
REAL = ("whoosh", pytest.param("postgres", marks=pytest.mark.postgres))


@contextmanager
def schema(server: Server) -> Iterator[Open]:
    """Opens engines over one and the same new schema."""
    name = f"search_{secrets.token_hex(4)}"
    opened: list[PostgresEngine] = []

    def open_(**options: float) -> PostgresEngine:
        opened.append(PostgresEngine(server.url, name, **options))
        return opened[-1]

    try:
        yield open_
    finally:
        for engine in opened:
            engine.close()
        with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())


@pytest.fixture
def opened(postgres: Server) -> Iterator[Open]:
    """`opened()`: an engine on a PostgreSQL schema of this test alone; each call another engine on the same one."""
    with schema(postgres) as made:
        yield made


@pytest.fixture(params=["bruteforce", *REAL])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty engine."""
    made: Engine
    if request.param == "postgres":
        made = request.getfixturevalue("opened")()
    elif request.param == "whoosh":
        made = WhooshEngine(tmp_path / "index", fsync=False)
    else:
        made = BruteForceEngine()
    yield made
    made.close()


@pytest.fixture(scope="module", params=REAL)
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Engine]]:
    """`real()`: another index of an engine, for tests with many examples."""
    with ExitStack() as stack:

        def made() -> Engine:
            if request.param == "whoosh":
                return WhooshEngine(tmp_path_factory.mktemp("index"), fsync=False)
            return stack.enter_context(schema(request.getfixturevalue("postgres")))()

        yield made


@pytest.fixture
def office(engine: Engine) -> Engine:
    """An engine with the corpus, written in several commits so that there are several segments."""
    made = corpus.entries()
    for at in range(0, len(made), 9):
        engine.write(made[at : at + 9])
    return engine
