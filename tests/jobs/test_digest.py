"""One reminder a day: before, on the day, each week after; nobody twice, nobody left out, whoever dies (FEATURES row 78)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, DomainError
from intranet.house import House
from intranet.jobs import digest, expire, tell, tick
from intranet.models import Loan, Message
from intranet.verbs import items, loans, telling
from tests.office import Clock, Office
from vault.levels import Level


def lend(desk: Office, login: str, days: int, level: Level = Level.INTERNAL, unit: str = "") -> int:
    item = desk.add("document", "custodian", level=level, unit=unit)
    if level > Level.INTERNAL:
        with desk.w("custodian") as w:
            items.grant(w, item.id, person_id=desk.person(login).id)
    with desk.w(login) as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=days)).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    return loan


def told(db: Session, desk: Office, login: str) -> list[dict[str, int]]:
    """The digests of a person, the oldest first."""
    db.rollback()
    query = select(Message.counts).where(
        Message.person_id == desk.person(login).id, Message.code == digest.CODE
    )
    return list(db.scalars(query.order_by(Message.id)))


def test_before_on_the_day_and_each_week_after(house: House, desk: Office, db: Session, clock: Clock) -> None:
    lend(desk, "cook", 4)  # due on the 27th; REMIND_DAYS is 2
    days: dict[int, list[dict[str, int]]] = {}
    for day in range(23, 43):
        digest.daily(house)
        digest.daily(house)
        days[day] = told(db, desk, "cook")
        clock.forward(days=1)
    assert days[24] == []
    assert days[25] == days[26] == [{"loan.soon": 1}]
    assert days[27] == [{"loan.soon": 1}, {"loan.due": 1}]
    assert days[28][2:] == days[34][2:] == [{"loan.late": 1}]
    assert days[35][2:] == days[41][2:] == [{"loan.late": 1}] * 2
    assert len(days[42]) == 5


def test_one_message_sums_everything_up_and_puts_the_older_away(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    for days in (1, 3, 5):
        lend(desk, "cook", days)
    clock.forward(days=3)
    assert digest.daily(house) > 0
    assert told(db, desk, "cook") == [{"loan.late": 1, "loan.due": 1, "loan.soon": 1}]
    clock.forward(days=2)
    digest.daily(house)
    assert told(db, desk, "cook")[-1] == {"loan.late": 2, "loan.due": 1}
    cook = select(Message.read).where(Message.person_id == desk.person("cook").id).order_by(Message.id)
    assert [read is None for read in db.scalars(cook)] == [False, True]


def test_what_is_overdue_is_told_to_the_custodians_and_the_unit_head(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    lend(desk, "cook", 1)
    clock.forward(days=2)
    digest.daily(house)
    assert told(db, desk, "custodian") == told(db, desk, "registrar") == [{"kept.late": 1}]
    assert told(db, desk, "lead_st") == [
        {"unit.late": 1}
    ]  # his canteen has no head of its own: the section above
    assert told(db, desk, "lead") == []


def test_a_head_who_is_late_himself_is_told_on_by_the_one_above(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    lend(desk, "lead_st", 1)
    clock.forward(days=2)
    digest.daily(house)
    assert told(db, desk, "lead_st") == [{"loan.late": 1}]
    assert told(db, desk, "lead") == [{"unit.late": 1}]


def test_no_head_is_told_of_what_they_may_not_know(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    lend(desk, "officer_cw", 1, Level.CONFIDENTIAL, "CW")
    lend(desk, "officer", 1, Level.CONFIDENTIAL)  # her head is cleared, but not on the list
    clock.forward(days=2)
    digest.daily(house)
    assert told(db, desk, "lead_cw") == [{"unit.late": 1}]  # a file of his own section
    assert told(db, desk, "lead") == [{"unit.late": 1}]  # a file of the head office, of which he is a member
    assert told(db, desk, "reviewer") == []


def test_of_two_workers_one_tells(
    house: House, desk: Office, db: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either wrote: the second is refused by the key, and tells nobody anything."""
    lend(desk, "cook", 1)
    clock.forward(days=1)
    digest.daily(house)
    monkeypatch.setattr(digest, "_last", lambda _w, _persons: {})
    assert digest.daily(house) == 0
    monkeypatch.setattr(telling, "_known", lambda _w, _keys: set())
    with pytest.raises(Conflict):
        digest.daily(house)
    assert len(told(db, desk, "cook")) == 1


