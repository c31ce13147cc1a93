"""Every sealed object is read in time; the first bad byte is told to who keeps it, and to nobody else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import verify, worker
from intranet.models import Blob, Lease, Message, Person
from intranet.verbs.verifying import AGE
from tests.office import Clock, Office
from vault.levels import Level
from vault.store import Unavailable

DAYS = 3


@pytest.fixture
def app(make: Callable[..., Flask]) -> Flask:
    return make(verify_days=DAYS)


def kept(desk: Office, kind: str = "document", who: str = "custodian", level: Level = Level.INTERNAL) -> Blob:
    blob = desk.deposit(who, b"body", level=level)
    desk.add(kind, who, level=level, blobs=(blob,))
    return blob_of(desk, blob)


def blob_of(desk: Office, blob: int) -> Blob:
    session = desk.app.extensions["sqlalchemy"].session
    session.rollback()
    found: Blob = session.get_one(Blob, blob, populate_existing=True)
    return found


def spoil(house: House, name: str) -> tuple[bytes, object]:
    whole, when = house.vault.store._objects[name]  # type: ignore[attr-defined]
    house.vault.store._objects[name] = (whole[:-1] + bytes([whole[-1] ^ 1]), when)  # type: ignore[attr-defined]
    return whole, when


def told(db: Session) -> list[tuple[str, str]]:
    db.rollback()
    query = (
        select(Person.login, Message.code).join(Person, Person.id == Message.person_id).order_by(Message.id)
    )
    return [(login, code) for login, code in db.execute(query) if code == "damaged"]


def test_no_object_is_ever_older_than_promised_though_the_worker_is_often_down(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    chance = random.Random(5)
    for _ in range(120):
        desk.deposit("officer", b"x" * chance.randrange(20_000))
        clock.forward(minutes=chance.randrange(8))
    down = 0
    for _hour in range(24 * DAYS * 4):
        down = down - 1 if down else chance.choice([0] * 12 + [30])
        if not down:
            verify.rolling(house)
            db.rollback()
            oldest = db.scalar(select(func.min(AGE)))
            assert (clock.now - oldest).total_seconds() <= DAYS * 86400 - verify.EVERY
            db.rollback()
        clock.forward(hours=1)


def test_a_burst_is_not_one_burst_again(house: House, desk: Office, db: Session, clock: Clock) -> None:
    for _ in range(60):
        desk.deposit("officer", b"x" * 1000)
    verify.rolling(house)
    db.rollback()
    assert db.scalar(select(func.count()).where(Blob.verified.is_not(None))) == 2


@pytest.mark.parametrize(
    ("kind", "adder", "heard"),
    [("document", "custodian", {"custodian", "registrar"}), ("resource", "officer", {"officer"})],
)
def test_the_first_bad_byte_is_told_once_to_who_keeps_it(
    house: House, desk: Office, db: Session, clock: Clock, kind: str, adder: str, heard: set[str]
) -> None:
    blob = kept(desk, kind, adder)
    blob_id, name = blob.id, blob.name
    whole = spoil(house, name)
    clock.forward(days=DAYS)
    for _ in range(4):
        verify.rolling(house)
        worker.quick(house)
        clock.forward(days=1, hours=1)
    people = [login for login, _code in told(db)]
    assert heard <= set(people) and len(people) == len(set(people))
    if kind == "document":  # both are custodians there; the lead, who may know of it, is none
        assert set(people) == heard
    assert blob_of(desk, blob_id).damaged is not None
    assert {row.outcome for row in desk.audit("body.damaged")} == {"alarm"}
    house.vault.store._objects[name] = whole  # type: ignore[attr-defined]  # restored from a backup
    verify.rolling(house)
    assert blob_of(desk, blob_id).damaged is None
    assert len(desk.audit("body.mended")) == 1
    spoil(house, name)
    clock.forward(days=DAYS)
    verify.rolling(house)
    worker.quick(house)
    assert len(told(db)) == 2 * len(people)


def test_a_missing_object_is_damage_too(house: House, desk: Office, clock: Clock) -> None:
    blob = kept(desk)
    house.vault.store.delete(blob.name)
    clock.forward(days=DAYS)
    verify.rolling(house)
    (row,) = desk.audit("body.damaged")
    assert "NotFound" in row.detail


def test_a_store_that_is_away_is_no_damage(
    house: House, desk: Office, db: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = kept(desk).id
    clock.forward(days=DAYS)

    def away(*_a: object) -> None:
        raise Unavailable("no route")

    with monkeypatch.context() as patch:
        for name in ("get", "stat", "check"):
            patch.setattr(house.vault.store, name, away)
        worker.slow(house)
    db.rollback()
    assert "no route" in db.get_one(Lease, "verify").last_error
    assert told(db) == [] and desk.audit("body.damaged") == []
    clock.forward(hours=1)
    worker.slow(house)
    assert blob_of(desk, blob).verified == clock.now


def test_one_object_that_cannot_be_read_now_does_not_hold_up_the_others(
    house: House, desk: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = kept(desk), kept(desk).id
    first_id, bad, get = first.id, first.name, house.vault.store.get

    def sector(name: str) -> Iterator[bytes]:
        if name == bad:
            raise Unavailable("input/output error")
        return get(name)

    monkeypatch.setattr(house.vault.store, "get", sector)
    clock.forward(days=DAYS)
    verify.rolling(house)
    assert blob_of(desk, second).verified == clock.now
    assert blob_of(desk, first_id).verified is None and blob_of(desk, first_id).damaged is None


def test_a_run_that_is_killed_or_stopped_goes_on_where_it_was(
    house: House, desk: Office, db: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intranet.verbs import verifying

    monkeypatch.setattr(verifying, "BATCH", 5)
    for _ in range(17):
        desk.deposit("officer", b"x")
    clock.forward(days=DAYS)
    real, seen = house.vault.verify, []

    def dying(name: str, *args: object, **more: object) -> bool:
        assert not db.in_transaction()  # no transaction while bytes travel
        if len(seen) == 12:
            raise KeyboardInterrupt
        seen.append(name)
        return real(name, *args, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(house.vault, "verify", dying)
        with pytest.raises(KeyboardInterrupt):
            verify.rolling(house)
    db.rollback()
    done = select(func.count()).where(Blob.verified.is_not(None))
    assert db.scalar(done) == 10
    stop = Event()
    stop.set()
    verify.rolling(house, stop)
    db.rollback()
    assert db.scalar(done) == 10
    verify.rolling(house)
    db.rollback()
    assert db.scalar(done) == 17


def test_nothing_is_read_where_it_is_off(make: Callable[..., Flask], clock: Clock) -> None:
    app = make(verify_days=0)
    desk = Office(app, app.extensions["house"])
    with app.app_context():
        blob = kept(desk).id
        clock.forward(days=99)
        verify.rolling(desk.house)
        assert blob_of(desk, blob).verified is None
