"""The index as a whole: made anew, going on where it was killed, compared with the database to the last word, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import index, tick, worker
from intranet.jobs.outbox import drain
from intranet.models import BlobText, Grant, Item, Outbox, Unit
from intranet.verbs import entries, items
from search import engine_whoosh
from search.engine import Busy, Entry, Unreachable
from tests.office import Clock, Office
from vault.levels import Level

INDEX = {"index": worker.QUICK["index"]}


def entry_of(db: Session, house: House, item: Item) -> Entry:
    db.rollback()
    return entries.entry(db, house, db.get_one(Item, item.id))


def agrees(db: Session, house: House) -> bool:
    db.rollback()
    right = {e.id: e.fingerprint() for e in entries.every(db, house)}
    return dict(house.engine.fingerprints()) == right


# ----------------------------------------------------------------------------------------------------------- compared


def test_compare_finds_and_mends_what_is_missing_old_or_too_much(
    house: House, desk: Office, db: Session
) -> None:
    missing, stale = desk.add("resource", "officer"), desk.add("resource", "officer")
    others = [desk.add("resource", "officer") for _ in range(3)]
    drain(house, INDEX)
    made = entry_of(db, house, stale)
    old = replace(made, updated=made.updated - 1)
    house.engine.write([old, replace(old, id=999_999, number="X-1")], [missing.id])
    report = index.compare(house)
    assert (report.items, report.indexed) == (2 + len(others), 2 + len(others))
    assert (report.missing, report.stale, report.extra) == ([missing.id], [stale.id], [999_999])
    assert report.mended and not report.same
    assert index.compare(house).same


@pytest.mark.parametrize("what", ["labels", "text", "level", "state", "names"])
def test_what_differs_in_anything_is_found_though_it_was_saved_at_the_same_moment(
    house: House, desk: Office, db: Session, what: str
) -> None:
    item = desk.add("resource", "officer", title="锅炉")
    desk.add("resource", "officer")
    desk.add("resource", "officer")
    drain(house, INDEX)
    made = entry_of(db, house, item)
    wrong = {
        "labels": replace(made, labels=made.labels | {"p7"}),
        "text": replace(made, text="另一个进程更早读到的"),
        "level": replace(made, level=0),
        "state": replace(made, facets=dict(made.facets) | {"state": ("withdrawn",)}),
        "names": replace(made, names=("旧单位名",)),
    }
    house.engine.write([wrong[what]])
    assert index.compare(house).stale == [item.id]
    assert agrees(db, house)


def test_a_grant_that_ended_while_nobody_worked_is_found(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    desk.add("document", "custodian")
    desk.add("document", "custodian")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_st").id, until=clock.now + timedelta(hours=1))
    drain(house, INDEX)
    with desk.w("cli:test") as w:
        w.session.execute(delete(Outbox))  # the promise for that hour is lost
    clock.forward(hours=2)
    assert index.compare(house).stale == [item.id]


def test_a_unit_that_is_called_otherwise_is_found(house: House, desk: Office, db: Session) -> None:
    made = [desk.add("resource", "officer"), desk.add("resource", "cook")]
    desk.add("resource", "driver")
    drain(house, INDEX)
    with desk.w("cli:test") as w:
        w.session.execute(update(Unit).where(Unit.id == made[1].unit_id).values(name="新食堂"))
    assert index.compare(house).stale == [made[1].id]
    assert house.engine.suggest("xinshitang", _everything(desk))[0].id == made[1].id


def _everything(desk: Office) -> object:
    from search.engine import Access

    return Access(4, desk.house.policy.tokens(desk.actor("lead")))


def test_what_is_on_its_way_is_no_difference(house: House, desk: Office) -> None:
    desk.add("resource", "officer")
    assert index.compare(house).same


def test_what_a_living_office_writes_meanwhile_is_no_difference(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker writes between the first look at the index, the reading of the database and the last look."""
    early, late, fresh = (desk.add("resource", "officer") for _ in range(3))
    drain(house, INDEX)
    real = house.engine.fingerprints
    looks: list[int] = []

    def fingerprints() -> Iterator[tuple[int, int]]:
        looks.append(1)
        if len(looks) == 2:
            drain(house, INDEX)
        return iter(list(real()))

    def saving(*args: object) -> Iterator[Entry]:
        desk.step(early, "officer", "withdraw", reason="停用")
        drain(house, INDEX)
        made = list(entries_every(*args))
        desk.step(late, "officer", "withdraw", reason="停用")
        desk.add("resource", "officer")
        db.rollback()
        return iter(made)

    entries_every: Callable[..., Iterator[Entry]] = entries.every
    monkeypatch.setattr(house.engine, "fingerprints", fingerprints)
    monkeypatch.setattr("intranet.verbs.entries.every", saving)
    report = index.compare(house)
    assert report.same
    assert len(looks) == 2
    monkeypatch.undo()
    assert agrees(db, house)
    assert fresh.id in dict(house.engine.ids())


