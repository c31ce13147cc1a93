"""Threads, processes, rebuilds, crashes, and what only this engine has."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search import engine_whoosh, engine_whoosh_merge, engine_whoosh_store
from search.engine import Busy, Damaged, Entry
from search.engine_whoosh import WhooshEngine
from tests.search.corpus import CHIEF, entries, everything


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_readers_meet_only_whole_commits(folder: Path) -> None:
    engine = WhooshEngine(folder)
    engine.write(entries())
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            total = engine.search("食堂", CHIEF, facets=["kind"], limit=3).total
            if total != 5:
                wrong.append(total)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_ in range(12):
        engine.write([replace(entry, updated=round_) for entry in entries()[:10]])
    engine.rebuild(everything)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert engine.count() == 40


def test_segments_stay_few_and_half_deleted_ones_are_written_again(folder: Path) -> None:
    engine = WhooshEngine(folder)
    for entry in entries():
        engine.write([entry])
    for entry in entries():
        engine.write([replace(entry, text="换了内容")])
    _, segments = engine_whoosh_store.segments(next(folder.glob("g*")))
    assert len(segments) <= 16
    assert engine.search("换了内容", CHIEF).total == 40
    text = b"".join(path.read_bytes() for path in folder.rglob("*.folded.col"))
    assert text.count("换了内容".encode()) <= 80


def test_what_is_written_during_a_rebuild_is_kept(folder: Path) -> None:
    engine, other = WhooshEngine(folder), WhooshEngine(folder)
    engine.write(entries())
    old = engine._home.current()

    def stale() -> Iterator[Entry]:
        yield from entries()[:20]
        assert other.search("食堂", CHIEF).total == 5  # search stays up
        other.write([replace(entries()[0], text="重建期间写入")], [2])
        yield from entries()[20:]

    engine.rebuild(lambda _after: stale())
    for one in (engine, other):
        assert one.search("重建期间写入", CHIEF).total == 1
        assert one.count() == 39
    assert engine._home.current() != old
    other.write([], [3])
    assert not old.exists(), "nobody reads it any more"
    assert not (folder / "journal").exists()


def test_a_failing_rebuild_leaves_everything_as_it_was(folder: Path) -> None:
    engine = WhooshEngine(folder)
    engine.write(entries())

    def broken() -> Iterator[Entry]:
        yield entries()[0]
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError):
        engine.rebuild(lambda _after: broken())
    engine.write([], [1])
    assert engine.count() == 39
    assert not (folder / "journal").exists()
    assert len(list(folder.glob("g*"))) == 1


def test_more_than_one_segment_in_one_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_whoosh_store, "MAX_DOCS", 7)
    engine = WhooshEngine(folder)
    engine.write(entries())
    engine.write(entries())
    assert engine.count() == 40
    assert engine.rebuild(everything) == 40
    assert engine.search("食堂", CHIEF).total == 5


def _write_for_ever(folder: Path, ready: object) -> None:
    engine = WhooshEngine(folder)
    for round_ in range(10_000):
        engine.write([replace(entry, updated=round_) for entry in entries()])
        if round_ == 1:
            ready.set()  # type: ignore[attr-defined]


def test_a_killed_writer_leaves_the_index_whole_and_free(folder: Path) -> None:
    engine = WhooshEngine(folder, timeout=5)
    engine.write(entries())
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        ready = context.Event()
        process = context.Process(target=_write_for_ever, args=(folder, ready))
        process.start()
        assert ready.wait(60)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert engine.search("食堂", CHIEF).total == 5
        assert engine.count() == 40
        engine.write([replace(entries()[0], text="继续写入")])
        assert WhooshEngine(folder).search("继续写入", CHIEF).total == 1
        engine.write([entries()[0]])


def test_an_index_survives_its_process(folder: Path) -> None:
    WhooshEngine(folder).write(entries())
    again = WhooshEngine(folder)
    assert again.count() == 40
    assert again.search("食堂", CHIEF).total == 5


def test_a_spoiled_index_says_so_and_a_rebuild_mends_it(folder: Path) -> None:
    WhooshEngine(folder).write(entries())
    for path in folder.rglob("*.trm"):
        path.write_bytes(b"spoiled")
    engine = WhooshEngine(folder)
    with pytest.raises(Damaged):
        engine.search("食堂", CHIEF)
    engine.rebuild(everything)
    assert engine.search("食堂", CHIEF).total == 5


def test_a_forked_child_searches_with_its_own_files(folder: Path) -> None:
    engine = WhooshEngine(folder)
    engine.write(entries())
    assert engine.search("食堂", CHIEF).total == 5
    child = os.fork()
    if child == 0:
        os._exit(0 if engine.search("电梯", CHIEF).total == 5 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.search("电梯", CHIEF).total == 5


def test_files_of_old_generations_are_closed(folder: Path) -> None:
    engine = WhooshEngine(folder)
    engine.write(entries())
    engine.search("食堂", CHIEF)
    before = len(os.listdir("/proc/self/fd"))
    for round_ in range(20):
        engine.write([replace(entry, updated=round_) for entry in entries()])
        engine.search("食堂", CHIEF)
    assert len(os.listdir("/proc/self/fd")) <= before + 10


def test_a_needle_for_too_many_terms_does_not_narrow_and_alone_is_looked_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.engine_whoosh_view.MAX_EXPANSION", 3)
    engine = WhooshEngine(folder)
    engine.write(entries())
    with_text = [entry for entry in entries() if "202" in entry.number]
    assert engine.search("202", CHIEF).total == len(with_text)
    assert engine.search("202 食堂", CHIEF).strict == 5
    assert engine.search('"202"', CHIEF).total == len(with_text)
    assert engine.search('食堂 -"202"', CHIEF).total == 0


def test_purged_text_is_in_no_file_and_no_other_generation_keeps_it(folder: Path) -> None:
    engine = WhooshEngine(folder)
    first, *others = entries()
    engine.write([replace(first, title="zzwithdrawn", text=""), *others])
    engine.write([replace(first, title="题名", text="")])

    def standing() -> bool:
        return any(b"zzwithdrawn" in path.read_bytes() for path in folder.rglob("*") if path.is_file())

    assert standing()
    engine.purge()
    assert not standing()
    assert engine.count() == len(others) + 1

    reader = WhooshEngine(folder)
    reader.count()  # holds the generation that the rebuild replaces
    engine.rebuild(everything)
    with pytest.raises(Busy):
        engine.purge()
    reader.close()
    engine.purge()


def test_a_write_that_fails_leaves_nothing_and_the_next_one_goes_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WhooshEngine(folder, timeout=1)
    engine.write(entries())
    before = sorted(path.name for path in folder.rglob("*"))
    real, left = os.fsync, 0

    def full(file: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", full)
    for at in range(1, 8):
        left = at
        with pytest.raises(OSError, match="No space"):
            engine.write([replace(entries()[0], text="zznew")])
        assert engine.count() == 40
        assert engine.search("zznew", CHIEF).total == 0
        assert sorted(path.name for path in folder.rglob("*")) == before, at
    engine.write([replace(entries()[0], text="zznew")])
    assert engine.search("zznew", CHIEF).total == 1


def test_everything_of_a_commit_is_on_the_disk_before_its_table_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut may keep any file that was not settled from being there; the table names only what was."""
    settled: list[str] = []
    real_sync, real_rename = os.fsync, os.rename

    def sync(file: int) -> None:
        settled.append(os.readlink(f"/proc/self/fd/{file}"))
        real_sync(file)

    def rename(old: str, new: str) -> None:
        if new.endswith(".toc"):
            parts = {Path(name).name for name in settled}
            for path in Path(new).parent.glob("MAIN_*.*"):
                assert path.name in parts, f"{path.name} is named by a table and not settled"
            assert Path(old).name in parts
        real_rename(old, new)

    engine = WhooshEngine(folder)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    engine.write(entries()[:5])
    assert settled[-1] == str(engine._home.current()), "and then the table itself"
    engine.rebuild(everything)
    assert settled[-1] == str(engine._home.current())


