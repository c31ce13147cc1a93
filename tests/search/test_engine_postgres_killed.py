"""kill -9 before every statement of a write and a rebuild, every other one of its going on and of a purge: the index answers, and what
was said to be written is there. What was not yet said is whole or not there at all, and can be done again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from search.engine import Entry
from search.engine_postgres import PostgresEngine
from tests.postgres import Server
from tests.search.conftest import Open, schema
from tests.search.corpus import CHIEF, entries

pytestmark = pytest.mark.postgres

FIRST = entries()[:6]
CHANGED = [
    replace(FIRST[0], title="食堂改过的", text="zzfresh", updated=99),
    replace(FIRST[1], id=50, title="新的"),
]
GONE = 3
OLD = {entry.id: entry.title for entry in FIRST}
NEW = {number: title for number, title in OLD.items() if number != GONE} | {e.id: e.title for e in CHANGED}
NOW = sorted([entry for entry in FIRST if entry.id not in (GONE, 1)] + CHANGED, key=lambda entry: entry.id)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.engine_postgres_build.STEP", 2)


def _run(act: Callable[[], object], step: int) -> bool:
    """Do it in a child that is killed before its `step`-th statement (from 1). Whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(real: Any) -> Any:
            def call(*values: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*values, **options)

            return call

        for name in ("execute", "copy"):
            setattr(psycopg.Cursor, name, counted(getattr(psycopg.Cursor, name)))
        try:
            act()
        except BaseException:  # noqa: BLE001  whatever it is, the parent must not go on in the child
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0, "the child failed by itself"
    return True


def _everywhere(
    make: Callable[[], AbstractContextManager[Open]],
    prepare: Callable[[PostgresEngine], object],
    act: Callable[[PostgresEngine], object],
    stride: int = 1,
) -> Iterator[tuple[PostgresEngine, bool]]:
    """An engine for each statement before which the act was killed, prepared as told; True with the one where it was not.
    `stride`: of so many statements one."""
    step, done = 1, False
    while not done:
        with make() as opened:
            engine = opened()
            prepare(engine)
            done = _run(lambda: act(opened()), step)
            yield engine, done
        step += stride


@pytest.fixture
def make(postgres: Server) -> Callable[[], AbstractContextManager[Open]]:
    return lambda: schema(postgres)


def after(rows: list[Entry]) -> Callable[[int], Iterator[Entry]]:
    return lambda number: iter([entry for entry in rows if entry.id > number])


def _resting(engine: PostgresEngine) -> None:
    """With a rebuild that was cut off when it had put four away, and a write since."""
    engine.write(FIRST)

    def rows(_number: int) -> Iterator[Entry]:
        yield from FIRST[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.rebuild(rows)
    assert engine.building() == 4
    engine.write(CHANGED, [GONE])


def state(engine: PostgresEngine) -> dict[int, str]:
    found = engine.search("", CHIEF, limit=100)
    titles = {hit.id: "".join(text for text, _ in hit.title) for hit in found.hits}
    assert found.total == len(titles) == engine.count()
    return titles


def test_a_write_is_made_whole_or_not_at_all(make: Callable[[], AbstractContextManager[Open]]) -> None:
    seen = []
    for engine, done in _everywhere(make, lambda e: e.write(FIRST), lambda e: e.write(CHANGED, [GONE])):
        found = state(engine)
        assert found == (NEW if done else OLD)
        seen.append(done)
        engine.write(CHANGED, [GONE])  # what was promised is done again
        assert state(engine) == NEW
        assert engine.search("zzfresh", CHIEF).total == 1
    assert len(seen) > 12


def test_a_rebuild_goes_on_and_loses_nothing_that_is_written_meanwhile(
    make: Callable[[], AbstractContextManager[Open]], tmp_path: Any
) -> None:
    said = tmp_path / "said"
    asked: list[int] = []

    def rebuild(engine: PostgresEngine) -> None:
        def rows(number: int) -> Iterator[Entry]:
            for entry in after(FIRST)(number):
                if entry.id == 5:
                    engine.write(CHANGED, [GONE])
                    said.touch()
                yield entry

        engine.rebuild(rows)

    def going_on(number: int) -> Iterator[Entry]:
        asked.append(number)
        return after(NOW)(number)

    for engine, done in _everywhere(make, lambda e: e.write(FIRST), rebuild):
        found = state(engine)
        assert found in (OLD, NEW)
        assert found == NEW or not said.exists()
        engine.write(CHANGED, [GONE])  # the row in the outbox, if it was not said
        if not done:
            assert engine.rebuild(going_on) == len(NEW)
        assert state(engine) == NEW
        assert engine.building() is None
        said.unlink(missing_ok=True)
    assert {0, 4, 6} <= set(asked)


def test_going_on_and_a_purge_beside_it_may_be_killed_too(
    make: Callable[[], AbstractContextManager[Open]],
) -> None:
    acts = [lambda e: e.purge(), lambda e: e.rebuild(after(NOW))]
    for act in acts:
        for engine, _done in _everywhere(make, _resting, act, stride=2):
            assert state(engine) == NEW
            if act is acts[0]:
                engine.purge()
                assert state(engine) == NEW
            assert engine.rebuild(after(NOW)) == len(NEW)
            assert state(engine) == NEW
            with engine._tables.looking() as (_, found):
                assert [one.role for one in found.generations] == ["current"]
