"""Engines under test. Every test that takes `engine` runs once for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search.engine import Engine
from search.engine_bruteforce import BruteForceEngine
from search.engine_whoosh import WhooshEngine
from tests.search import corpus


@pytest.fixture(params=["bruteforce", "whoosh"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty engine."""
    made: Engine = (
        BruteForceEngine() if request.param == "bruteforce" else WhooshEngine(tmp_path / "index", fsync=False)
    )
    yield made
    made.close()


@pytest.fixture
def office(engine: Engine) -> Engine:
    """An engine with the corpus, written in several commits so that there are several segments."""
    made = corpus.entries()
    for at in range(0, len(made), 9):
        engine.write(made[at : at + 9])
    return engine
