"""The unit of work: a refusal undoes everything and is on record; the chain holds; the slower of two is told."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet import work
from intranet.errors import Conflict, Denied, Unavailable
from intranet.extensions import db as database
from intranet.models import Audit, ChainHead, Item, Outbox, Person
from intranet.verbs import items, people
from tests.office import Office
from vault import chain


def _rows(db: Session) -> list[dict[str, object]]:
    db.rollback()
    names = [c.name for c in Audit.__table__.columns]
    return [
        {name: getattr(row, name) for name in names} for row in db.scalars(select(Audit).order_by(Audit.seq))
    ]


def _report(db: Session) -> chain.Report:
    head = db.get(ChainHead, 1, populate_existing=True)
    report = chain.verify(_rows(db))
    assert head is not None
    assert (report.count, report.head) == (head.seq, {"seq": head.seq, "hash": head.hash})
    return report


def test_a_refusal_is_recorded_while_the_change_is_undone(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", title="甲")
    before = _report(db).count
    waiting = len(desk.outbox("index"))

    def half_way() -> None:
        with desk.w("officer") as w:
            items.edit(w, item.id, dict(item.data), title="乙", version=1)
            raise Denied("不行", permission="item:edit")

    with pytest.raises(Denied):
        half_way()
    db.rollback()
    assert db.get_one(Item, item.id, populate_existing=True).title == "甲"
    assert len(desk.outbox("index")) == waiting
    rows = _rows(db)
    assert len(rows) == before + 1
    assert (rows[-1]["actor"], rows[-1]["outcome"], rows[-1]["action"]) == ("officer", "refused", "item:edit")


def test_a_refusal_names_the_item_it_was_about(desk: Office) -> None:
    order = desk.add("workorder", "warden")
    with pytest.raises(Denied):
        desk.step(order, "cook", "cancel", reason="x")
    row = desk.audit("item:view")[-1]
    assert (row.actor, row.outcome, row.number, row.item) == ("cook", "refused", order.number, order.id)


def test_any_other_error_undoes_the_change_and_is_no_audit_row(desk: Office, db: Session) -> None:
    before = _report(db).count
    kind, unit = desk.house.kinds["resource"], desk.unit("BG")
    raw = {"business": "other", "management": "service", "medium": "electronic"}

    def half_way() -> None:
        with desk.w("officer") as w:
            items.create(w, kind, raw, title="半途", unit_id=unit)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    assert _report(db).count == before
    assert db.scalar(select(func.count()).select_from(Item)) == 0


def test_the_chain_of_the_whole_demo_holds_and_a_changed_row_is_found(demo_app: object) -> None:
    session = database.session()
    rows = _rows(session)
    assert len(rows) > 400
    assert _report(session).ok
    assert {str(r["actor"]) for r in rows} > {"admin", "security", "custodian", "reviewer", "plumber", "-"}
    rows[100]["actor"] = "somebody"
    broken = chain.verify(rows)
    assert not broken.ok
    assert broken.first_bad == 101


def test_rows_of_one_change_share_a_request_and_follow_each_other(desk: Office, db: Session) -> None:
    with desk.w("officer") as w:
        w.record("test.one", detail={"n": 1})
        w.record("test.two")
    one, two = _rows(db)[-2:]
    assert one["request"][:16] == two["request"][:16]  # the second half is of the row alone
    assert one["request"] != two["request"]
    assert two["prev"] == one["hash"]
    assert json.loads(str(one["detail"])) == {"n": 1}


def test_two_who_save_at_once_one_is_told(desk: Office, db: Session) -> None:
    """Somebody else's save slips in between reading and writing: the version tells."""
    item = desk.add("resource", "officer", title="甲")
    stale = desk.house.kinds["resource"]

    def slower() -> None:
        with desk.w("officer") as w:
            mine = w.session.get_one(Item, item.id)
            w.session.connection().exec_driver_sql(
                f"UPDATE item SET version = version + 1 WHERE id = {item.id}"
            )
            mine.title = "乙"
            items.saved(w, stale, mine, "edit", "")

    with pytest.raises(Conflict):
        slower()
    db.rollback()
    assert db.get_one(Item, item.id, populate_existing=True).title == "甲"


def test_a_name_already_taken_is_a_conflict_not_a_crash(desk: Office) -> None:
    unit = desk.unit("HQ")
    with pytest.raises(Conflict), desk.w("admin") as w:
        w.session.add_all([Person(login="twin", name="双", unit_id=unit, created=w.now) for _i in range(2)])


def test_a_database_that_is_away_is_unavailable(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_a: object) -> None:
        raise OperationalError("", {}, Exception("disk full"))

    monkeypatch.setattr(work.Work, "append", away)
    with pytest.raises(Unavailable), desk.w("admin") as w:
        people.prefer(w, language="en")


def test_effects_are_written_with_the_change(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer")
    row = db.scalars(select(Outbox).where(Outbox.topic == "index")).one()
    assert (row.item_id, row.ready) == (item.id, desk.house.clock())


def test_no_body_and_no_value_stands_in_the_log(desk: Office, db: Session) -> None:
    desk.add("resource", "officer", title="题名在此", body="正文的秘密字句")
    desk.add("complaint", "", statement="投诉的具体字句", name="郝女士", contact="内线 8123")
    log = json.dumps(_rows(db), ensure_ascii=False)
    assert not any(words in log for words in ("正文的秘密字句", "投诉的具体字句", "郝女士", "内线 8123"))
