"""What only the engine on PostgreSQL has: several hosts, connections that die, generations of tables, entries too big for one vector."""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import engine_postgres_ask, engine_postgres_terms
from search.engine import Access, Busy, Damaged, Engine, Entry, SearchError, Unreachable
from search.engine_postgres import PostgresEngine
from search.engine_postgres_link import Connection
from search.engine_postgres_look import Look
from tests.postgres import Server
from tests.search.conftest import Open, schema
from tests.search.corpus import CHIEF, entries, everything
from tests.search.test_properties import agrees

pytestmark = pytest.mark.postgres


@pytest.fixture
def engine(opened: Open) -> PostgresEngine:
    made = opened()
    made.write(entries())
    return made


@pytest.fixture
def server(postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    """A way to the same database beside the engine."""
    with psycopg.connect(postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _name(engine: PostgresEngine, table: str) -> str:
    with engine._tables.reading() as (_, state):
        return engine._tables.sql(table, state.current.number)


# ------------------------------------------------------------------------------------------------------- permission


def test_an_empty_permission_asks_for_no_entry(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "run", None)
    result = engine.search("食堂", Access(4, frozenset()), facets=["kind"])
    assert (result.total, result.hits, result.facets) == (0, [], {})


def test_who_sees_nothing_is_told_before_anything_is_looked_for(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "pick", None)
    for access in (replace(CHIEF, hidden=frozenset(range(1, 41))), Access(4, frozenset({"unit:别处"}))):
        assert engine.search("食堂", access, facets=["kind"]).total == 0


def test_every_statement_that_looks_for_entries_has_the_permission_in_it(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = Look.run

    def run(self: Look, statement: str, values: Any = ()) -> Any:
        asked.append(statement)
        return real(self, statement, values)

    monkeypatch.setattr(Look, "run", run)
    access = replace(CHIEF, hidden=frozenset({2}))
    for query in ("食堂 通知 联系人", '"菜谱" -通知', "后情", "eletric hq", "号 第", "编号:2022 x"):
        engine.search(query, access, {"unit": ["后勤处"]}, ("kind", "unit"), now=9)
        engine.suggest(query, access)
    by_words = [s for s in asked if "@@" in s and "ANY(%s::bigint[])" not in s]
    assert len(by_words) > 20
    for statement in by_words:
        assert all(part in statement for part in (".level <=", ".labels &&", ".id NOT IN (SELECT unnest"))


def test_nothing_that_is_typed_gets_into_a_statement_or_an_error(engine: PostgresEngine) -> None:
    for typed in (
        "'; DROP SCHEMA search",
        "{entry} %s %(x)s",
        "a\\'b:*",
        "\\",
        "' | 'x':*",
        "$$",
        "\0食堂\ud800",
    ):
        for query in (typed, f'"{typed}"', f"-{typed}", f"编号:{typed}", f"单位:{typed}"):
            engine.search(query, CHIEF, {"unit": [typed]}, ["unit"])
        engine.suggest(typed, CHIEF)
        engine.search("食堂", Access(4, frozenset({typed})))
    with pytest.raises(SearchError) as raised, engine.snapshot() as snap:
        snap.run("SELECT %s::integer", ["机密的题名"])  # type: ignore[attr-defined]
    assert "机密" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert engine.count() == 40


# ----------------------------------------------------------------------------------------------------- several hosts


def test_what_one_host_writes_the_others_find_at_once_with_its_new_permission(opened: Open) -> None:
    here, there = opened(), opened()
    public = Access(0, frozenset({"all"}))
    entry = Entry(500, "notice", "", "公告", "人人可读", 0, frozenset({"all"}), {"unit": ("新处",)})
    here.write([entry])
    before = there.search("人人可读", public, facets=["unit"])
    assert (before.total, before.facets["unit"]) == (1, [("新处", 1)])
    here.write([replace(entry, level=3)])
    after = there.search("人人可读", public)
    assert after.total == 0
    assert after.generation != before.generation
    there.write([], [500])
    assert here.count() == there.count() == 0
    assert here.suggest("公告", CHIEF) == []


def _write_some(url: str, name: str, start: int) -> None:
    engine = PostgresEngine(url, name)
    for number in range(start, start + 4):
        engine.write(
            [Entry(number, "notice", "", f"标题{number}", "同时写入", 0, frozenset({"all", str(number)}))]
        )
    engine.close()


def test_writers_of_several_processes_and_threads_wait_for_each_other(postgres: Server, opened: Open) -> None:
    name = opened()._tables._schema
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_some, args=(postgres.url, name, at)) for at in (100, 200)]
    threads = [threading.Thread(target=_write_some, args=(postgres.url, name, at)) for at in (300, 400)]
    for one in (*processes, *threads):  # none of them has found a schema: all of them make it
        one.start()
    for one in (*processes, *threads):
        one.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert opened().search("同时写入", CHIEF).total == opened().count() == 16


def test_a_writer_gives_up_after_its_time_and_changes_nothing(engine: PostgresEngine, opened: Open) -> None:
    hasty = opened(timeout=0.05)
    with engine._tables.writing(), pytest.raises(Busy):
        hasty.write([], [1])
    assert engine.count() == 40


def test_readers_meet_only_whole_writes_and_whole_generations(engine: PostgresEngine, opened: Open) -> None:
    stop, wrong = threading.Event(), []

    def read() -> None:
        mine = opened()
        while not stop.is_set():
            result = mine.search("食堂", CHIEF, facets=["kind"], limit=3)
            if (result.total, len(result.hits)) != (5, 3):
                wrong.append(result)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_ in range(8):
        engine.write([replace(entry, updated=round_) for entry in entries()[:10]])
    engine.rebuild(everything)
    engine.purge()
    engine.rebuild(everything)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert engine.count() == 40


# ------------------------------------------------------------------------------------------------------- connections


def test_a_connection_that_the_server_has_cut_is_made_anew(
    engine: PostgresEngine, server: psycopg.Connection[Any]
) -> None:
    for ask in (lambda: engine.search("食堂", CHIEF).total, lambda: engine.write([], [77])):
        cut = server.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE application_name = 'intranet-search'"
        ).fetchone()
        assert cut is not None
        assert cut[0] >= 1
        ask()
    assert engine.search("食堂", CHIEF).total == 5


