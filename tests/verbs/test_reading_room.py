"""Sessions of reading without a browser: who is told, how long, and that a page is given exactly where the rule says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, DomainError
from intranet.extensions import db as database
from intranet.jobs import remind
from intranet.models import Approval, Item, Loan, Message, Person, Reading
from intranet.verbs import glass, loans, opening, reading_room
from tests.office import Clock, Office
from tests.reading import begin, blob_of, kept, lend, see
from vault.levels import Level

WHY = "管道爆裂须立即查图关阀"


def test_a_session_ends_with_the_last_day_of_the_loan(desk: Office, clock: Clock) -> None:
    item = kept(desk, Level.CONFIDENTIAL, readers=("lead_cw",))
    lend(desk, item, "lead_cw", days=0)
    clock.forward(hours=14, minutes=45)  # 23:45
    reading = begin(desk, item, "lead_cw")
    assert reading.until - clock.now == timedelta(minutes=15)


def test_everyone_on_the_list_is_told_with_the_opening_itself(desk: Office, db: Session) -> None:
    """And nobody who may not know of it: the security officer is cleared for less."""
    item = kept(desk, Level.CONFIDENTIAL, readers=("lead_cw", "officer_cw"))
    with desk.w("lead_cw") as w:
        glass.break_glass(w, item.id, reason=WHY)
        w.session.flush()
        told = select(Person.login).join(Message, Message.person_id == Person.id)
        assert set(w.session.scalars(told.where(Message.code == "glass.opened"))) == {
            "custodian",
            "registrar",
            "lead",
            "officer_cw",
        } | ({"leader", "deputy"} if desk.sees("leader", item) else set())
    assert [a.outcome for a in desk.audit("glass.break")] == ["alarm"]


def test_a_review_that_is_late_is_told_each_day_to_those_who_may_give_it(
    desk: Office, db: Session, clock: Clock
) -> None:
    item = kept(desk, Level.CONFIDENTIAL, readers=("lead_cw",))
    with desk.w("lead_cw") as w:
        approval = glass.break_glass(w, item.id, reason=WHY).approval_id
    assert remind.reviews(desk.house) == 0
    clock.forward(hours=24)
    first = remind.reviews(desk.house)
    assert first >= 2 and remind.reviews(desk.house) == 0
    opener = desk.person("lead_cw").id
    late = db.scalars(select(Message.person_id).where(Message.code == "glass.late")).all()
    assert opener not in late
    with desk.w("custodian") as w:
        glass.decide(w, w.session.get_one(Approval, approval), False, "本可等待")
    clock.forward(days=1)
    assert remind.reviews(desk.house) == 0


def test_the_pages_of_an_opening_are_those_of_the_log(desk: Office, db: Session) -> None:
    item = kept(desk, Level.CONFIDENTIAL, readers=("lead_cw",))
    with desk.w("lead_cw") as w:
        reading = glass.break_glass(w, item.id, reason=WHY)
        approval = reading.approval_id
    for n in (1, 3):
        see(desk, item, "lead_cw", n)
    assert [p.page for p in glass.pages(db, db.get_one(Approval, approval))] == [1, 3]


def test_a_request_that_was_withdrawn_is_not_agreed_to(make: Callable[..., Any]) -> None:
    app = make(register_only_levels="")
    desk = Office(app, app.extensions["house"])
    item = kept(desk, Level.TOPSECRET, readers=("leader",))
    lend(desk, item, "leader")
    with desk.w("leader", fresh=True) as w:
        asked = opening.request(w, item.id, blob_of(item), why="核对").id
    with pytest.raises(Denied), desk.w("registrar", fresh=True) as w:
        opening.withdraw(w, w.session.get_one(Approval, asked))
    with desk.w("leader", fresh=True) as w:
        opening.withdraw(w, w.session.get_one(Approval, asked))
    with pytest.raises(Conflict), desk.w("registrar", fresh=True) as w:
        opening.decide(w, w.session.get_one(Approval, asked), True, "")


# -- the rule, said once more and compared ---------------------------------------------------------------------------
READERS = ("lead_cw", "deputy", "registrar", "leader", "cook")
_numbers = count()
acts = st.lists(
    st.one_of(
        st.tuples(st.just("lend"), st.sampled_from(READERS), st.integers(0, 2)),
        st.tuples(st.just("return"), st.sampled_from(READERS)),
        st.tuples(st.just("start"), st.sampled_from(READERS), st.booleans()),
        st.tuples(st.just("close"), st.sampled_from(READERS)),
        st.tuples(st.just("glass"), st.sampled_from(READERS), st.booleans()),
        st.tuples(st.just("ask"), st.sampled_from(READERS), st.booleans()),
        st.tuples(st.just("agree"), st.sampled_from(READERS), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from([1, 10, 16, 31, 61, 60 * 25])),
        st.tuples(st.just("page"), st.sampled_from(READERS), st.booleans()),
    ),
    min_size=4,
    max_size=14,
)

#: Ways that lead to a page, for the reader R; chance alone seldom finds them.
WAYS: list[list[Any]] = [
    [],
    [("lend", "R", 1), ("start", "R", True)],
    [
        ("lend", "R", 0),
        ("ask", "R", True),
        ("agree", "registrar", True),
        ("agree", "leader", True),
        ("start", "R", True),
    ],
    [("glass", "R", True)],
    [("lend", "R", 2), ("start", "R", True), ("return", "R"), ("page", "R", True), ("glass", "R", True)],
]


def allowed(desk: Office, item: Item, login: str, fresh: bool, now: Any, today: Any) -> bool:
    """The rule in plain words, without the policy: cleared, listed, a live session of one's own, a loan that is out (but for
    broken glass), a fresh factor from 机密, a second person's word for 绝密."""
    person = desk.person(login)
    if person.clearance < item.level or login == "cook":
        return False
    if item.level >= Level.SECRET and not fresh:
        return False
    session = database.session()
    mine = session.scalars(
        select(Reading).where(Reading.item_id == item.id, Reading.person_id == person.id)
    ).all()
    live = [r for r in mine if r.closed is None and r.until > now]
    assert len(live) <= 1
    out = [
        x
        for x in session.scalars(select(Loan).where(Loan.item_id == item.id, Loan.borrower_id == person.id))
        if x.state == "lent" and x.until >= today
    ]
    for r in live:
        if r.way == "glass":
            return True
        good = any(x.id == r.loan_id for x in out)
        if item.level < Level.TOPSECRET:
            return good
        word = session.get_one(Approval, r.approval_id)
        return good and r.way == "two" and word.outcome == "approved" and word.asked_by != word.decided_by
    return False


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    level=st.sampled_from([Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET]), script=acts, data=st.data()
)
def test_a_page_is_given_where_the_rule_says_so_and_stands_in_the_log(
    wide: Office, clock: Clock, level: Level, script: list[Any], data: st.DataObject
) -> None:
    desk = wide
    readers = [r for r in READERS if r not in ("registrar", "cook") and desk.person(r).clearance >= level]
    item = kept(desk, level, readers=tuple(readers), title=f"件{next(_numbers)}")
    given_pages, reader = 0, data.draw(st.sampled_from(READERS[:4]))
    way = [
        tuple(reader if word == "R" else word for word in step) for step in data.draw(st.sampled_from(WAYS))
    ]
    for act, *args in [*way, ("page", reader, True), *script, ("page", reader, data.draw(st.booleans()))]:
        database.session.rollback()
        if act == "wait":
            clock.forward(minutes=args[0])
            continue
        login = args[0]
        if act == "page":
            fresh = args[1]
            today = clock.now.astimezone(desk.house.zone).date()
            wanted = allowed(desk, item, login, fresh, clock.now, today)
            try:
                see(desk, item, login, 1, fresh=fresh)
                got = True
            except DomainError:
                got = False
            assert got == wanted, (level, script, login)
            given_pages += got
        else:
            _try(desk, item, act, login, args[1] if len(args) > 1 else False)
        rows = [a for a in desk.audit("body.page") if a.item == item.id and a.outcome == "ok"]
        assert len(rows) == given_pages
        assert all(json.loads(a.detail)["page"] == 1 for a in rows)


