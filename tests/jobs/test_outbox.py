"""What a transaction promised is done until it succeeds, by one worker, and a bad row keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import lease, worker
from intranet.jobs.outbox import Row, Topic, drain, each
from intranet.models import Item, Lease, Outbox
from search.engine import Damaged, Entry, SearchError
from tests.office import Clock, Office

INDEX = {"index": worker.QUICK["index"]}


class Spy:
    """Counts the writes of an engine, and fails those of one item where told to."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, bad: int = 0) -> None:
        self.calls: list[list[int]] = []
        self._real, self._bad = house.engine.write, bad
        monkeypatch.setattr(house.engine, "write", self)

    def __call__(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        self.calls.append([e.id for e in add])
        if self._bad in self.calls[-1]:
            raise SearchError("no room for this one")
        self._real(add, remove)


def waiting(db: Session) -> list[Outbox]:
    db.rollback()
    return list(db.scalars(select(Outbox).where(Outbox.topic == "index").order_by(Outbox.id)))


def test_many_saves_are_one_write_with_each_item_once(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    first, second = desk.add("resource", "officer"), desk.add("resource", "officer")
    desk.step(first, "officer", "withdraw", reason="停用")
    desk.step(first, "officer", "restore")
    spy = Spy(house, monkeypatch)
    assert drain(house, INDEX) == {"index": 4}
    assert spy.calls == [[first.id, second.id]]
    assert waiting(db) == []


def test_a_saved_item_is_found_after_one_round(house: House, desk: Office) -> None:
    item = desk.add("resource", "officer", title="配电室值班制度")
    worker.quick(house)
    assert item.id in dict(house.engine.ids())


def test_a_row_that_fails_waits_longer_each_time_and_keeps_its_error(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch, db: Session, clock: Clock
) -> None:
    bad, good = desk.add("resource", "officer"), desk.add("resource", "officer")
    Spy(house, monkeypatch, bad.id)
    waits = []
    for tries in (1, 2, 3):
        drain(house, INDEX)
        [row] = waiting(db)
        assert (row.item_id, row.tries) == (bad.id, tries)
        assert "no room for this one" in row.error
        waits.append(row.ready - clock.now)
        assert drain(house, INDEX) == {}
        clock.now = row.ready
    assert good.id in dict(house.engine.ids())
    assert waits == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]


def test_a_row_that_cannot_be_made_spoils_no_other(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    bad, good = desk.add("resource", "officer"), desk.add("resource", "officer")
    real = house.policy.labels

    def labels(item: Item, *rest: object) -> frozenset[str]:
        if item.id == bad.id:
            raise ValueError("odd row")
        return real(item, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(house.policy, "labels", labels)
    assert drain(house, INDEX) == {"index": 1, "index!": 1}
    assert good.id in dict(house.engine.ids())
    assert [row.item_id for row in waiting(db)] == [bad.id]


def test_dying_after_the_write_and_before_the_row_goes_loses_nothing(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    item = desk.add("resource", "officer")

    def die(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("intranet.jobs.outbox._finish", die)
        with pytest.raises(KeyboardInterrupt):
            drain(house, INDEX)
    assert [row.item_id for row in waiting(db)] == [item.id]
    assert drain(house, INDEX) == {"index": 1}


def test_only_the_holder_of_the_lease_works(house: House, desk: Office, db: Session, clock: Clock) -> None:
    desk.add("resource", "officer")
    assert lease.take(house, "outbox:index", 60, who="other-host/7/abcd")
    assert drain(house, INDEX) == {}
    assert len(waiting(db)) == 1
    clock.forward(seconds=61)
    assert drain(house, INDEX) == {"index": 1}


def test_a_holder_of_this_host_that_is_dead_is_not_waited_for(house: House, desk: Office) -> None:
    desk.add("resource", "officer")
    host = lease.holder().rsplit("/", 2)[0]
    assert lease.take(house, "outbox:index", 3600, who=f"{host}/{2**22 + 1}/dead")
    assert drain(house, INDEX) == {"index": 1}


def test_an_entry_written_after_the_lease_was_lost_is_written_again(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch, db: Session, clock: Clock
) -> None:
    item = desk.add("resource", "officer")
    real = house.engine.write

    def slow(add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        clock.forward(seconds=120)
        assert lease.take(house, "outbox:index", 60, who="other-host/7/abcd")
        real(add, remove)

    with monkeypatch.context() as patch:
        patch.setattr(house.engine, "write", slow)
        drain(house, INDEX)
    [row] = waiting(db)
    assert row.item_id == item.id
    assert db.get_one(Lease, "outbox:index").holder == "other-host/7/abcd"


def test_what_takes_long_stops_after_its_time_and_goes_on_in_the_next_round(
    house: House, desk: Office
) -> None:
    """The lease is free then, also for another worker."""
    seen: list[int] = []
    topics = {"extract": Topic("extract", each(lambda _house, row: seen.append(row.payload["blob"])))}
    with desk.w("cli:test") as w:
        for blob in (1, 2, 3):
            w.after("extract", None, blob=blob)
    assert drain(house, topics, seconds=0) == {"extract": 1}
    assert drain(house, topics, seconds=0) == {"extract": 1}
    assert seen == [1, 2]
    assert lease.take(house, "outbox:extract", 60, who="other-host/7/abcd")


def test_a_row_for_later_is_left_alone(house: House, desk: Office, db: Session, clock: Clock) -> None:
    item = desk.add("resource", "officer")
    drain(house, INDEX)
    with desk.w("officer") as w:
        w.after("index", item.id, delay=timedelta(hours=1))
    assert drain(house, INDEX) == {}
    clock.forward(hours=1)
    assert drain(house, INDEX) == {"index": 1}


def test_one_effect_that_raises_does_not_stop_the_next(house: House, desk: Office, db: Session) -> None:
    done = []

    def effect(_house: House, row: Row) -> None:
        if row.payload["n"] == 1:
            raise OSError("store away")
        done.append(row.payload["n"])

    with desk.w("cli:test") as w:
        for n in (1, 2, 3):
            w.after("shred", n=n)
    assert drain(house, {"shred": Topic("shred", each(effect), batch=20)}) == {"shred": 2, "shred!": 1}
    assert done == [2, 3]


def test_a_damaged_index_is_rebuilt_and_the_row_is_done(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = desk.add("resource", "officer")

    def broken(*_args: object) -> None:
        raise Damaged("segment")

    with monkeypatch.context() as patch:
        patch.setattr(house.engine, "write", broken)
        drain(house, INDEX)
    assert item.id in dict(house.engine.ids())


def test_readers_of_a_repository_changed(house: House, desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", repository=1)
    drain(house, worker.QUICK)
    with desk.w("cli:test") as w:
        w.after("reindex_repository", repository=1)
    assert drain(house, worker.QUICK)["reindex_repository"] == 1
    assert [row.item_id for row in waiting(db)] == [item.id]