def test_a_server_that_is_not_there_is_said_to_be_so(postgres: Server, tmp_path: Any) -> None:
    engine = PostgresEngine(f"postgresql+psycopg://nobody@/postgres?host={tmp_path}")
    for ask in (
        engine.count,
        lambda: engine.search("食堂", CHIEF),
        lambda: engine.write([], [1]),
        engine.building,
    ):
        with pytest.raises(Unreachable):
            ask()


def test_the_child_of_a_fork_has_connections_of_its_own(engine: PostgresEngine) -> None:
    assert engine.search("食堂", CHIEF).total == 5
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.search("电梯", CHIEF).total == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.search("电梯", CHIEF).total == 5


def test_an_error_gives_the_connection_back(engine: PostgresEngine, server: psycopg.Connection[Any]) -> None:
    for _ in range(12):
        with pytest.raises(ZeroDivisionError), engine.snapshot():
            raise ZeroDivisionError
        with pytest.raises(SearchError), engine.snapshot() as snap:
            snap.run("SELECT 1 / 0")  # type: ignore[attr-defined]
    mine = server.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'intranet-search'")
    assert mine.fetchone()[0] <= 2  # type: ignore[index]


def test_a_database_of_another_encoding_is_refused(postgres: Server, server: psycopg.Connection[Any]) -> None:
    server.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with pytest.raises(SearchError, match="UTF8"):
            PostgresEngine(postgres.url.replace("/postgres?", "/latin?")).count()
    finally:
        server.execute("DROP DATABASE latin")


def test_the_name_of_the_schema_is_a_plain_one(postgres: Server) -> None:
    for name in ("", "Search", "s; drop", "x" * 50, "1s"):
        with pytest.raises(ValueError, match="schema"):
            PostgresEngine(postgres.url, name)


