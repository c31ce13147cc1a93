"""What nobody owns is cleared; what is arriving is never touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import sweep, worker
from intranet.models import Blob
from intranet.verbs import deposits
from tests.office import Clock, Office
from vault.levels import Level


@pytest.fixture(autouse=True)
def _same_time(clock: Clock) -> None:
    """The store dates its objects by the clock of this machine: let the office have the same time."""
    clock.now = datetime.now(UTC)


def names(house: House) -> set[str]:
    return {s.name for s in house.vault.store.list()}


def rows(db: Session) -> set[int]:
    db.rollback()
    return set(db.scalars(select(Blob.id)))


def test_an_upload_that_no_item_took_over_goes_after_a_day(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    blob = desk.deposit("officer", b"x")
    clock.forward(hours=house.settings.orphan_hours - 1)
    sweep.orphans(house)
    assert blob in rows(db)
    clock.forward(hours=2)
    sweep.orphans(house)
    worker.quick(house)
    assert blob not in rows(db)
    assert names(house) == set()


def test_an_adopted_file_stays(house: House, desk: Office, db: Session, clock: Clock) -> None:
    blob = desk.deposit("officer", b"x")
    desk.add("resource", "officer", blobs=(blob,))
    clock.forward(days=30)
    sweep.orphans(house)
    worker.quick(house)
    assert blob in rows(db)
    assert len(names(house)) == 1


def test_an_object_without_a_row_goes_after_a_day(house: House, db: Session, clock: Clock) -> None:
    house.vault.store.put("ab" * 16, [b"left by a crash"])
    sweep.orphans(house)
    assert names(house) == {"ab" * 16}
    clock.forward(hours=house.settings.orphan_hours + 1)
    sweep.orphans(house)
    assert names(house) == set()


def test_objects_of_other_kinds_of_names_are_not_ours(house: House, clock: Clock) -> None:
    house.vault.store.put("backup/part-1", [b"somebody else's"])
    clock.forward(days=9)
    sweep.orphans(house)
    assert names(house) == {"backup/part-1"}


@pytest.mark.parametrize("hours", [0, 24])
def test_a_deposit_in_flight_is_never_hit(
    make: object, desk: Office, db: Session, hours: int, clock: Clock
) -> None:
    app = make(orphan_hours=hours)  # type: ignore[operator]
    house: House = app.extensions["house"]
    swept = []

    def arriving() -> Iterator[bytes]:
        yield b"first half"
        swept.append(sweep.orphans(house))
        clock.forward(minutes=50)
        swept.append(sweep.orphans(house))
        yield b"second half"

    with app.app_context():
        desk = Office(app, house)
        blob = deposits.deposit(
            house, desk.actor("officer"), level=Level.INTERNAL, filename="大文件.bin", chunks=arriving()
        )
        swept.append(sweep.orphans(house))
        item = desk.add("resource", "officer", blobs=(blob,))
    assert item.id
    assert [sum(s.values()) for s in swept] == [0, 0, 0]
    assert len(names(house)) == 1


def test_a_database_that_was_set_back_does_not_cost_the_files(
    house: House, db: Session, clock: Clock
) -> None:
    for n in range(sweep.FEW + 1):
        house.vault.store.put(f"{n:032x}", [b"x"])
    clock.forward(days=2)
    with pytest.raises(sweep.TooMany):
        sweep.orphans(house)
    assert len(names(house)) == sweep.FEW + 1


def test_the_object_of_a_destroyed_file_is_removed(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    blob = desk.deposit("officer", b"x")
    item = desk.add("resource", "officer", blobs=(blob,))
    with desk.w("officer") as w:
        deposits.destroy(w, w.session.merge(item))
    worker.quick(house)
    assert names(house) == set()
    clock.forward(days=2)
    assert sweep.orphans(house)["objects"] == 0
