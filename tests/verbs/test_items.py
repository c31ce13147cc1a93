"""Adding, editing, stepping, linking: what is kept, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.models import Grant, Item, ItemValue, Link, Revision
from intranet.verbs import items, levels, reading, relations
from intranet.verbs.reading import Filter
from tests.office import Clock, Office, Statements
from vault.levels import Level


def _revisions(db: Session, item: Item) -> list[str]:
    return list(
        db.scalars(select(Revision.action).where(Revision.item_id == item.id).order_by(Revision.version))
    )


# -- adding -------------------------------------------------------------------------------------------------------
def test_numbers_count_on_and_are_never_given_twice(desk: Office) -> None:
    numbers = [desk.add("resource", "officer").number for _i in range(3)]
    assert numbers == ["ZY-2026-00001", "ZY-2026-00002", "ZY-2026-00003"]


def test_documents_count_by_unit_level_and_year(desk: Office, clock: Clock) -> None:
    assert desk.add("document", "custodian", level=Level.SECRET).number == "BG-J-2026-0001"
    assert desk.add("document", "custodian", level=Level.INTERNAL).number == "BG-N-2026-0001"
    assert desk.add("document", "custodian", level=Level.SECRET, unit="WX").number == "WX-J-2026-0001"
    clock.forward(days=60)
    assert desk.add("document", "custodian", level=Level.SECRET).number == "BG-J-2027-0001"


def test_a_refused_entry_takes_no_number(desk: Office) -> None:
    with pytest.raises(Invalid):
        desk.add("resource", "officer", business="nonsense")
    assert desk.add("resource", "officer").number == "ZY-2026-00001"


def test_every_wrong_field_is_said_at_once(desk: Office) -> None:
    with pytest.raises(Invalid) as refused:
        desk.add(
            "document", "custodian", title=" ", author="", dated="2027-01-01", retention="ever", place=""
        )
    assert set(refused.value.errors) == {"title", "author", "dated", "retention", "place"}


def test_paper_without_a_place_is_refused(desk: Office) -> None:
    with pytest.raises(Invalid):
        desk.add("resource", "officer", medium="paper")
    assert desk.add("resource", "officer", medium="paper", place=desk.place("GQ-1")).data["place"]


@pytest.mark.parametrize(
    ("level", "place", "fits"),
    [(Level.CONFIDENTIAL, "GQ-1", False), (Level.CONFIDENTIAL, "GZ-1", True), (Level.SECRET, "GZ-1", False),
     (Level.INTERNAL, "SG-1", True), (Level.SECRET, "BMS-1", True)],
)  # fmt: skip
def test_a_place_weaker_than_the_level_is_refused(desk: Office, level: Level, place: str, fits: bool) -> None:
    if fits:
        desk.add("document", "custodian", level=level, place=desk.place(place))
        return
    with pytest.raises(Invalid) as refused:
        desk.add("document", "custodian", level=level, place=desk.place(place))
    assert set(refused.value.errors) == {"place"}


def test_who_may_not_add_is_refused_and_it_is_on_record(desk: Office) -> None:
    with pytest.raises(Denied):
        desk.add("document", "cook")
    assert [a.outcome for a in desk.audit("item:add")] == ["refused"]


# -- editing ------------------------------------------------------------------------------------------------------
def test_an_edit_is_a_revision_and_the_one_before_is_kept(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", title="值班表", body="甲")
    with desk.w("officer") as w:
        items.edit(w, item.id, dict(item.data) | {"body": "乙"}, title="值班表", version=1, reason="换班")
    rows = db.scalars(select(Revision).where(Revision.item_id == item.id).order_by(Revision.version)).all()
    assert [(r.version, r.action, r.data["body"], r.reason) for r in rows] == [
        (1, "create", "甲", ""), (2, "edit", "乙", "换班"),
    ]  # fmt: skip


def test_an_edit_that_changes_nothing_is_no_revision(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer")
    with desk.w("officer") as w:
        items.edit(w, item.id, dict(item.data), title=item.title, version=1)
    assert _revisions(db, item) == ["create"]


def test_whoever_saves_second_is_told_and_overwrites_nothing(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", body="甲")
    with desk.w("officer") as w:
        items.edit(w, item.id, dict(item.data) | {"body": "乙"}, title=item.title, version=1)
    with pytest.raises(Conflict), desk.w("lead") as w:
        items.edit(w, item.id, dict(item.data) | {"body": "丙"}, title=item.title, version=1)
    db.rollback()
    assert db.get_one(Item, item.id, populate_existing=True).data["body"] == "乙"


def test_emptied_fields_are_empty_and_filters_follow(desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", review="2026-12-01", business="finance")
    with desk.w("officer") as w:
        raw = dict(item.data) | {"review": "", "business": "contract"}
        items.edit(w, item.id, raw, title=item.title, version=None)
    kept = {v.field: v.text for v in db.scalars(select(ItemValue).where(ItemValue.item_id == item.id))}
    assert kept["business"] == "contract"
    assert "review" not in kept
    assert item.due is None


# -- stepping -----------------------------------------------------------------------------------------------------
def test_a_step_not_from_this_state_is_a_conflict(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    desk.step(order, "cook", "cancel", reason="已好")
    with pytest.raises(Conflict):
        desk.step(order, "dispatcher", "assign", worker=str(desk.person("plumber").id))


def test_a_step_that_needs_a_reason_gets_one(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    with pytest.raises(Invalid) as refused:
        desk.step(order, "cook", "cancel")
    assert set(refused.value.errors) == {"reason"}


def test_there_is_no_step_beside_the_declared_ones(desk: Office) -> None:
    document = desk.add("document", "custodian")
    for name in ("lend", "destroy", "explode"):  # two of them have verbs of their own
        with pytest.raises(Missing):
            desk.step(document, "custodian", name)


def test_naming_a_worker_gives_that_worker_the_item_and_the_next_one_takes_it(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    due = "2026-11-24T10:00"
    desk.step(order, "dispatcher", "assign", worker=str(desk.person("plumber").id), due=due)
    assert desk.sees("plumber", order)
    desk.step(order, "plumber", "refuse", reason="不在班")
    desk.step(order, "dispatcher", "assign", worker=str(desk.person("electrician").id), due=due)
    assert desk.sees("electrician", order)
    assert not desk.sees("plumber", order)


def test_only_a_technician_can_be_named_as_worker(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    with pytest.raises(Invalid) as refused:
        desk.step(order, "dispatcher", "assign", worker=str(desk.person("cook").id))
    assert set(refused.value.errors) == {"worker"}


def test_a_due_time_runs_in_the_time_of_the_office(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    desk.step(order, "dispatcher", "assign", worker=str(desk.person("plumber").id), due="2026-11-24T10:00")
    assert order.due is not None
    assert order.due.isoformat() == "2026-11-24T10:00:00+08:00"


# -- readers, links, remarks --------------------------------------------------------------------------------------
def test_a_grant_and_its_end_are_told_to_the_index(desk: Office, db: Session) -> None:
    document = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    before = len(desk.outbox("index"))
    with desk.w("custodian") as w:
        items.grant(
            w,
            document.id,
            person_id=desk.person("lead_cw").id,
            until=w.now + timedelta(days=1),
            reason="核对",
        )
    rows = desk.outbox("index")[before:]
    assert [r.ready - r.created for r in rows] == [timedelta(0), timedelta(days=1)]
    row = db.scalars(select(Grant).where(Grant.item_id == document.id)).one()
    with desk.w("custodian") as w:
        items.revoke(w, document.id, row.id)
    assert not desk.sees("lead_cw", document)


@pytest.mark.parametrize("whom", [{}, {"person_id": 1, "unit_id": 1}])
def test_a_grant_names_a_person_or_a_unit(desk: Office, whom: dict[str, int]) -> None:
    document = desk.add("document", "custodian")
    with pytest.raises(Invalid), desk.w("custodian") as w:
        items.grant(w, document.id, **whom)


def test_a_link_made_twice_is_one_link(desk: Office, db: Session) -> None:
    new, old = desk.add("resource", "officer"), desk.add("resource", "officer")
    for _i in range(2):
        with desk.w("officer") as w:
            relations.link(w, new, old, "version")
    assert db.scalar(select(func.count()).select_from(Link)) == 1


def test_remarks_are_for_those_who_take_part(desk: Office) -> None:
    order = desk.add("workorder", "cook")
    with desk.w("cook") as w:
        assert items.comment(w, order.id, " 请下午来 ").body == "请下午来"
    with pytest.raises(Denied), desk.w("lead_st") as w:  # sees it, takes no part
        items.comment(w, order.id, "看一下")
    with pytest.raises(Invalid), desk.w("cook") as w:
        items.comment(w, order.id, "  ")


# -- levels -------------------------------------------------------------------------------------------------------
def test_raising_the_level_needs_a_stronger_place_first(desk: Office) -> None:
    document = desk.add("document", "custodian", level=Level.CONFIDENTIAL)  # stands in a cabinet
    with pytest.raises(Invalid) as refused, desk.w("custodian") as w:
        levels.propose(w, document.id, Level.SECRET, reason="复核")
    assert set(refused.value.errors) == {"level"}


def test_a_change_of_level_says_why_and_keeps_the_number(desk: Office, db: Session) -> None:
    document = desk.add("document", "custodian", level=Level.CONFIDENTIAL, place=desk.place("SG-1"))
    number = document.number
    desk.relevel(document, Level.SECRET, reason="复核后提级")
    last = db.scalars(
        select(Revision).where(Revision.item_id == document.id).order_by(Revision.version.desc())
    )
    assert last.first().reason == "秘密 → 机密：复核后提级"  # type: ignore[union-attr]
    assert document.number == number


# -- lists --------------------------------------------------------------------------------------------------------
def test_a_list_pages_through_everything_once(desk: Office, db: Session) -> None:
    made = {desk.add("resource", "officer").id for _i in range(7)}
    kind, seen, after = desk.house.kinds["resource"], [], ""
    while True:
        page = reading.page(
            db, desk.house, desk.actor("cook"), kind, Filter(after=after), desk.house.clock(), size=3
        )
        seen += [i.id for i in page.items]
        if not (after := page.next):
            break
    assert sorted(seen) == sorted(made)
    assert page.total == 7


@pytest.mark.parametrize(
    "order", ["number", "-number", "due", "-due", "-issued", "issued", "business", "-updated"]
)
def test_every_order_pages_without_loss(desk: Office, db: Session, clock: Clock, order: str) -> None:
    made = []
    for n in range(5):
        clock.forward(minutes=1)
        given = {"issued": f"2026-10-0{n + 1}", "review": "2026-12-01"} if n % 2 else {}
        made.append(desk.add("resource", "officer", **given).id)
    kind, seen, after = desk.house.kinds["resource"], [], ""
    for _i in range(5):
        f = Filter(order=order, after=after)
        page = reading.page(db, desk.house, desk.actor("cook"), kind, f, desk.house.clock(), size=2)
        seen += [i.id for i in page.items]
        if not (after := page.next):
            break
    assert sorted(seen) == sorted(made)


def test_a_list_costs_few_statements_however_long_it_is(
    desk: Office, db: Session, statements: Statements
) -> None:
    for _i in range(6):
        desk.add("resource", "officer")
    cook = desk.actor("cook")
    db.rollback()
    with statements() as seen:
        reading.page(db, desk.house, cook, desk.house.kinds["resource"], Filter(), desk.house.clock())
    assert len(seen) <= 3


def test_a_list_never_counts_what_it_does_not_show(desk: Office, db: Session) -> None:
    desk.add("document", "custodian", level=Level.SECRET)
    desk.add("document", "custodian", level=Level.INTERNAL)
    page = reading.page(
        db, desk.house, desk.actor("cook"), desk.house.kinds["document"], Filter(), desk.house.clock()
    )
    assert (page.total, page.states) == (1, {"held": 1})