def test_purging_lets_others_write_between_its_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_whoosh, "MOVED", 6)
    engine, other = WhooshEngine(folder, fsync=False), WhooshEngine(folder, timeout=0, fsync=False)
    engine.write([replace(entries()[0], text="zzold"), *entries()[1:]])
    engine.write([entries()[0]])
    pieces = []

    def between() -> None:
        pieces.append(other.count())
        other.write([replace(entries()[39], title=f"其间第 {len(pieces)} 次改", text="")])

    engine.purge(between)
    assert len(pieces) > 3
    assert set(pieces) == {40}
    assert not any(b"zzold" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert dict(engine.ids()) == {entry.id: entry.updated for entry in entries()}
    assert engine.search(f"其间第 {len(pieces)} 次改", CHIEF).strict == 1


def test_a_large_segment_is_not_written_again_with_each_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight of a size call for merging; where only one of them fits, that would be work for nothing, each time."""
    monkeypatch.setattr(engine_whoosh_merge, "_MOST", 5)
    engine = WhooshEngine(folder, fsync=False)
    for at in range(0, 32, 4):
        engine.write(entries()[at : at + 4])
    before = {shard.name for shard in engine._newest().view.shards}
    engine.write([entries()[39]])
    assert before < {shard.name for shard in engine._newest().view.shards}


def test_no_segment_is_called_as_one_before_however_random_was_seeded(folder: Path) -> None:
    """What is remembered of a segment is remembered by its name."""
    engine = WhooshEngine(folder)
    for text in ("食堂", "宿舍", "锅炉"):
        random.seed(20261201)
        engine.write([Entry(1, "notice", "", "须知", text, 0, frozenset({"all"}))])
        assert engine.search(text, CHIEF).total == 1
    assert engine.search("食堂", CHIEF).total == 0