def _try(desk: Office, item: Item, act: str, login: str, more: Any) -> None:
    """Whatever is allowed of it happens."""
    fresh = bool(more)
    try:
        if act == "lend":
            lend(desk, item, login, by="registrar" if login != "registrar" else "custodian", days=more)
        elif act == "return":
            with desk.w(login) as w:
                query = select(Loan.id).where(Loan.item_id == item.id, Loan.state == "lent")
                loan = w.session.scalar(query.where(Loan.borrower_id == w.actor.id))
                loans.give_back(w, loan or 0)
        elif act == "start":
            begin(desk, item, login, fresh=fresh)
        elif act == "close":
            with desk.w(login) as w:
                reading_room.close(w, item.id)
        elif act == "glass":
            with desk.w(login, fresh=fresh) as w:
                glass.break_glass(w, item.id, reason=WHY)
        elif act == "ask":
            with desk.w(login, fresh=fresh) as w:
                opening.request(w, item.id, blob_of(item), why="核对")
        elif act == "agree":
            with desk.w(login, fresh=fresh) as w:
                for approval in opening.waiting(w.session, item.id, w.now):
                    opening.decide(w, approval, True, "")
    except DomainError:
        pass


@pytest.fixture
def wide(make: Callable[..., Any]) -> Office:
    """An office that keeps bodies of every level."""
    app = make(register_only_levels="")
    return Office(app, app.extensions["house"])
