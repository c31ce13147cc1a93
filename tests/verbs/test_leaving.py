"""离岗清退: no account is closed while anything is in hand, of whatever kind; who closes it learns numbers only (row 80, N23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from intranet.errors import Conflict
from intranet.extensions import db
from intranet.models import Approval, Copy, Hop, Item, ShelfCheck, Slip
from intranet.verbs import leaving, loans, people
from tests.office import Office, Statements
from vault.levels import Level


def left(desk: Office, login: str) -> dict[str, int]:
    db.session.rollback()
    return {x.code: x.count for x in leaving.left(db.session(), desk.house, desk.person(login).id)}


def document(desk: Office) -> Item:
    return desk.add("document", "custodian", level=Level.INTERNAL)


def loan(desk: Office, login: str) -> None:
    item = document(desk)
    with desk.w(login) as w:
        found = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=1)).id
    with desk.w("custodian") as w:
        loans.lend(w, found)


def slip(desk: Office, login: str, *, state: str = "moving", hop: bool = False) -> None:
    """A copy on its way, as the verbs of slips leave it."""
    item, by, who = document(desk), desk.person("custodian").id, desk.person(login).id
    with desk.w("cli:test") as w:
        copy = w.session.query(Copy).filter_by(item_id=item.id).one()
        row = Slip(
            number=f"CD-{item.id}", item_id=item.id, copy_id=copy.id, state=state, purpose="传阅", created=w.now, created_by=by,
            holder_id=None if hop or state == "returned" else who, returned_by=who if state == "returned" else None,
        )  # fmt: skip
        w.session.add(row)
        w.session.flush()
        if hop:
            w.session.add(Hop(slip_id=row.id, seq=1, giver_id=by, taker_id=who, given=w.now))


def approval(desk: Office, login: str) -> None:
    item = document(desk)
    with desk.w("cli:test") as w:
        w.session.add(
            Approval(item_id=item.id, what="open", why="核对", asked=w.now, asked_by=desk.person(login).id)
        )


def shelf_check(desk: Office, login: str) -> None:
    with desk.w("cli:test") as w:
        row = ShelfCheck(place_id=desk.place("GQ-1"), by_id=desk.person(login).id, started=w.now)
        w.session.add(row)


def order(desk: Office, login: str) -> None:
    item = desk.add("workorder", "cook")
    desk.step(item, "dispatcher", "assign", worker=desk.person(login).id, due="2026-11-24T12:00")


def complaint(desk: Office, login: str) -> None:
    item = desk.add("complaint", "cook")
    desk.step(item, "handler", "accept", handler=desk.person(login).id, due="2026-11-30T12:00")


@pytest.mark.parametrize(
    ("login", "given", "code"),
    [
        ("lead_cw", loan, "loan"),
        ("lead_cw", slip, "slip"),
        ("lead_cw", lambda d, who: slip(d, who, state="returned"), "slip"),
        ("lead_cw", lambda d, who: slip(d, who, hop=True), "hop"),
        ("lead_cw", approval, "approval"),
        ("registrar", shelf_check, "check"),
        ("plumber", order, "item.workorder"),
        ("handler2", complaint, "item.complaint"),
    ],
)
def test_no_account_is_closed_with_something_in_hand(
    desk: Office, login: str, given: Callable[[Office, str], None], code: str
) -> None:
    assert left(desk, login) == {}
    given(desk, login)
    assert left(desk, login) == {code: 1}
    with pytest.raises(Conflict) as refused, desk.w("admin") as w:
        people.disable(w, desk.person(login).id)
    assert [(x.code, x.count) for x in refused.value.facts["left"]] == [(code, 1)]
    assert desk.person(login).active


def test_whoever_has_given_everything_back_may_go(desk: Office) -> None:
    order(desk, "plumber")
    item = db.session.query(Item).filter_by(kind="workorder").one()
    desk.step(item, "plumber", "accept")
    desk.step(item, "plumber", "finish", work="换了阀芯")
    desk.step(item, "dispatcher", "sign_off")
    with desk.w("admin") as w:
        assert not people.disable(w, desk.person("plumber").id).active


def test_all_questions_are_one_statement(desk: Office, statements: Statements) -> None:
    with statements() as seen:
        leaving.left(db.session(), desk.house, 1)
    assert len([s for s in seen if s != "BEGIN"]) == 1