def test_a_day_that_is_just_over_is_no_difference_and_one_long_over_is(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    item = desk.add("notice", "officer_wx", expires="2026-11-25")
    desk.add("resource", "officer")
    desk.add("resource", "officer")
    drain(house, INDEX)
    with desk.w("cli:test") as w:  # published, and the index knows it
        w.session.execute(update(Item).where(Item.id == item.id).values(state="published"))
        w.session.get_one(Item, item.id, populate_existing=True).due = clock.now + timedelta(days=2)
        w.reindex(item.id)
    drain(house, INDEX)
    clock.forward(days=2, minutes=1)
    assert index.compare(house).same
    clock.forward(days=1)
    assert index.compare(house).stale == [item.id]


def test_mending_goes_the_way_of_every_entry(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promised first: a worker that writes at the same time cannot be overwritten by what was read before."""
    made = [desk.add("resource", "officer") for _ in range(3)]
    drain(house, INDEX)
    house.engine.write([], [made[0].id])

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(house.engine, "write", die)
        with pytest.raises(KeyboardInterrupt):
            index.compare(house)
    assert [row.item_id for row in desk.outbox("index")] == [made[0].id]
    worker.quick(house)
    assert agrees(db, house)


def test_an_index_that_has_lost_most_is_made_anew(house: House, desk: Office, db: Session) -> None:
    made = [desk.add("resource", "officer") for _ in range(5)]
    drain(house, INDEX)
    house.engine.write([], [item.id for item in made[:4]])
    report = index.compare(house)
    assert report.missing == [item.id for item in made[:4]]
    assert report.mended
    assert agrees(db, house)


def test_what_cannot_be_made_is_named_and_stays_as_it_was(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = desk.add("resource", "officer")
    desk.add("resource", "officer")
    drain(house, INDEX)
    spoil(house, bad, monkeypatch)
    report = index.compare(house)
    assert (report.missing, report.stale, report.extra) == ([], [], [])
    assert report.left_out == [{"id": bad.id, "reason": "ValueError: odd row"}]
    assert not report.mended
    assert bad.id in dict(house.engine.ids())


def spoil(house: House, bad: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    real = house.policy.labels

    def labels(item: Item, *rest: object) -> frozenset[str]:
        if item.id == bad.id:
            raise ValueError("odd row")
        return real(item, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(house.policy, "labels", labels)


def test_the_nightly_check_says_what_it_mended(house: House, desk: Office) -> None:
    item = desk.add("resource", "officer")
    desk.add("resource", "officer")
    drain(house, INDEX)
    house.engine.write([], [item.id])
    index.nightly(house)
    [row] = desk.audit("index.mended")
    assert '"missing": 1' in row.detail
    assert row.outcome == "ok"
    index.nightly(house)
    assert len(desk.audit("index.mended")) == 1


def test_the_operator_sees_what_was_mended(house: House, desk: Office, clock: Clock) -> None:
    items_ = [desk.add("resource", "officer") for _ in range(3)]
    worker.once(house)
    page = desk.client("backup").get("/ops/").text
    assert "与数据库一致" in page
    house.engine.write([], [items_[0].id])
    clock.forward(days=1, minutes=1)
    worker.once(house)
    assert "一天内补正 1 处" in desk.client("backup").get("/ops/").text


def test_whoever_saves_does_not_wait_for_words_that_are_taken_out(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge may take a minute: what is promised meanwhile is written between its pieces."""
    blob = desk.deposit("officer", "附件里的名单".encode())
    item = desk.add("resource", "officer", blobs=(blob,))
    for _ in range(4):
        desk.add("resource", "officer")
    worker.once(house)
    raw = {"business": "other", "management": "administration", "medium": "electronic"}
    with desk.w("officer") as w:
        items.edit(w, item.id, raw, title="改过", version=None, drop=[blob])
    drain(house, INDEX)
    fresh = desk.add("resource", "officer")
    assert drain(house, {"forget": worker.QUICK["forget"]}) == {"forget": 1}
    assert fresh.id in dict(house.engine.ids())
    assert desk.outbox("index") == []


# --------------------------------------------------------------------------------------------------------- made anew


def test_rebuild_finds_everything_again(house: House, desk: Office) -> None:
    made = [desk.add("resource", "officer"), desk.add("document", "custodian", level=Level.SECRET)]
    house.engine.write([], [i for i, _u in house.engine.ids()])
    seen: list[int] = []
    assert index.rebuild(house, seen.append).written == sum(seen)
    assert {i.id for i in made} <= set(dict(house.engine.ids()))


@pytest.fixture
def shelf(house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    """Twelve items in the index; a rebuild puts four away at a time."""
    monkeypatch.setattr(engine_whoosh, "STEP", 4)
    monkeypatch.setattr(entries, "BATCH", 3)
    made = [desk.add("resource", "officer", title=f"第 {n} 号锅炉") for n in range(12)]
    drain(house, INDEX)
    for item in made:  # a rebuild forgets what its session has read
        db.refresh(item)
        db.expunge(item)
    return made


def cut_off(house: House, shelf: list[Item], monkeypatch: pytest.MonkeyPatch, at: int = 9) -> None:
    """A rebuild that ends when it comes to this one, as by a power cut."""
    real = entries._Read.entry

    def entry(self: object, item: Item) -> Entry:
        if item.id == shelf[at].id:
            raise KeyboardInterrupt
        return real(self, item)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(entries._Read, "entry", entry)
        with pytest.raises(KeyboardInterrupt):
            index.rebuild(house)


def test_a_rebuild_goes_on_where_it_was_and_says_how_far(
    house: House, desk: Office, db: Session, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(house, shelf, monkeypatch)
    assert house.engine.building() == 8
    desk.step(shelf[2], "officer", "withdraw", reason="停用")
    desk.add("resource", "officer", title="新登记的")
    drain(house, INDEX)
    desk.step(shelf[3], "officer", "withdraw", reason="停用")  # promised, not yet indexed
    seen: list[int] = []
    report = index.rebuild(house, seen.append)
    assert (report.written, report.resumed, sum(seen)) == (13, 8, 13)
    worker.quick(house)
    assert agrees(db, house)


def test_another_setting_or_the_wish_begins_from_the_first(
    house: House, db: Session, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may stand in clear was another question then."""
    cut_off(house, shelf, monkeypatch)
    house.settings = replace(house.settings, search_body_level="public")
    assert index.rebuild(house).resumed == 0
    assert agrees(db, house)
    cut_off(house, shelf, monkeypatch)
    assert index.rebuild(house, anew=True).resumed == 0
    cut_off(house, shelf, monkeypatch)
    monkeypatch.setattr(entries, "_PROGRAM", "another version")
    assert index.rebuild(house).resumed == 0
    assert agrees(db, house)


def test_what_was_left_out_before_the_interruption_is_said_after_it(
    house: House, desk: Office, db: Session, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.w("cli:test") as w:
        w.session.execute(update(Item).where(Item.id == shelf[1].id).values(kind="gone"))
    with monkeypatch.context() as patch:
        spoil(house, shelf[0], patch)
        cut_off(house, shelf, monkeypatch)
        report = index.rebuild(house)
    assert report.resumed
    assert sorted(report.left_out, key=lambda row: row["id"]) == [
        {"id": shelf[0].id, "reason": "ValueError: odd row"},
        {"id": shelf[1].id, "reason": "no such ledger"},
    ]
    assert report.written == 10


def test_what_both_runs_missed_is_found_at_the_end(
    house: House, desk: Office, db: Session, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(house, shelf, monkeypatch)
    with desk.w("cli:test") as w:  # by somebody who promised nothing
        w.session.execute(update(Item).where(Item.id == shelf[2].id).values(title="绕过产品改的"))
    assert index.rebuild(house).resumed == 8
    assert agrees(db, house)


def test_the_night_brings_an_interrupted_rebuild_to_its_end(
    house: House, db: Session, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(house, shelf, monkeypatch)
    index.nightly(house)
    assert house.engine.building() is None
    assert agrees(db, house)


def test_an_index_that_is_spoiled_while_nobody_saves_is_made_anew_within_the_minute(
    house: House, desk: Office, db: Session, shelf: list[Item], clock: Clock
) -> None:
    worker.once(house)
    folder = house.settings.index / (house.settings.index / "current").read_text()
    for path in folder.glob("*.trm"):
        path.write_bytes(b"spoiled")
    house.engine.close()
    assert desk.client("backup").get("/ops/").status_code == 200
    clock.forward(minutes=1)
    tick.run(house, tick.SLOW)
    assert agrees(db, house)


class Away:
    """An engine whose server does not answer."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rebuilt = 0
        for name in ("count", "fingerprints", "write", "search", "building"):
            monkeypatch.setattr(house.engine, name, self._silent)
        monkeypatch.setattr(house.engine, "rebuild", self._rebuild)

    def _silent(self, *_args: object, **_more: object) -> None:
        raise Unreachable("PostgreSQL: OperationalError")

    def _rebuild(self, *_args: object, **_more: object) -> int:
        self.rebuilt += 1
        return 0


def test_a_server_that_does_not_answer_is_no_reason_to_make_the_index_anew(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [desk.add("resource", "officer") for _ in range(3)]
    away = Away(house, monkeypatch)
    assert index.wake(house) is False
    with pytest.raises(Unreachable):
        index.compare(house)
    assert drain(house, INDEX)["index!"] == 3
    assert away.rebuilt == 0
    monkeypatch.undo()
    db.rollback()
    promised = db.scalars(select(Outbox).where(Outbox.topic == "index")).all()
    assert {row.item_id for row in promised} == {item.id for item in items}


def test_of_workers_that_wake_beside_an_empty_index_one_makes_it(
    house: House, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add("resource", "officer")

    def busy(*_args: object, **_more: object) -> None:
        raise Busy("another is at it")

    monkeypatch.setattr(house.engine, "rebuild", busy)
    assert index.wake(house) is False


def test_texts_of_files_and_grants_are_compared_too(house: House, desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", blobs=(desk.deposit("officer", "附件里的省煤器".encode()),))
    desk.add("resource", "officer")
    desk.add("resource", "officer")
    worker.once(house)
    with desk.w("cli:test") as w:
        w.session.execute(update(BlobText).values(text="换了"))
        w.session.add(Grant(item_id=item.id, person_id=desk.person("temp").id, role="reader", at=w.now))
    assert index.compare(house).stale == [item.id]
    assert agrees(db, house)
