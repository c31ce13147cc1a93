"""文件传递单: the whole way of a slip, what goes with it and ends with it (REQUIREMENTS A3 Circulation; FEATURES rows 73-76)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from intranet.errors import Denied, Invalid
from intranet.models import Grant, Hop, Item, Slip
from intranet.policy import Permission
from intranet.verbs import items, slip_hops, slips
from tests.office import Clock, Office
from tests.verbs.slip_office import copy_of, do, document, drafted, facts, give, hop, moving, pending, slip_of
from vault.levels import Level


def live_grants(db: Session, item: Item) -> list[Grant]:
    db.rollback()
    return list(db.scalars(select(Grant).where(Grant.item_id == item.id, Grant.revoked.is_(None))))


def test_the_whole_way_through_the_custodian(desk: Office, db: Session) -> None:
    """Custodian -> reader -> custodian -> reader -> back -> checked by who did not hold it last."""
    item = document(desk)
    number = drafted(desk, item, "lead_cw", "lead_wx")
    assert number == "CD-BG-2026-0001"
    assert (slip_of(desk, number).state, copy_of(desk, number).state) == ("draft", "held")
    do(desk, "custodian", slips.submit, number)
    assert not desk.sees("lead_cw", item)
    do(desk, "lead", slips.approve, number)
    assert (copy_of(desk, number).state, db.get_one(Item, item.id).state) == ("circulating", "lent")
    assert desk.sees("lead_cw", item) and desk.sees("lead_wx", item) and not desk.sees("lead_st", item)

    give(desk, number, "custodian", "lead_cw")
    assert slip_of(desk, number).holder_id is None  # offered is not given
    do(desk, "lead_cw", slip_hops.take, number)
    assert slip_of(desk, number).holder_id == desk.person("lead_cw").id
    hop(desk, number, "lead_cw", "custodian")
    hop(desk, number, "custodian", "lead_wx")
    hop(desk, number, "lead_wx", "registrar", back=True)
    assert (slip_of(desk, number).state, copy_of(desk, number).state) == ("returned", "returned")
    assert not desk.sees("lead_cw", item) and not live_grants(db, item)
    do(desk, "registrar", slip_hops.check, number, result="完好，页数相符")
    slip = slip_of(desk, number)
    assert (slip.state, slip.result) == ("closed", "完好，页数相符")
    assert slip.returned_by == desk.person("lead_wx").id
    assert (copy_of(desk, number).state, db.get_one(Item, item.id).state) == ("held", "held")
    told = [r.action for r in desk.audit("slip.take")]
    assert len(told) == 4 and desk.audit("slip.check")[0].number == item.number


def test_from_reader_to_reader_where_the_slip_says_so(desk: Office) -> None:
    number = moving(desk, document(desk), "lead_cw", "lead_wx", direct=True)
    hop(desk, number, "custodian", "lead_cw")
    hop(desk, number, "lead_cw", "lead_wx")
    assert slip_of(desk, number).holder_id == desk.person("lead_wx").id


def test_a_unit_in_the_scope_is_everybody_of_it_who_is_cleared(desk: Office) -> None:
    item = document(desk)
    number = moving(desk, item, units=(desk.unit("CW"),))
    hop(desk, number, "custodian", "officer_cw")
    assert slip_of(desk, number).holder_id == desk.person("officer_cw").id


def test_who_does_not_take_it_says_why_and_the_giver_still_has_it(desk: Office, db: Session) -> None:
    number = moving(desk, document(desk), "lead_cw", "lead_wx")
    give(desk, number, "custodian", "lead_cw")
    do(desk, "lead_cw", slip_hops.refuse, number, "出差，下周再阅")
    give(desk, number, "custodian", "lead_wx")
    do(desk, "custodian", slip_hops.recall, number)
    hop(desk, number, "custodian", "lead_wx")
    db.rollback()
    assert [(h.seq, bool(h.taken), bool(h.refused)) for h in db.scalars(select(Hop).order_by(Hop.seq))] == [
        (1, False, True), (2, False, True), (3, True, False),
    ]  # fmt: skip


def test_both_words_stand_where_the_taker_saw_something_else(desk: Office, db: Session) -> None:
    number = moving(desk, document(desk), "lead_cw")
    give(desk, number, "custodian", "lead_cw")
    do(desk, "lead_cw", slip_hops.take, number, condition="缺第 3 页")
    db.rollback()
    assert db.scalars(select(Hop)).one().condition == "交出：完好；接收：缺第 3 页"


def test_the_custodian_puts_it_back_and_another_checks(desk: Office) -> None:
    number = moving(desk, document(desk), "lead_cw")
    hop(desk, number, "custodian", "lead_cw")
    hop(desk, number, "lead_cw", "custodian")
    do(desk, "custodian", slip_hops.put_back, number)
    with pytest.raises(Denied, match="最后的持有人"):
        do(desk, "custodian", slip_hops.check, number, result="完好")
    do(desk, "registrar", slip_hops.check, number, result="完好")
    assert slip_of(desk, number).state == "closed"


def test_the_way_back_is_open_when_the_cycle_is_over(desk: Office, clock: Clock) -> None:
    """The scope ends with the cycle; whoever has the paper still knows of the file, and gives it back."""
    item = document(desk)
    number = moving(desk, item, "lead_cw", "lead_wx")
    hop(desk, number, "custodian", "lead_cw")
    clock.forward(days=20)
    today = clock().date()
    assert desk.sees("lead_cw", item) and not desk.sees("lead_wx", item)
    with desk.w("lead_cw") as w:
        assert slips.overdue(w.session, w.actor.id or 0, today)
        assert not slips.overdue(w.session, desk.person("lead_wx").id, today)
    hop(desk, number, "lead_cw", "custodian", back=True)
    do(desk, "custodian", slip_hops.check, number, result="完好")


def test_the_slip_takes_back_only_what_it_gave(desk: Office, db: Session) -> None:
    item = document(desk)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id, reason="工作需要")
    number = moving(desk, item, "lead_cw", "lead_wx")
    hop(desk, number, "custodian", "lead_cw")
    hop(desk, number, "lead_cw", "custodian", back=True)
    assert [g.reason for g in live_grants(db, item)] == ["工作需要"]
    assert desk.sees("lead_cw", item) and not desk.sees("lead_wx", item)


def test_the_slip_opens_no_electronic_body(desk: Office) -> None:
    item = document(desk)
    moving(desk, item, "lead_cw")
    assert desk.sees("lead_cw", item)
    assert not desk.may("lead_cw", Permission.BODY_OPEN, item, fresh=True)


def test_what_is_lost_is_missing_and_nobody_has_it(desk: Office, db: Session) -> None:
    item = document(desk)
    number = moving(desk, item, "lead_cw")
    hop(desk, number, "custodian", "lead_cw")
    do(desk, "lead_cw", slip_hops.lost, number, "会后清点不见")
    assert (slip_of(desk, number).state, copy_of(desk, number).state) == ("lost", "missing")
    assert db.get_one(Item, item.id).state == "missing" and not live_grants(db, item)


def test_from_whoever_has_left_the_custodian_fetches_it(desk: Office, db: Session) -> None:
    number = moving(desk, document(desk), "lead_cw")
    hop(desk, number, "custodian", "lead_cw")
    desk.person("lead_cw").active = False
    db.commit()
    do(desk, "custodian", slip_hops.recover, number, "人员离岗，从办公桌取回")
    with pytest.raises(Denied):
        do(desk, "custodian", slip_hops.check, number, result="完好")
    do(desk, "registrar", slip_hops.check, number, result="完好")


def test_withdrawn_before_it_left_it_stands_in_its_place_again(desk: Office, db: Session) -> None:
    item = document(desk)
    number = moving(desk, item, "lead_cw")
    give(desk, number, "custodian", "lead_cw")
    do(desk, "custodian", slips.withdraw, number)
    assert (slip_of(desk, number).state, copy_of(desk, number).state) == ("withdrawn", "held")
    assert not desk.sees("lead_cw", item)
    assert moving(desk, item, "lead_cw") == "CD-BG-2026-0002"  # a number is never given twice


def test_a_draft_may_be_unfinished_and_says_all_that_is_missing_when_submitted(desk: Office) -> None:
    number = drafted(desk, document(desk), purpose=" ", starts=None, ends=None)
    with pytest.raises(Invalid) as wrong:
        do(desk, "custodian", slips.submit, number)
    assert set(wrong.value.errors) == {"purpose", "scope", "ends"}
    do(desk, "custodian", slips.edit, number, facts(desk, "lead_cw", "lead_wx"))
    do(desk, "custodian", slips.edit, number, facts(desk, "lead_wx"))
    do(desk, "custodian", slips.submit, number)
    do(desk, "lead", slips.reject, number, "范围过小")
    assert slip_of(desk, number).said == "范围过小"


@pytest.mark.parametrize(("level", "most"), [(Level.INTERNAL, 90), (Level.SECRET, 90), (Level.TOPSECRET, 30)])
def test_a_cycle_is_as_long_as_its_level_allows(desk: Office, level: Level, most: int) -> None:
    item = document(desk, level=level, by="registrar")
    today = desk.house.clock().astimezone(desk.house.zone).date()
    with pytest.raises(Invalid, match="不得超过"):
        drafted(desk, item, by="registrar", ends=today + timedelta(days=most + 1))
    drafted(desk, item, by="registrar", ends=today + timedelta(days=most))


def test_the_database_too_knows_only_one_open_slip_for_a_copy(desk: Office, db: Session) -> None:
    slip = slip_of(desk, pending(desk, document(desk), "lead_cw"))
    db.add(
        Slip(number="CD-X", item_id=slip.item_id, copy_id=slip.copy_id, purpose="", created=slip.created, created_by=slip.created_by)
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        db.flush()
    db.rollback()
