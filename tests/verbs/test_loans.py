"""借阅: apply, lend, return, check; and every way in which it is refused (FEATURES row 72; seeds L48-51)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.jobs import expire
from intranet.models import Extension, Hold, Item, Loan
from intranet.policy import Permission
from intranet.verbs import extending, items, levels, loans, people, reading_room
from tests.office import Clock, Office
from tests.reading import begin, see
from vault.levels import Level

TODAY = date(2026, 11, 23)


@pytest.fixture
def document(desk: Office) -> Item:
    """A confidential file of the office with a body, which the finance head may know of."""
    blob = desk.deposit("custodian", "只许借阅者看".encode(), level=Level.CONFIDENTIAL)
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL, blobs=(blob,))
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    return item


def _apply(desk: Office, item: Item, login: str = "lead_cw", days: int = 7) -> Loan:
    with desk.w(login) as w:
        return loans.apply(w, item.id, purpose="核对", until=TODAY + timedelta(days=days))


def _lent(desk: Office, item: Item, login: str = "lead_cw", days: int = 7) -> Loan:
    loan = _apply(desk, item, login, days)
    with desk.w("custodian") as w:
        return loans.lend(w, loan.id)


def _body(desk: Office, login: str, item: Item, *, fresh: bool = False) -> bytes:
    """What a page would be made of, for whoever may see one now."""
    with desk.w(login, fresh=fresh) as w:
        reads = reading_room.live(w.session, w.actor, item.id, w.now)
    if reads is None:
        begin(desk, item, login, fresh=fresh)
    return b"".join(see(desk, item, login, fresh=fresh).opened.read())


def test_the_whole_way_of_a_loan(desk: Office, document: Item) -> None:
    loan = _apply(desk, document)
    assert (loan.state, document.state) == ("applied", "held")
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    assert document.state == "lent"
    assert _body(desk, "lead_cw", document).decode() == "只许借阅者看"
    with desk.w("lead_cw") as w:
        loans.give_back(w, loan.id)
    assert document.state == "returned"
    with desk.w("custodian") as w:
        done = loans.check(w, loan.id, condition="完好，页数相符")
    assert document.state == "held"
    assert (done.state, done.condition, done.checked_by) == (
        "checked",
        "完好，页数相符",
        desk.person("custodian").id,
    )
    told = [
        a.action
        for action in ("loan.apply", "loan.lend", "loan.return", "loan.check")
        for a in desk.audit(action)
    ]
    assert told == ["loan.apply", "loan.lend", "loan.return", "loan.check"]


def test_the_body_is_open_only_while_it_is_lent_and_only_to_the_borrower(
    desk: Office, document: Item, clock: Clock
) -> None:
    with pytest.raises(Denied):
        _body(desk, "lead_cw", document)
    loan = _lent(desk, document, days=3)
    assert _body(desk, "lead_cw", document)
    with pytest.raises(Denied):
        _body(desk, "lead", document)
    clock.forward(days=4)
    with pytest.raises(Denied):  # overdue closes the body by itself
        _body(desk, "lead_cw", document)
    clock.forward(days=-4)
    with desk.w("lead_cw") as w:
        loans.give_back(w, loan.id)
    with pytest.raises(Denied):
        _body(desk, "lead_cw", document)


def test_a_secret_body_also_needs_a_fresh_second_factor(desk: Office) -> None:
    blob = desk.deposit("custodian", b"x", level=Level.SECRET)
    item = desk.add("document", "custodian", level=Level.SECRET, blobs=(blob,))
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("deputy").id)
    _lent(desk, item, "deputy")
    with pytest.raises(Denied):
        _body(desk, "deputy", item)
    assert _body(desk, "deputy", item, fresh=True) == b"x"


def test_nobody_lends_or_checks_their_own_loan(desk: Office, document: Item) -> None:
    loan = _apply(desk, document, "custodian")
    with pytest.raises(Denied), desk.w("custodian") as w:
        loans.lend(w, loan.id)
    with desk.w("registrar") as w:
        loans.lend(w, loan.id)
    with desk.w("custodian") as w:
        loans.give_back(w, loan.id)
    with pytest.raises(Denied), desk.w("custodian") as w:
        loans.check(w, loan.id, condition="完好")


def test_one_copy_is_with_one_person(desk: Office, document: Item) -> None:
    first, second = _apply(desk, document), _apply(desk, document, "lead")
    with desk.w("custodian") as w:
        loans.lend(w, first.id)
    with pytest.raises(Conflict), desk.w("custodian") as w:
        loans.lend(w, second.id)


def test_a_second_application_for_the_same_file_is_refused(desk: Office, document: Item) -> None:
    _apply(desk, document)
    with pytest.raises(Conflict):
        _apply(desk, document)


@pytest.mark.parametrize("days", [-1, 15])
def test_the_date_of_return_lies_within_the_allowed_time(desk: Office, document: Item, days: int) -> None:
    with pytest.raises(Invalid):
        _apply(desk, document, days=days)


def test_no_purpose_no_loan(desk: Office, document: Item) -> None:
    with pytest.raises(Invalid), desk.w("lead_cw") as w:
        loans.apply(w, document.id, purpose=" ", until=TODAY)


def test_whoever_has_an_overdue_file_borrows_no_other(desk: Office, document: Item, clock: Clock) -> None:
    _lent(desk, document, days=2)
    other = desk.add("document", "custodian", level=Level.INTERNAL)
    clock.forward(days=3)
    with pytest.raises(Denied), desk.w("lead_cw") as w:
        loans.apply(w, other.id, purpose="核对", until=TODAY + timedelta(days=5))


def test_what_one_may_not_know_of_one_cannot_ask_for(desk: Office, document: Item) -> None:
    with pytest.raises(Denied) as refused:
        _apply(desk, document, "cook")
    assert refused.value.hidden


def test_who_lost_the_clearance_meanwhile_gets_nothing(desk: Office, document: Item) -> None:
    loan = _apply(desk, document)
    with desk.w("security") as w:
        people.standing(w, desk.person("lead_cw").id, clearance=Level.INTERNAL, roles=[])
    with pytest.raises(Conflict), desk.w("custodian") as w:
        loans.lend(w, loan.id)


def test_a_refusal_has_a_reason_and_a_step_is_done_once(desk: Office, document: Item) -> None:
    loan = _apply(desk, document)
    with pytest.raises(Invalid), desk.w("custodian") as w:
        loans.refuse(w, loan.id, " ")
    with desk.w("custodian") as w:
        loans.refuse(w, loan.id, "无需借阅原件")
    with pytest.raises(Conflict), desk.w("custodian") as w:
        loans.lend(w, loan.id)


def test_only_the_applicant_withdraws(desk: Office, document: Item) -> None:
    loan = _apply(desk, document)
    with pytest.raises(Denied), desk.w("lead") as w:
        loans.withdraw(w, loan.id)
    with desk.w("lead_cw") as w:
        assert loans.withdraw(w, loan.id).state == "withdrawn"
    with pytest.raises(Missing), desk.w("custodian") as w:
        loans.lend(w, 999)


def test_a_file_that_is_out_is_not_disposed_of_nor_its_level_changed(desk: Office, document: Item) -> None:
    _lent(desk, document)
    with pytest.raises(Conflict):
        desk.end(document, to="proposed")
    with pytest.raises(Conflict), desk.w("registrar") as w:
        levels.propose(w, document.id, Level.INTERNAL, reason="公开")


def test_whoever_holds_a_file_is_not_disabled(desk: Office, document: Item) -> None:
    _lent(desk, document)
    with pytest.raises(Conflict), desk.w("admin") as w:
        people.disable(w, desk.person("lead_cw").id)


def test_each_check_needs_what_was_seen(desk: Office, document: Item, db: Session) -> None:
    loan = _lent(desk, document)
    with desk.w("custodian") as w:
        loans.give_back(w, loan.id)  # brought to the desk
    with pytest.raises(Invalid), desk.w("custodian") as w:
        loans.check(w, loan.id, condition="")
    assert db.get_one(Loan, loan.id, populate_existing=True).state == "returned"
    assert desk.may("registrar", Permission.LOAN_CHECK, document)


def test_the_body_opens_from_the_hand_over_not_from_the_approval(desk: Office, document: Item) -> None:
    loan = _apply(desk, document)
    with desk.w("registrar") as w:
        loans.approve(w, loan.id)
    with pytest.raises(Denied):
        _body(desk, "lead_cw", document)
    with desk.w("custodian") as w:
        given = loans.hand_over(w, loan.id)
    assert _body(desk, "lead_cw", document)
    assert (given.decided_by, given.handed_by) == (desk.person("registrar").id, desk.person("custodian").id)
    with desk.w("lead_cw") as w:
        assert loans.receive(w, loan.id).received == w.now


def test_who_is_in_a_hurry_does_both_and_the_log_has_both(desk: Office, document: Item) -> None:
    loan = _lent(desk, document)
    assert loan.decided == loan.handed
    assert len(desk.audit("loan.approve")) == len(desk.audit("loan.lend")) == 1
    assert desk.audit("loan.approve")[0].request[:16] == desk.audit("loan.lend")[0].request[:16]


def test_the_copy_asked_for_is_handed_over_or_another_by_choice(desk: Office) -> None:
    item = desk.add("document", "custodian", level=Level.INTERNAL, copies="3")
    numbers = []
    for login, asked, given in (("cook", 2, None), ("officer", None, None), ("lead", 1, 3)):
        with desk.w(login) as w:
            loan = loans.apply(w, item.id, purpose="核对", until=TODAY, number=asked).id
        with desk.w("custodian") as w:
            loans.lend(w, loan, number=given)
        numbers.append(desk.audit("loan.lend")[-1].detail.partition('"copy": ')[2][0])
    assert numbers == ["2", "1", "3"]
    assert item.state == "lent"  # only now that none is in


def test_what_nobody_comes_for_runs_out_and_may_be_asked_for_again(
    desk: Office, document: Item, clock: Clock, db: Session
) -> None:
    loan = _apply(desk, document, days=2).id
    with desk.w("custodian") as w:
        loans.approve(w, loan)
    clock.forward(days=3)
    again = _apply(desk, document, days=7)  # before the worker has come by
    assert expire.loans(desk.house) == 1
    db.rollback()
    assert [db.get_one(Loan, n).state for n in (loan, again.id)] == ["expired", "applied"]


def test_a_later_day_leaves_the_one_that_was_asked_for(desk: Office, document: Item, clock: Clock) -> None:
    loan = _lent(desk, document, days=5)
    clock.forward(days=4)
    later = TODAY + timedelta(days=12)
    with desk.w("lead_cw") as w:
        extending.ask(w, loan.id, until=later, why="测算未完")
    with desk.w("custodian") as w:
        extending.grant(w, loan.id)
    clock.forward(days=5)
    assert _body(desk, "lead_cw", document)  # the ninth day: past the first date, within the second
    assert (loan.until, loan.asked_until) == (later, TODAY + timedelta(days=5))


def test_a_request_for_more_time_ends_with_the_return(desk: Office, document: Item, db: Session) -> None:
    loan = _lent(desk, document, days=5)
    with desk.w("lead_cw") as w:
        asked = extending.ask(w, loan.id, until=TODAY + timedelta(days=9), why="测算未完").id
        loans.give_back(w, loan.id)
    assert db.get_one(Extension, asked, populate_existing=True).outcome == "withdrawn"


def test_a_file_on_hold_is_lent_like_another(desk: Office, document: Item) -> None:
    with desk.w("cli:test") as w:
        by = desk.person("custodian").id
        w.session.add(Hold(item_id=document.id, reason="诉讼", at=w.now, by_id=by))
    assert _lent(desk, document).state == "lent"
