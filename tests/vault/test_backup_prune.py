"""Retention and pruning: no snapshot that stays ever loses an object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vault.backup_office import START, Office, contents, day, fill, ref
from vault.backup import Busy, LeaseLost, ManifestDamaged, Repository, Retention, Snapshot, decide
from vault.store import Stat
from vault.store_memory import MemoryStore


def listed(*days: float, incomplete: tuple[float, ...] = ()) -> list[Snapshot]:
    return [
        Snapshot(f"{number}", day(number), 1, 1, 1, 1, 0.0, problems=int(number in incomplete))
        for number in days
    ]


def kept(snapshots: list[Snapshot], keep: Retention) -> dict[str, tuple[str, ...]]:
    return {decision.snapshot.id: decision.reasons for decision in decide(snapshots, keep) if decision.keep}


def test_last_and_daily() -> None:
    found = kept(listed(0, 0.25, 1, 1.25, 2, 2.25, 3), Retention(last=2, daily=3))
    assert found == {
        "3": ("newest", "complete", "last", "daily"),
        "2.25": ("last", "daily"),
        "1.25": ("daily",),
    }


def test_weekly_and_monthly_across_the_new_year() -> None:
    # 2026-11-23 is a Monday: days 35 to 41 are ISO week 2026-W53, which lasts until 3 January 2027.
    found = kept(listed(*range(45)), Retention(weekly=2, monthly=3))
    assert found == {
        "44": ("newest", "complete", "weekly", "monthly"),
        "41": ("weekly",),
        "38": ("monthly",),
        "7": ("monthly",),
    }


def test_days_begin_at_midnight_of_the_zone() -> None:
    # 02:00 and 20:00 UTC are one day in UTC and two in Shanghai.
    snapshots = listed(0, 0.75)
    assert set(kept(snapshots, Retention(daily=9, zone=UTC))) == {"0.75"}
    assert set(kept(snapshots, Retention(daily=9, zone=timezone(timedelta(hours=8))))) == {"0", "0.75"}


def test_complete_snapshot_stands_for_its_day() -> None:
    found = kept(listed(0, 0.5, 1, incomplete=(0.5, 1)), Retention(daily=2))
    assert found == {"1": ("newest", "daily"), "0": ("complete", "daily")}


def test_damaged_snapshot_is_never_let_go_by_a_rule() -> None:
    broken = Snapshot("x", day(0), 0, 0, 0, 0, 0.0, damaged=True)
    assert kept([broken, *listed(1, 2)], Retention(last=1)).keys() == {"x", "2"}


@pytest.mark.parametrize(("last", "daily"), [(0, 0), (-1, 3)])
def test_retention_that_keeps_nothing_is_refused(last: int, daily: int) -> None:
    with pytest.raises(ValueError, match="retention"):
        Retention(last=last, daily=daily)


def office_of(days: list[tuple[int, frozenset[int]]]) -> Office:
    office = Office(MemoryStore(), MemoryStore())
    fill(office.source, range(8))
    for number, objects in days:
        office.snapshot(number, [ref(thing) for thing in sorted(objects)])
    return office


states = st.lists(st.tuples(st.integers(0, 70), st.frozensets(st.integers(0, 7))), max_size=6)
retentions = st.builds(
    Retention,
    last=st.integers(1, 3),
    daily=st.integers(0, 3),
    weekly=st.integers(0, 2),
    monthly=st.integers(0, 2),
)


@settings(deadline=None)
@given(states, retentions)
def test_pruning_never_takes_what_is_referenced_and_leaves_nothing_else(
    days: list[tuple[int, frozenset[int]]], keep: Retention
) -> None:
    office = office_of(days)
    office.store.put("objects/" + "a" * 64, [b"left by a killed run"])
    before = contents(office.store)
    plan = office.repository.prune(keep, at=day(99), dry_run=True)
    assert contents(office.store) == before
    done = office.repository.prune(keep, at=day(99))
    assert (plan.decisions, plan.objects, plan.bytes) == (done.decisions, done.objects, done.bytes)

    stay = [decision.snapshot for decision in done.decisions if decision.keep]
    assert {found.id for found in office.repository.list()} == {found.id for found in stay}
    assert office.repository.verify(read_data=True).ok
    assert office.repository.verify().checked == len(list(office.store.list("dumps/"))) + len(
        list(office.store.list("headers/"))
    ) + len(list(office.store.list("objects/"))) - (not days)  # with no snapshot at all nothing is touched
    assert office.repository.prune(keep, at=day(99)).objects == 0


class Dying(MemoryStore):
    """A store that dies at the n-th deletion or writing."""

    left = 10**9

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def put(self, name, chunks):  # type: ignore[no-untyped-def]
        self._step()
        return super().put(name, chunks)

    def delete(self, name: str) -> None:
        self._step()
        super().delete(name)


@settings(deadline=None)
@given(states, retentions, st.integers(0, 30))
def test_pruning_may_die_at_any_step(
    days: list[tuple[int, frozenset[int]]], keep: Retention, steps: int
) -> None:
    office = office_of([])
    store = Dying()
    office.store, office.repository = store, Repository(store)
    for number, objects in days:
        office.snapshot(number, [ref(thing) for thing in sorted(objects)])
    store.left = steps
    with suppress(KeyboardInterrupt):
        office.repository.prune(keep, at=day(98))
    store.left = 10**9
    assert office.repository.verify(read_data=True).ok
    office.repository.prune(keep, at=day(99))  # a day later: the lease of the dead one ran out
    assert office.repository.verify(read_data=True).ok
    assert office.repository.prune(keep, at=day(99), dry_run=True).objects == 0


def test_chain_over_pruned_snapshots_stays_good_and_records_are_bounded() -> None:
    office = office_of([])
    for number in range(30):
        office.snapshot(number, [])
        office.repository.prune(Retention(last=2), at=day(number + 0.5))
    assert office.repository.verify().ok
    assert len(list(office.store.list("prunes/"))) <= 2


def test_objects_survive_when_all_manifests_vanished() -> None:
    office = office_of([(0, frozenset({1, 2}))])
    for found in list(office.store.list("snapshots/")):
        office.store.delete(found.name)
    assert office.repository.prune(Retention(last=1), at=day(1)).objects == 0
    assert len(list(office.store.list("objects/"))) == 2


def test_unreadable_manifest_stops_pruning_until_a_person_forgets_it() -> None:
    office = office_of([(0, frozenset({1})), (1, frozenset({2})), (2, frozenset({3}))])
    name = f"snapshots/{office.repository.list()[1].id}"
    good = b"".join(office.store.get(name))
    office.store.delete(name)
    office.store.put(name, [good[:-5]])
    with pytest.raises(ManifestDamaged):
        office.repository.prune(Retention(last=9), at=day(3))
    assert len(list(office.store.list("objects/"))) == 3
    office.store.delete(name)
    office.store.put(name, [b"{}"])
    with pytest.raises(ManifestDamaged):
        office.repository.prune(Retention(last=1), at=day(3))
    office.repository.forget(name.removeprefix("snapshots/"), at=day(3))
    assert office.repository.prune(Retention(last=9), at=day(3)).objects == 2  # object 2 and its dump
    assert office.repository.verify(read_data=True).ok


def test_shredded_marks_go_with_the_last_snapshot_that_names_them() -> None:
    office = office_of([(0, frozenset({1, 2})), (1, frozenset({2}))])
    office.repository.shred([ref(1).digest], at=day(2))
    office.repository.shred([ref(1).digest], at=day(2))
    assert len(list(office.store.list("shredded/"))) == 1
    office.repository.prune(Retention(last=1), at=day(3))
    assert list(office.store.list("shredded/")) == []
    with pytest.raises(ValueError, match="SHA-256"):
        office.repository.shred(["x"], at=day(3))


def test_one_writer_at_a_time_and_a_dead_one_does_not_block_for_long() -> None:
    office = office_of([(0, frozenset({1}))])
    office.repository = Repository(office.store, elapsed=lambda: 0.0)

    def during() -> Iterator[bytes]:
        with pytest.raises(Busy) as refused:
            Repository(office.store).prune(Retention(last=1), at=START + timedelta(minutes=5))
        assert refused.value.purpose == "snapshot"
        assert refused.value.until == START + timedelta(minutes=15)
        yield b"dump"

    key = str(office.key.recipient)
    office.repository.snapshot(
        at=START, database=during(), recipients=[key], objects=[], source=office.source
    )
    Repository(office.store).prune(Retention(last=9), at=START)  # given back: at once

    class Killed(BaseException):
        pass

    store = Dying()
    repository = Repository(store, elapsed=lambda: 0.0)

    def killed() -> Iterator[bytes]:
        store.left = 0  # not even the release gets through
        raise Killed
        yield b""

    with pytest.raises((Killed, KeyboardInterrupt)):
        repository.snapshot(at=START, database=killed(), recipients=[key], objects=[], source=office.source)
    store.left = 10**9
    with pytest.raises(Busy):
        repository.prune(Retention(last=1), at=START + timedelta(minutes=14))
    repository.prune(Retention(last=1), at=START + timedelta(minutes=15))


@pytest.mark.parametrize(
    "record", [b"", b"[]", b'{"purpose": "prune", "until": "2099-01-01T00:00:00+00:00"}', b'{"purpose":1}']
)
def test_lease_from_a_wrong_clock_or_a_torn_one_does_not_block_for_ever(record: bytes) -> None:
    store = MemoryStore()
    store.put("lease/000000000007", [record])
    later = Repository(store, ttl=timedelta(microseconds=1))
    later.prune(Retention(last=1), at=store.stat("lease/000000000007").modified + timedelta(seconds=1))
    assert [found.name for found in store.list("lease/")] == ["lease/000000000009"]


def test_long_run_renews_its_lease() -> None:
    now = [0.0]
    office = office_of([(0, frozenset({1}))])
    repository = Repository(office.store, elapsed=lambda: now[0])

    def slow() -> Iterator[bytes]:
        for _ in range(10):
            now[0] += 600
            yield b"x"
            with pytest.raises(Busy):
                Repository(office.store).prune(Retention(last=1), at=START + timedelta(seconds=now[0] + 300))

    made = repository.snapshot(
        at=START, database=slow(), recipients=[str(office.key.recipient)], objects=[], source=office.source
    )
    assert made.seconds == 6000


def test_run_that_slept_through_its_lease_leaves_no_snapshot() -> None:
    office = office_of([(0, frozenset({1}))])

    def asleep() -> Iterator[bytes]:
        yield b"dump"
        # Its own clock stood still, so it notices nothing; somebody else works meanwhile.
        Repository(office.store).prune(Retention(last=9), at=START + timedelta(hours=1))

    before = {found.id for found in office.repository.list()}
    with pytest.raises(LeaseLost):
        office.repository.snapshot(
            at=START,
            database=asleep(),
            recipients=[str(office.key.recipient)],
            objects=[],
            source=office.source,
        )
    assert {found.id for found in office.repository.list()} == before


def test_pruner_that_lost_its_lease_deletes_nothing_further() -> None:
    class Slow(MemoryStore):
        """Between listing and deleting somebody takes the lease."""

        armed = False

        def list(self, prefix: str = "") -> Iterator[Stat]:
            if self.armed and prefix == "dumps/":
                self.armed = False
                with_another = Repository(self)
                with_another.prune(Retention(last=9), at=day(9))
            return super().list(prefix)

    store = Slow()
    office = office_of([])
    office.store, office.repository = store, Repository(store)
    for number in range(3):
        office.snapshot(number, [ref(number)])
    store.armed = True
    with pytest.raises(LeaseLost):
        office.repository.prune(Retention(last=1), at=day(8))
    assert len(office.repository.list()) == 3
    assert office.repository.verify(read_data=True).ok