# ------------------------------------------------------------------------------------------------------- statements


def _plan(connection: Connection, statement: str, values: Any) -> str:
    """The plan for whatever values, as the engine has it made."""
    places = iter(range(1, len(values) + 1))
    numbered = re.sub("%s", lambda _found: f"${next(places)}", statement)
    connection.execute(f"PREPARE looked AS {numbered}".encode())
    found = psycopg.ClientCursor(connection).execute(
        f"EXPLAIN EXECUTE looked ({', '.join(['%s'] * len(values))})".encode(), values
    )
    plan = "\n".join(row[0] for row in found)
    connection.execute("DEALLOCATE looked")
    return plan


def test_the_words_of_a_question_are_looked_up_in_the_index(
    opened: Open, server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    many = [replace(entry, id=entry.id + 100 * n) for n in range(40) for entry in entries()]
    engine.rebuild(lambda last: sorted((e for e in many if e.id > last), key=lambda e: e.id))
    plans: list[str] = []
    real = Look.run

    def run(self: Look, statement: str, values: Any = ()) -> Any:
        if "{entry} e WHERE e.terms @@" in statement:
            plans.append(_plan(self._connection, self._tables.sql(statement, self._number), values))
        return real(self, statement, values)

    monkeypatch.setattr(Look, "run", run)
    for query in ("食堂", "食堂 通知", '"公布菜谱"', "mx-3000", "houqin", "涉密 食堂 电梯 盘点 留样", "食"):
        engine.search(query, CHIEF)
    engine.suggest("食堂", CHIEF)
    assert len(plans) >= 8
    for plan in plans:
        assert "_terms" in plan, plan
        assert "Seq Scan on entry" not in plan, plan


def test_a_search_takes_twelve_statements(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.search("食堂", CHIEF)
    asked: list[str] = []
    real = Connection.execute

    def execute(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        asked.append(query)
        return real(self, query, *values, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    assert engine.search("食堂", CHIEF, {"kind": ["notice"]}, ("kind", "unit", "year"), now=1).total == 1
    # begin, state, lock; may see any, rarity, facets, entries by words and by number, weights; heads, texts; commit
    assert len(asked) == 12
    asked.clear()
    engine.suggest("食堂", CHIEF)
    assert len(asked) == 6


# ------------------------------------------------------------------------------------------------------- generations


def test_what_is_written_during_a_rebuild_is_kept_and_search_stays_up(
    engine: PostgresEngine, opened: Open
) -> None:
    other, old = opened(), _name(engine, "{entry}")

    def stale(_last: int) -> Iterator[Entry]:
        yield from entries()[:20]
        assert other.search("食堂", CHIEF).total == 5
        other.write([replace(entries()[0], text="重建期间写入")], [2])
        other.write([replace(entries()[0], id=99, title="新的")])
        yield from entries()[20:]

    assert engine.rebuild(stale) == 40
    for one in (engine, other):
        assert one.search("重建期间写入", CHIEF).total == 1
        assert one.count() == 40
        assert 2 not in dict(one.ids())
    assert _name(other, "{entry}") != old


def test_of_two_rebuilds_at_once_the_second_gives_up(engine: PostgresEngine, opened: Open) -> None:
    hasty = opened(timeout=0.05)

    def meanwhile(_last: int) -> Iterator[Entry]:
        yield from entries()[:20]
        with pytest.raises(Busy):
            hasty.rebuild(everything)
        with pytest.raises(Busy):
            hasty.purge()
        yield from entries()[20:]

    assert engine.rebuild(meanwhile) == 40
    assert hasty.rebuild(everything) == 40


def test_entries_for_a_rebuild_must_ascend(engine: PostgresEngine) -> None:
    with pytest.raises(ValueError, match="ascending"):
        engine.rebuild(lambda _last: reversed(entries()))
    assert engine.building() is None
    assert engine.count() == 40


def test_a_generation_that_somebody_reads_stays_until_it_is_not_read(
    engine: PostgresEngine, server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engine_postgres._PATIENTLY", 0.05)
    old = _name(engine, "{entry}")

    def there() -> bool:
        return server.execute("SELECT to_regclass(%s) IS NOT NULL", [old]).fetchone() == (True,)

    engine.write([], [1])
    with engine.snapshot() as snap:
        engine.rebuild(everything)
        engine.write([], [1])
        assert there()
        assert len(snap.stored([2, 3])) == 2
        with pytest.raises(Busy):
            engine.purge()
    engine.write([], [2])
    assert not there()


def test_a_table_that_is_gone_is_damage_and_a_rebuild_mends_it(
    engine: PostgresEngine, server: psycopg.Connection[Any]
) -> None:
    server.execute(f"DROP TABLE {_name(engine, '{entry}')}".encode())
    for ask in (engine.count, lambda: engine.search("食堂", CHIEF), lambda: engine.write(entries()[:1])):
        with pytest.raises(Damaged):
            ask()
    assert engine.rebuild(everything) == 40
    assert engine.search("食堂", CHIEF).total == 5


def test_an_index_of_an_older_version_is_damage_and_a_rebuild_mends_it(
    engine: PostgresEngine, opened: Open, server: psycopg.Connection[Any]
) -> None:
    name = engine._tables.sql("{generation}")
    server.execute(f"UPDATE {name} SET format = 0; ALTER TABLE {name} DROP COLUMN words".encode())
    newer = opened()
    with pytest.raises(Damaged):
        newer.search("食堂", CHIEF)
    assert newer.rebuild(everything) == 40
    assert newer.search("食堂", CHIEF).total == 5


def test_a_schema_that_is_made_anew_has_other_numbers(
    engine: PostgresEngine, server: psycopg.Connection[Any]
) -> None:
    assert engine.search("食堂", CHIEF, facets=["unit"]).facets["unit"]
    server.execute(f"DROP SCHEMA {engine._tables._schema} CASCADE".encode())
    assert engine.count() == 0
    engine.write([replace(entries()[0], facets={"unit": ("另一处",)})])
    assert engine.search("食堂", CHIEF, facets=["unit"]).facets["unit"] == [("另一处", 1)]


# ------------------------------------------------------------------------------------------------------------- purge


@pytest.fixture
def standing(engine: PostgresEngine, server: psycopg.Connection[Any]) -> Callable[[str], bool]:
    """Whether a word stands in any file of the index, also where nothing refers to it any more."""

    def look(word: str) -> bool:
        server.execute("CHECKPOINT")
        files = server.execute(
            "SELECT pg_relation_filepath(c.oid) FROM pg_class c WHERE pg_relation_filepath(c.oid) IS NOT NULL AND"
            " (c.relnamespace = %(s)s::regnamespace OR c.oid IN (SELECT reltoastrelid FROM pg_class"
            " WHERE relnamespace = %(s)s::regnamespace) OR c.relname = 'pg_statistic')",
            {"s": engine._tables._schema},
        )
        found = (
            server.execute("SELECT pg_read_binary_file(%s)", file).fetchone() for file in files.fetchall()
        )
        return any(word.encode() in row[0] for row in found if row)

    return look


def test_purged_words_stand_in_no_file(engine: PostgresEngine, standing: Callable[[str], bool]) -> None:
    first, *others = entries()
    engine.write([replace(first, title="zzwithdrawn", text="zzwithdrawn " * 200, names=("zzwithdrawn",))])
    engine.write([first])
    assert standing("zzwithdrawn")
    engine.purge()
    assert not standing("zzwithdrawn")
    assert engine.count() == 40
    assert engine.search("食堂", CHIEF).total == 5
    old = _name(engine, "{entry}")
    engine.purge()  # nothing is dead: nothing is written again
    assert _name(engine, "{entry}") == old
    engine.write(others[:1])
    engine.purge()
    assert _name(engine, "{entry}") != old


def test_a_rebuild_that_rests_keeps_no_purged_words_and_goes_on(
    engine: PostgresEngine, standing: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engine_postgres_build.STEP", 7)
    rows = {entry.id: entry for entry in entries()} | {9: replace(entries()[8], text="zzwithdrawn")}
    asked: list[int] = []

    def until(end: int) -> Callable[[int], Iterator[Entry]]:
        def after(last: int) -> Iterator[Entry]:
            asked.append(last)
            for number in sorted(rows):
                if number > end:
                    raise KeyboardInterrupt
                if number > last:
                    yield rows[number]

        return after

    engine.write([rows[9]])
    with pytest.raises(KeyboardInterrupt):
        engine.rebuild(until(30))
    rows[9] = replace(rows[9], text="", updated=3)
    engine.write([rows[9]])
    engine.purge()
    assert not standing("zzwithdrawn")
    assert engine.building() == 27
    engine.rebuild(until(99))
    assert asked == [0, 28]
    assert dict(engine.ids()) == {entry.id: entry.updated for entry in rows.values()}
    assert not standing("zzwithdrawn")


def test_others_write_while_a_purge_goes_on(engine: PostgresEngine, opened: Open) -> None:
    engine.write([], [1])
    rounds: list[int] = []

    def between() -> None:
        rounds.append(len(rounds))
        opened().write([replace(entries()[1], text="期间写入", updated=len(rounds))], [3])

    engine._tables._timeout = 5
    slow = engine._link.alone

    def slowed() -> Any:
        return _Slow(slow())

    engine._link.alone = slowed  # type: ignore[method-assign]
    engine.purge(between)
    assert rounds
    assert engine.search("期间写入", CHIEF).total == 1
    assert engine.count() == 38


class _Slow:
    """A connection on which copying the living rows takes half a second."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __enter__(self) -> Any:
        connection = self._real.__enter__()
        real = connection.execute

        def execute(query: Any, *values: Any, **options: Any) -> Any:
            if isinstance(query, str) and query.startswith("INSERT INTO") and "ORDER BY id" in query:
                real("SELECT pg_sleep(0.6)")
            return real(query, *values, **options)

        connection.execute = execute
        return connection

    def __exit__(self, *error: object) -> Any:
        return self._real.__exit__(*error)


# --------------------------------------------------------------------------------------- what is seldom, answers alike


@pytest.fixture(scope="module", params=["several vectors", "long questions", "both"])
def seldom(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Engine]:
    """Entries that one vector cannot hold, and questions too long to be written out: here nearly all of them."""
    with pytest.MonkeyPatch.context() as patch, schema(postgres) as opened:
        if request.param != "long questions":
            patch.setattr(engine_postgres_terms, "VECTOR", 200)
        if request.param != "several vectors":
            patch.setattr(engine_postgres_ask, "WRITTEN_OUT", 2)
        yield opened()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_seldom_equals_brute_force_too(seldom: Engine, data: st.DataObject) -> None:
    agrees(seldom, data)


def test_an_entry_of_a_whole_book_is_found_by_any_of_its_words(opened: Open) -> None:
    engine = opened()
    numbers = " ".join(f"{n * 7919:07}x" for n in range(60_000))
    book = Entry(
        1, "resource", "", "全年流水", numbers + " 末页盖章 " + "abcdefghij" * 12, 0, frozenset({"all"})
    )
    engine.write([book, replace(entries()[0], id=2)])
    with engine._tables.reading() as (_, state):
        assert state.current.wide
    for query in (
        "0007919x",
        "475132081x"[-6:],
        "末页盖章",
        '"末页盖章"',
        "cdefghij" + "abcdefghij" * 3,
        "流水 末页",
    ):
        assert [hit.id for hit in engine.search(query, CHIEF, limit=1).hits] == [1], query
    assert [hit.id for hit in engine.search("全年 -末页盖章", CHIEF).hits] == []
    assert engine.search('"盖章末页"', CHIEF).total == 0
    engine.rebuild(lambda last: [] if last else [book])
    assert engine.search("末页盖章", CHIEF).total == 1
    engine.write([], [1])
    assert engine.count() == 0
