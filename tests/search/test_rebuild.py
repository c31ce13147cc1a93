"""A rebuild that is interrupted goes on where it was, whatever was written meanwhile, and never from what is not whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search import engine_postgres_build, engine_whoosh, engine_whoosh_half
from search.engine import After, Busy, Damaged, Engine, Entry
from search.engine_whoosh import WhooshEngine
from search.engine_whoosh_half import Half
from search.engine_whoosh_view import View
from tests.search.corpus import CHIEF, entries


class Office:
    """The database: what a rebuild reads, how far it is asked to begin, and when it is cut off."""

    def __init__(self) -> None:
        self.rows = {entry.id: entry for entry in entries()}
        self.asked: list[int] = []

    def after(self, number: int) -> Iterator[Entry]:
        self.asked.append(number)
        return iter([self.rows[n] for n in sorted(self.rows) if n > number])

    def until(self, last: int) -> After:
        """As `after`, for a rebuild that dies when it has read this id."""

        def cut(number: int) -> Iterable[Entry]:
            for entry in self.after(number):
                if entry.id > last:
                    raise KeyboardInterrupt
                yield entry

        return cut

    def save(self, engine: Engine, entry: Entry) -> None:
        self.rows[entry.id] = entry
        engine.write([entry])

    def remove(self, engine: Engine, number: int) -> None:
        del self.rows[number]
        engine.write([], [number])

    def agrees(self, engine: Engine) -> None:
        assert dict(engine.ids()) == {entry.id: entry.updated for entry in self.rows.values()}
        found = engine.search("", CHIEF, limit=100)
        assert {hit.id: "".join(text for text, _ in hit.title) for hit in found.hits} == {
            entry.id: entry.title for entry in self.rows.values()
        }


@pytest.fixture
def house() -> Office:
    return Office()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is put away after 7, 14, 21, 31 entries."""
    monkeypatch.setattr(engine_whoosh, "STEP", 7)
    monkeypatch.setattr(engine_postgres_build, "STEP", 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def whoosh(folder: Path, house: Office) -> WhooshEngine:
    made = WhooshEngine(folder, fsync=False)
    made.write(entries())
    return made


def interrupted(engine: Engine, house: Office, last: int, source: str = "") -> None:
    with pytest.raises(KeyboardInterrupt):
        engine.rebuild(house.until(last), source=source)


# ---------------------------------------------------------------------------------------------------------- every engine


def test_what_happens_between_the_interruption_and_going_on_is_kept(engine: Engine, house: Office) -> None:
    engine.write(entries())
    interrupted(engine, house, 30)
    house.save(engine, replace(house.rows[3], title="早已收好，后来改了", updated=7))
    house.save(engine, replace(house.rows[29], title="最后收好的那几条之一", updated=8))
    house.save(engine, replace(house.rows[38], title="还没有轮到的", updated=9))
    house.save(engine, replace(house.rows[1], id=77, title="新登记的", updated=10))
    house.remove(engine, 5)
    house.remove(engine, 40)
    assert engine.rebuild(house.after) == 39
    house.agrees(engine)
    assert house.asked[0] == 0
    assert house.asked[1] <= 30
    assert engine.building() is None


def test_being_interrupted_again_and_again_comes_to_the_same_end(engine: Engine, house: Office) -> None:
    engine.write(entries())
    for last in (8, 9, 15, 16, 31, 39):
        interrupted(engine, house, last)
        house.save(engine, replace(house.rows[last], title=f"第 {last} 条改过", updated=last))
    engine.rebuild(house.after)
    house.agrees(engine)
    assert house.asked == sorted(house.asked)


def test_search_answers_from_the_old_one_until_the_end(engine: Engine, house: Office) -> None:
    engine.write(entries())
    interrupted(engine, house, 20)
    assert engine.search("食堂", CHIEF).total == 5
    assert engine.count() == 40


def test_another_source_or_the_wish_to_begin_anew_is_obeyed(engine: Engine, house: Office) -> None:
    engine.write(entries())
    interrupted(engine, house, 30, "first")
    interrupted(engine, house, 30, "second")
    with pytest.raises(KeyboardInterrupt):
        engine.rebuild(house.until(30), source="second", anew=True)
    assert house.asked == [0, 0, 0]
    engine.rebuild(house.after, source="second")
    assert house.asked[-1] > 0
    house.agrees(engine)


# --------------------------------------------------------------------------------------------------------------- Whoosh


def test_it_goes_on_after_what_was_last_put_away(whoosh: WhooshEngine, house: Office, folder: Path) -> None:
    interrupted(whoosh, house, 32)
    assert whoosh.building() == 31
    again = WhooshEngine(folder, fsync=False)
    again.rebuild(house.after)
    assert house.asked == [0, 31]
    house.agrees(whoosh)
    whoosh.write([], [0])
    assert len(list(folder.glob("g*"))) == 1


def test_what_was_written_since_is_not_taken_for_what_was_put_away_last(
    whoosh: WhooshEngine, house: Office
) -> None:
    interrupted(whoosh, house, 30)
    house.save(whoosh, replace(house.rows[21], title="改过", updated=1))
    interrupted(whoosh, house, 38)
    house.save(whoosh, replace(house.rows[1], id=60, title="新的", updated=2))
    whoosh.rebuild(house.after)
    assert house.asked == [0, 20, 30]
    house.agrees(whoosh)


def test_nothing_put_away_is_nothing_kept(whoosh: WhooshEngine, house: Office, folder: Path) -> None:
    interrupted(whoosh, house, 3)
    assert whoosh.building() is None
    whoosh.write([], [0])
    assert len(list(folder.glob("g*"))) == 1


@pytest.mark.parametrize(
    "spoiled", ["journal gone", "source gone", "source torn", "segment spoiled", "table gone"]
)
def test_what_is_not_whole_is_begun_anew(
    whoosh: WhooshEngine, house: Office, folder: Path, spoiled: str
) -> None:
    interrupted(whoosh, house, 30)
    half = folder / "g000002"
    match spoiled:
        case "journal gone":
            (half / "journal").unlink()
        case "source gone":
            (half / "source").unlink()
        case "source torn":
            (half / "source").write_bytes(b'["')
        case "segment spoiled":
            next(half.glob("*.trm")).write_bytes(b"spoiled")
        case "table gone":
            next(half.glob("_MAIN_*.toc")).unlink()
    house.save(whoosh, replace(house.rows[2], title="照常登记", updated=5))
    whoosh.rebuild(house.after)
    assert house.asked == [0, 0]
    house.agrees(whoosh)
    whoosh.write([], [0])
    assert len(list(folder.glob("g*"))) == 1


def test_the_rebuild_of_a_damaged_index_goes_on_too(
    whoosh: WhooshEngine, house: Office, folder: Path
) -> None:
    next((folder / "g000001").glob("*.trm")).write_bytes(b"spoiled")
    interrupted(WhooshEngine(folder, fsync=False), house, 30)
    with pytest.raises(Damaged):
        WhooshEngine(folder, fsync=False).write([house.rows[1]])
    WhooshEngine(folder, fsync=False).rebuild(house.after)
    assert house.asked == [0, 21]
    house.agrees(WhooshEngine(folder, fsync=False))


def test_what_was_written_before_the_damage_cannot_be_taken_from_it(
    whoosh: WhooshEngine, house: Office, folder: Path
) -> None:
    interrupted(whoosh, house, 30)
    house.save(whoosh, replace(house.rows[2], title="只在旧索引里", updated=5))
    next((folder / "g000001").glob("*.trm")).write_bytes(b"spoiled")
    WhooshEngine(folder, fsync=False).rebuild(house.after)
    assert house.asked == [0, 0]
    house.agrees(WhooshEngine(folder, fsync=False))


def test_a_line_of_the_journal_cut_by_a_kill_spoils_no_other(
    whoosh: WhooshEngine, house: Office, folder: Path
) -> None:
    interrupted(whoosh, house, 30)
    house.save(whoosh, replace(house.rows[2], title="先写的", updated=5))
    with open(folder / "g000002" / "journal", "ab") as file:
        file.write(b"\x07\x00\x00")  # who wrote this died before its write was made
    house.save(whoosh, replace(house.rows[4], title="后写的", updated=6))
    whoosh.rebuild(house.after)
    assert house.asked == [0, 21]
    house.agrees(whoosh)


def test_the_journal_stays_short_and_is_given_up_when_more_has_changed_than_was_built(
    whoosh: WhooshEngine, house: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_whoosh_half, "LONG", 800)
    interrupted(whoosh, house, 30)
    journal = folder / "g000002" / "journal"
    for round_ in range(60):
        house.save(whoosh, replace(house.rows[round_ % 5 + 1], updated=round_))
    assert journal.stat().st_size <= 808
    assert set(np.fromfile(journal, "<i8").tolist()) == {1, 2, 3, 4, 5}
    for round_ in range(200):
        house.save(whoosh, replace(house.rows[round_ % 40 + 1], updated=round_))
    assert whoosh.building() is None
    whoosh.rebuild(house.after)
    assert house.asked == [0, 0]
    house.agrees(whoosh)


def test_words_that_must_go_are_not_kept_by_a_rebuild_that_rests(
    whoosh: WhooshEngine, house: Office, folder: Path
) -> None:
    house.save(whoosh, replace(house.rows[9], text="zzwithdrawn"))
    interrupted(whoosh, house, 30)
    house.save(whoosh, replace(house.rows[9], text="", updated=3))
    whoosh.purge()
    assert not any(b"zzwithdrawn" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    whoosh.rebuild(house.after)
    assert house.asked == [0, 21]
    house.agrees(whoosh)


def test_words_that_must_go_are_waited_for_while_a_rebuild_goes_on(
    whoosh: WhooshEngine, house: Office, folder: Path
) -> None:
    other = WhooshEngine(folder, fsync=False)

    def meanwhile(number: int) -> Iterator[Entry]:
        yield from list(house.after(number))[:20]
        house.save(other, replace(house.rows[3], text="", updated=3))
        with pytest.raises(Busy):
            other.purge()
        yield from list(house.after(20))

    whoosh.rebuild(meanwhile)
    house.agrees(other)
    other.purge()


def test_writers_do_not_wait_while_much_is_carried_over(
    whoosh: WhooshEngine, house: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Carrying over a thousand entries takes seconds: it is done before the lock is taken for the swap."""
    other, hasty = WhooshEngine(folder, fsync=False), WhooshEngine(folder, timeout=0, fsync=False)
    monkeypatch.setattr(engine_whoosh, "_FEW", 3)
    real, carried = WhooshEngine._carry, []

    def carry(self: WhooshEngine, half: Half, built: View, now: object, ids: set[int]) -> View:
        carried.append(len(ids))
        if len(ids) == 10:
            house.save(hasty, replace(house.rows[7], title="趁搬运时写入", updated=99))
        return real(self, half, built, now, ids)  # type: ignore[arg-type]

    def meanwhile(number: int) -> Iterator[Entry]:
        yield from list(house.after(number))
        for n in range(1, 11):
            house.save(other, replace(house.rows[n], title=f"期间改过 {n}", updated=n))

    monkeypatch.setattr(WhooshEngine, "_carry", carry)
    whoosh.rebuild(meanwhile)
    assert carried == [10, 1, 0]
    house.agrees(whoosh)
