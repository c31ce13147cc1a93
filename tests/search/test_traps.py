"""The seven ways in which Whoosh and its forks leak or fail, kept out for good."""

from __future__ import annotations

import ast
import multiprocessing
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import search
from search import engine_whoosh_store as store
from search.engine import Access, Busy, Entry
from search.engine_whoosh import WhooshEngine
from tests.search.corpus import CHIEF, entries

FACETS = ("kind", "unit")


@pytest.fixture
def engine(tmp_path: Path) -> WhooshEngine:
    made = WhooshEngine(tmp_path / "index")
    made.write(entries())
    return made


def test_1_an_empty_permission_is_nothing_not_everything(
    engine: WhooshEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engine_whoosh_view.View.postings", None)  # nothing may be looked up at all
    for access in (Access(4, frozenset()), replace(CHIEF, hidden=frozenset(range(1, 41)))):
        result = engine.search("食堂", access, facets=FACETS)
        assert (result.total, result.hits, result.facets) == (0, [], {})


def test_2_totals_count_after_permission_and_filters(engine: WhooshEngine) -> None:
    assert engine.search("食堂", CHIEF, {"unit": ["没有这个处"]}).total == 0
    assert engine.search("食堂", CHIEF, {"没有": ["这个"]}).total == 0
    public = Access(0, frozenset({"all"}))
    right = [e for e in entries() if public.permits(e) and "食堂" in e.title + e.text]
    assert engine.search("食堂", public).total == len(right)


def test_3_other_processes_see_new_versions_with_their_new_permission(
    engine: WhooshEngine, tmp_path: Path
) -> None:
    reader = WhooshEngine(tmp_path / "index")
    public = Access(0, frozenset({"all"}))
    entry = Entry(500, "notice", "", "公告", "人人可读", 0, frozenset({"all"}))
    engine.write([entry])
    assert reader.search("人人可读", public).total == 1
    engine.write([replace(entry, level=3)])
    assert reader.search("人人可读", public).total == 0
    assert reader.search("人人可读", CHIEF).total == 1
    engine.write([], [500])
    assert reader.search("人人可读", CHIEF).total == 0
    assert reader.suggest("公告", CHIEF) == []


def test_4_and_5_neither_collectors_nor_the_query_parser_nor_searchers_are_used() -> None:
    folder = Path(search.__file__).parent
    for path in folder.glob("*.py"):
        names = {
            (node.module or "", alias.name)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        used = {module for module, _ in names if module.split(".")[0] == "whoosh"}
        assert not used or path.name == "engine_whoosh_store.py"
        assert not used & {"whoosh.qparser", "whoosh.collectors", "whoosh.searching", "whoosh.query"}


@pytest.mark.parametrize(
    "typed",
    [
        "text:保密",
        "*",
        "管理*",
        "/.*/",
        "(" * 2000,
        " OR ".join(["食堂"] * 3000),
        "[a TO z]",
        "食堂^9~2",
        "\\",
        "NOT",
    ],
)
def test_5_typed_syntax_reaches_nothing_and_costs_nothing(engine: WhooshEngine, typed: str) -> None:
    before = time.thread_time()
    engine.search(typed, CHIEF)
    assert time.thread_time() - before < 1
    assert engine.search("level:* 食堂", Access(0, frozenset({"all"}))).total <= 3


def test_6_segments_are_not_mapped(tmp_path: Path) -> None:
    assert store.storage(tmp_path).supports_mmap is False


def _write_some(folder: Path, start: int) -> None:
    engine = WhooshEngine(folder)
    for number in range(start, start + 4):
        engine.write([Entry(number, "notice", "", f"标题{number}", "同时写入", 0, frozenset({"all"}))])


def test_7_writers_of_several_processes_and_threads_wait_for_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_some, args=(folder, at)) for at in (100, 200)]
    threads = [threading.Thread(target=_write_some, args=(folder, at)) for at in (300, 400)]
    for one in (*processes, *threads):
        one.start()
    for one in (*processes, *threads):
        one.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert WhooshEngine(folder).search("同时写入", CHIEF).total == 16


def test_7_a_writer_gives_up_after_its_time_and_changes_nothing(engine: WhooshEngine, tmp_path: Path) -> None:
    hasty = WhooshEngine(tmp_path / "index", timeout=0.05)
    with engine._home.locked("write.lock"), pytest.raises(Busy):
        hasty.write([], [1])
    assert engine.count() == 40


def test_the_folder_is_closed_to_others(engine: WhooshEngine, tmp_path: Path) -> None:
    folders = [path for path in (tmp_path / "index", *(tmp_path / "index").rglob("*")) if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert any(re.fullmatch(r"g\d+", path.name) for path in folders)
