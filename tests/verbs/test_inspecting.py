"""Inspections and shelf checks: what is seen, what is missing and opens an incident, what is found again; nobody learns too much."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Invalid
from intranet.jobs import inspect as reminding
from intranet.models import Comment, Copy, Inspection, Item, Link, Message, Place, ShelfCheck
from intranet.verbs import inspecting, inspections, placing, shelf_checks
from tests.office import Clock, Office
from vault.levels import Level


@pytest.fixture
def document(desk: Office) -> Item:
    """A 秘密 file in three copies."""
    return desk.add("document", "custodian", title="成本核算明细", level=Level.CONFIDENTIAL, copies="3")


def copy(db: Session, item: Item, n: int) -> Copy:
    db.rollback()
    return db.scalars(select(Copy).where(Copy.item_id == item.id, Copy.number == n)).one()


def state(db: Session, item: Item) -> str:
    db.rollback()
    return db.get_one(Item, item.id).state


def incidents(db: Session) -> list[Item]:
    db.rollback()
    return list(db.scalars(select(Item).where(Item.kind == "incident").order_by(Item.id)))


def test_a_missing_copy_opens_an_incident_that_names_the_number_only(desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", title="成本核算明细", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        inspecting.inspect(w, item.id, 1, "missing", note="台账无领用记录")
    [incident] = incidents(db)
    assert (state(db, item), copy(db, item, 1).state) == ("missing", "missing")
    assert (incident.level, incident.unit_id) == (item.level, item.unit_id)
    assert item.number in incident.title and "成本" not in incident.title + incident.data["what"]
    assert db.get(Link, (incident.id, item.id, "see")) is not None
    sees = {who for who in ("custodian", "registrar", "lead", "lead_cw", "security", "officer", "cook", "admin", "deputy") if desk.sees(who, incident)}  # fmt: skip
    assert sees == {
        "custodian",
        "registrar",
        "lead",
    }  # cleared, and of the unit; the security officer of the demo is not cleared


def test_what_is_found_again_is_in_and_its_incident_is_told(
    desk: Office, db: Session, document: Item
) -> None:
    with desk.w("custodian") as w:
        inspecting.inspect(w, document.id, 2, "missing")
    assert state(db, document) == "held"  # two of three are in
    with desk.w("registrar") as w:
        inspecting.find(w, document.id, 2, note="夹在他卷中", place="SG-1")
    found = copy(db, document, 2)
    assert (found.state, found.place_id) == ("held", desk.place("SG-1"))
    [incident] = incidents(db)
    assert incident.state == "registered"  # it goes its way all the same
    assert "夹在他卷中" in db.scalars(select(Comment.body).where(Comment.item_id == incident.id)).one()


def test_a_damaged_and_a_misplaced_copy_are_noted_and_count_as_seen(
    desk: Office, db: Session, clock: Clock, document: Item
) -> None:
    clock.forward(days=10)
    with desk.w("custodian") as w:
        inspecting.inspect(w, document.id, 1, "damaged", note="封面受潮", action="送修复")
        inspecting.inspect(w, document.id, 2, "misplaced", seen="SG-1", action="放回原处")
        inspecting.inspect(w, document.id, 3, "misplaced", seen="SG-1", keep_here=True)
    assert {copy(db, document, n).inspected.isoformat() for n in (1, 2, 3)} == {"2026-12-03"}
    assert [copy(db, document, n).place_id for n in (2, 3)] == [desk.place("GZ-1"), desk.place("SG-1")]
    found = inspections.of_item(db, desk.house, desk.actor("custodian"), document.id, clock.now)
    assert [(f.copy.number, f.row.found, f.row.action) for f in found] == [
        (3, "misplaced", "改放此处"), (2, "misplaced", "放回原处"), (1, "damaged", "送修复"),
    ]  # fmt: skip
    with desk.w("custodian") as w:
        assert inspecting.all_present(w, document.id) == 3


def test_the_whole_way_of_a_shelf_check(desk: Office, db: Session, clock: Clock, document: Item) -> None:
    other = desk.add("document", "custodian", level=Level.INTERNAL)  # belongs to the work area
    hidden = desk.add("document", "registrar", level=Level.TOPSECRET)
    with desk.w("registrar") as w:
        w.session.get_one(Place, desk.place("GZ-1")).strength = 4  # only for this test: one shelf for all
        w.session.get_one(Place, desk.place("GZ-1")).own = 4
    with desk.w("registrar") as w:
        placing.put(w, hidden.id, "GZ-1")
    clock.forward(days=3)

    def scan(text: str) -> str:
        with desk.w("custodian") as w:
            return shelf_checks.scan(w, check, text).what

    with desk.w("custodian") as w:
        check = shelf_checks.start(w, "GZ-1").id
    assert scan(f"https://intranet.example/i/{document.number}?copy=1") == "seen"
    assert scan(f"{document.number} 2") == "seen"
    assert scan(f"{document.number.lower()} 第2份") == "again"
    assert scan(other.number) == "extra"
    # what may not be known and what does not exist is the same stray
    assert (scan(hidden.number), scan("BG-A-2026-9999")) == ("stray", "stray")
    with pytest.raises(Invalid):
        scan(document.number)  # which of the three?
    sheet = shelf_checks.view(db, desk.house, desk.actor("custodian"), db.get_one(ShelfCheck, check))
    assert [(x.item.id, x.copy.number) for x in sheet.expected] == [(document.id, 3)]
    assert hidden.id not in {x.item.id for x in [*sheet.seen, *sheet.extra, *sheet.expected]}
    db.rollback()
    with desk.w("custodian") as w:
        shelf_checks.close(w, check, 1)
    db.rollback()
    assert [copy(db, document, n).state for n in (1, 2, 3)] == ["held", "held", "missing"]
    assert copy(db, document, 1).inspected.isoformat() == "2026-11-26"
    assert copy(db, hidden, 1).state == "held"  # not expected, so not missing
    assert copy(db, other, 1).place_id == desk.place("GQ-1")
    [incident] = incidents(db)
    assert f"{document.number} 第 3 份" in incident.title
    rows = db.scalars(select(Inspection).where(Inspection.check_id == check)).all()
    assert sorted(r.found for r in rows) == ["misplaced", "missing", "present", "present"]
    assert next(r for r in rows if r.found == "missing").incident_id == incident.id


def test_a_line_is_struck_a_round_given_up_and_a_lent_copy_is_not_expected(
    desk: Office, db: Session, document: Item
) -> None:
    with desk.w("custodian") as w:
        w.session.get_one(Copy, copy(db, document, 3).id).state = "lent"
    with desk.w("custodian") as w:
        check = shelf_checks.start(w, "GZ-1")
        line = shelf_checks.scan(w, check.id, f"{document.number} 1").line
        shelf_checks.strike(w, check.id, line.row.id)
        number = check.id
    sheet = shelf_checks.view(db, desk.house, desk.actor("custodian"), db.get_one(ShelfCheck, number))
    assert [x.copy.number for x in sheet.expected] == [1, 2]
    db.rollback()
    with desk.w("custodian") as w:
        shelf_checks.drop(w, number)
        shelf_checks.start(w, "SG-1")
    assert incidents(db) == []


def test_what_is_due_follows_the_level_and_the_custodian_is_told_once_a_week(
    desk: Office, db: Session, clock: Clock, document: Item
) -> None:
    desk.add("document", "registrar", level=Level.TOPSECRET)
    custodian, registrar = desk.actor("custodian"), desk.actor("registrar")
    assert inspections.plan(db, desk.house, custodian).total == 0
    clock.forward(days=31)
    assert inspections.plan(db, desk.house, custodian).total == 0
    assert (inspections.plan(db, desk.house, registrar).total, inspections.plan(db, desk.house, registrar).late) == (1, 1)  # fmt: skip
    clock.forward(days=152)  # 183 in all: 秘密 is overdue by a day
    found = inspections.plan(db, desk.house, custodian, size=2)
    assert (found.total, found.late, len(found.rows)) == (3, 3, 2)
    following = inspections.plan(db, desk.house, custodian, size=2, after=found.next)
    assert (len(following.rows), following.next, following.total) == (1, "", 3)
    db.rollback()
    assert reminding.remind(desk.house) == 2
    assert reminding.remind(desk.house) == 0
    clock.forward(days=7)
    assert reminding.remind(desk.house) == 2
    db.rollback()
    assert {m.code for m in db.scalars(select(Message))} == {"inspect.due"}


def test_the_incident_follows_when_the_file_is_raised(desk: Office, db: Session, document: Item) -> None:
    with desk.w("custodian") as w:
        placing.put(w, document.id, "SG-1")
        inspecting.inspect(w, document.id, 1, "missing")
    desk.relevel(document, Level.SECRET, reason="提级")
    assert incidents(db)[0].level == Level.SECRET
