"""kill -9 at every step of the worker's writing and of a rebuild: what was promised is still promised, or it is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from intranet.extensions import db as database
from intranet.house import House
from intranet.jobs import index, worker
from intranet.jobs.outbox import drain
from intranet.models import Item
from intranet.verbs import entries, finding
from search import engine_whoosh
from tests import killed
from tests.office import Office

INDEX = {"index": worker.QUICK["index"]}
RAW = {"business": "other", "management": "administration", "medium": "electronic"}


@pytest.fixture
def shelf(house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Eight items in the index."""
    monkeypatch.setattr(engine_whoosh, "STEP", 3)
    made = [desk.add("resource", "officer", title=f"第 {n} 号锅炉").id for n in range(8)]
    drain(house, INDEX)
    return made


def kill(house: House, db: Session, act: Callable[[], object], step: int) -> bool:
    """In a child with connections of its own. Whether it came to its end."""
    db.close()
    database.session.remove()
    database.engine.dispose()
    return killed.run(lambda: act() and None, house.settings.index, step)


def agrees(db: Session, house: House) -> bool:
    db.rollback()
    right = {e.id: e.fingerprint() for e in entries.every(db, house)}
    return dict(house.engine.fingerprints()) == right


def test_the_worker_may_be_killed_at_every_step_of_its_writing(
    house: House, desk: Office, db: Session, shelf: list[int]
) -> None:
    """A row that is gone from the outbox has its entry in the index, and what is gone is nowhere all the time."""
    reader, step, done = desk.actor("cook"), 0, False
    while not done:
        step += 1
        withdrawn = desk.add("resource", "officer", title=f"停用之物 {step}")
        drain(house, INDEX)
        desk.step(withdrawn, "officer", "withdraw", reason="停用")
        added = desk.add("resource", "officer", title=f"新增之物 {step}").id
        gone = withdrawn.id
        done = kill(house, db, lambda: drain(house, INDEX), step)
        db.rollback()
        promised = {row.item_id for row in desk.outbox("index")}
        right = {i: entries.entry(db, house, db.get_one(Item, i)).fingerprint() for i in (gone, added)}
        indexed = dict(house.engine.fingerprints())
        assert {i for i in (gone, added) if indexed.get(i) != right[i]} <= promised
        assert gone not in {h.item.id for h in finding.find(db, house, reader, "停用之物", limit=100).hits}
        drain(house, INDEX)
        assert desk.outbox("index") == []
        assert index.compare(house, mend=False).same
    assert step > 15


def test_a_rebuild_may_be_killed_at_any_step_while_the_office_goes_on(
    house: House, desk: Office, db: Session, shelf: list[int]
) -> None:
    resumed, step, done = set(), 0, False
    while not done:
        step += 9
        done = kill(house, db, lambda: index.rebuild(house), step)
        for item_id in (shelf[step % 7], shelf[7]):
            db.rollback()
            item = db.get_one(Item, item_id, populate_existing=True)
            desk.step(item, "officer", "restore" if item.state == "withdrawn" else "withdraw", reason="停用")
        drain(house, INDEX)
        assert agrees(db, house)
        resumed.add(index.rebuild(house).resumed > 0)
        assert agrees(db, house)
    assert resumed == {True, False}
    assert step > 50