def test_a_worker_killed_midway_has_told_nobody_and_the_next_tells_all(
    house: House, desk: Office, db: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend(desk, "cook", 1)
    lend(desk, "officer", 1)
    clock.forward(days=1)
    real, calls = tell.tell, []

    def dies(*args: object, **more: object) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(tell, "tell", dies)
    with pytest.raises(KeyboardInterrupt):
        digest.daily(house)
    assert told(db, desk, "cook") == told(db, desk, "officer") == []
    monkeypatch.undo()
    digest.daily(house)
    assert told(db, desk, "cook") == told(db, desk, "officer") == [{"loan.due": 1}]


def test_a_worker_that_slept_on_the_day_tells_the_day_after(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    lend(desk, "cook", 3)
    clock.forward(days=2)
    digest.daily(house)
    clock.forward(days=4)  # nobody worked on the day, nor on the day after
    digest.daily(house)
    assert told(db, desk, "cook") == [{"loan.soon": 1}, {"loan.late": 1}]


@pytest.mark.parametrize("seed", [1, 2])
def test_sixty_days_of_an_office(house: House, desk: Office, db: Session, clock: Clock, seed: int) -> None:
    """People borrow and bring back as they like, the worker comes several times a day or not at all: nobody is told twice a day,
    and whoever has had something overdue for a day on which the worker came knows of it."""
    dice = Random(seed)
    people = ["cook", "officer", "lead_st", "lead_wx", "plumber"]
    files = [desk.add("document", "custodian", level=Level.INTERNAL, copies="3") for _ in range(4)]
    for _day in range(60):
        for login in people:
            try:
                if dice.random() < 0.25:
                    with desk.w(login) as w:
                        until = w.today + timedelta(days=dice.randint(0, 6))
                        loan = loans.apply(w, dice.choice(files).id, purpose="用", until=until).id
                    with desk.w("custodian") as w:
                        loans.lend(w, loan)
                elif dice.random() < 0.2:
                    with desk.w(login) as w:
                        query = select(Loan.id).where(Loan.borrower_id == w.actor.id, Loan.state == "lent")
                        found = w.session.scalars(query.limit(1)).all()
                        for loan in found:
                            loans.give_back(w, loan)
                    with desk.w("custodian") as w:
                        for loan in found:
                            loans.check(w, loan, condition="完好")
            except DomainError:
                pass
        came = dice.choice((0, 1, 3))
        for _time in range(came):
            digest.daily(house)
            expire.loans(house)
        if came:
            _nobody_is_left_out(db, clock)
        clock.forward(days=1)
    db.rollback()
    rows = db.execute(select(Message.person_id, Message.at).where(Message.code == digest.CODE)).all()
    a_day = Counter((p, at.date()) for p, at in rows)
    assert len(rows) > 25
    assert set(a_day.values()) == {1}


def _nobody_is_left_out(db: Session, clock: Clock) -> None:
    db.rollback()
    today: date = clock.now.date()
    late = select(Loan.borrower_id, Loan.until).where(Loan.state == "lent", Loan.until < today)
    for borrower, until in db.execute(late):
        last = db.scalars(
            select(Message)
            .where(Message.person_id == borrower, Message.code == digest.CODE)
            .order_by(Message.id.desc())
        ).first()
        week = until + timedelta(
            days=1 + (today - until).days // 7 * 7 - (7 if (today - until).days % 7 == 0 else 0)
        )
        assert last is not None, "overdue and never told"
        assert last.at.date() >= week, "not told this week"
        assert last.counts.get("loan.late", 0) >= 1


def test_the_digest_is_among_the_jobs(house: House, desk: Office, db: Session, clock: Clock) -> None:
    lend(desk, "cook", 1)
    clock.forward(days=1)
    tick.run(house, tick.QUICK)
    assert told(db, desk, "cook") == [{"loan.due": 1}]
