"""kill -9 at every step of a write, a rebuild, its going on, its swap and a purge: the index answers, and what was said to be
written is there. What was not yet said is whole or not there at all, and can be done again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search import engine_whoosh
from search.engine import Entry
from search.engine_whoosh import WhooshEngine
from tests import killed
from tests.search.corpus import CHIEF, entries

FIRST = entries()[:12]
CHANGED = [
    replace(FIRST[0], title="食堂改过的", text="zzfresh", updated=99),
    replace(FIRST[1], id=50, title="新的"),
]
GONE = 3


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_whoosh, "STEP", 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def opened(folder: Path) -> WhooshEngine:
    return WhooshEngine(folder, fsync=False)


def again(folder: Path, prepared: Path) -> WhooshEngine:
    """The index as it was prepared."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(prepared, folder)
    return opened(folder)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Twelve entries in two segments; the first holds a word that is to go."""
    engine = opened(tmp_path / "whole")
    engine.write([replace(FIRST[0], text="zzold"), *FIRST[1:6]])
    engine.write(FIRST[6:])
    return tmp_path / "whole"


@pytest.fixture
def resting(whole: Path) -> Path:
    """The same with a rebuild that was killed when it had put eight away, and a write since."""

    def begin() -> None:
        def rows(_number: int) -> Iterator[Entry]:
            yield from [replace(FIRST[0], text="zzold"), *FIRST[1:9]]
            os._exit(0)

        opened(whole).rebuild(rows)

    killed.run(begin, whole, 10**9)
    engine = opened(whole)
    assert engine.building() == 8
    engine.write(CHANGED, [GONE])
    return whole


def state(engine: WhooshEngine) -> dict[int, str]:
    found = engine.search("", CHIEF, limit=100)
    titles = {hit.id: "".join(text for text, _ in hit.title) for hit in found.hits}
    assert found.total == len(titles) == engine.count()
    return titles


OLD = {entry.id: entry.title for entry in FIRST}
NEW = {number: title for number, title in OLD.items() if number != GONE} | {e.id: e.title for e in CHANGED}


def after(rows: list[Entry]) -> Callable[[int], Iterator[Entry]]:
    return lambda number: iter([entry for entry in rows if entry.id > number])


NOW = sorted([entry for entry in FIRST if entry.id not in (GONE, 1)] + CHANGED, key=lambda entry: entry.id)


def holds(folder: Path, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_write_is_made_whole_or_not_at_all(folder: Path, whole: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"

    def act() -> None:
        opened(folder).write(CHANGED, [GONE])
        said.touch()

    engine, seen = again(folder, whole), []
    for _ in killed.everywhere(act, folder):
        found = state(engine)
        assert found in (OLD, NEW)
        assert found == NEW or not said.exists()
        seen.append(found == NEW)
        engine.write(CHANGED, [GONE])  # what was promised is done again
        assert state(engine) == NEW
        engine.purge()
        assert not holds(folder, b"zzold")
        engine = again(folder, whole)
    assert state(opened(folder)) == NEW
    assert said.exists()
    assert len(seen) > 15
    assert set(seen) == {True, False}


def test_a_rebuild_goes_on_and_loses_nothing_that_is_written_meanwhile(
    folder: Path, whole: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"

    def rows(number: int) -> Iterator[Entry]:
        for entry in after(FIRST)(number):
            if entry.id == 7:
                opened(folder).write(CHANGED, [GONE])
                said.touch()
            yield entry

    def going_on(number: int) -> Iterator[Entry]:
        asked.append(number)
        return after(NOW)(number)

    engine, asked = again(folder, whole), []
    for _ in killed.everywhere(lambda: opened(folder).rebuild(rows) and None, folder):
        found = state(engine)
        assert found in (OLD, NEW)
        assert found == NEW or not said.exists()
        engine.write(CHANGED, [GONE])  # the row in the outbox, if it was not said
        assert engine.rebuild(going_on) == len(NEW)
        assert state(engine) == state(opened(folder)) == NEW
        engine.purge()
        assert not holds(folder, b"zzold")
        assert len(list(folder.glob("g*"))) == 1
        engine = again(folder, whole)
        said.unlink(missing_ok=True)
    assert state(opened(folder)) == NEW
    assert len(asked) > 60
    assert {0, 8, 12} <= set(asked)


def test_going_on_may_itself_be_killed(folder: Path, resting: Path) -> None:
    engine, steps = again(folder, resting), 0
    for step in killed.everywhere(lambda: opened(folder).rebuild(after(NOW)) and None, folder):
        steps = step
        assert state(engine) == NEW
        engine.rebuild(after(NOW))
        assert state(engine) == NEW
        engine = again(folder, resting)
    assert state(engine) == NEW
    assert steps > 30


def test_a_purge_that_is_killed_has_taken_nothing_that_lives_and_is_done_again(
    folder: Path, resting: Path
) -> None:
    assert holds(resting, b"zzold")
    engine, steps = again(folder, resting), 0
    for step in killed.everywhere(lambda: opened(folder).purge(), folder):
        steps = step
        assert state(engine) == NEW
        engine.purge()
        assert not holds(folder, b"zzold")
        engine.rebuild(after(NOW))
        assert state(engine) == NEW
        engine = again(folder, resting)
    assert not holds(folder, b"zzold")
    assert steps > 20


def test_the_very_first_opening_may_be_killed(folder: Path) -> None:
    for _ in killed.everywhere(lambda: opened(folder).count() and None, folder):
        engine = opened(folder)
        engine.write(FIRST)
        assert state(engine) == OLD
        assert len(list(folder.glob("g*"))) == 1
        shutil.rmtree(folder)
    assert opened(folder).count() == 0
