"""Alerts of saved searches: one message when something is new, none for what its owner may not know, nothing lost or doubled."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import tick, watch, worker
from intranet.jobs.outbox import drain
from intranet.models import Item, Message, SavedSearch
from intranet.verbs import items, messages, people, searches
from intranet.verbs.asking import Question
from tests.office import Clock, Office
from tests.verbs.test_searches import keep, matching
from vault.levels import Level

Round = Callable[[], int]


@pytest.fixture
def look(house: House, clock: Clock) -> Round:
    """Some minutes later: the index is written, then the searches are looked through."""

    def after_some_minutes() -> int:
        clock.forward(minutes=4)
        drain(house, worker.QUICK)
        return watch.alerts(house)

    return after_some_minutes


def told(db: Session, desk: Office, login: str) -> list[tuple[int | None, int]]:
    """(saved search, number of new entries) of every message that is shown."""
    db.rollback()
    found = messages.unseen(db, desk.house, desk.actor(login), desk.house.clock())
    assert found.total == len(found.rows)
    return [(line.message.search_id, line.message.count) for line in found.rows]


def test_its_owner_is_told_once_of_all_that_is_new(db: Session, desk: Office, look: Round) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    assert look() == 0
    for n in range(3):
        desk.add("resource", "officer", title=f"锅炉记录 {n}")
    assert look() == 1
    assert look() == 0
    assert told(db, desk, "cook") == [(mine, 3)]
    assert told(db, desk, "lead") == []


def test_a_later_message_takes_the_place_of_one_not_looked_at(db: Session, desk: Office, look: Round) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录 甲")
    look()
    desk.add("resource", "officer", title="锅炉记录 乙")
    assert look() == 1
    assert told(db, desk, "cook") == [(mine, 2)]


def test_seen_and_put_away_are_told_no_more(db: Session, house: House, desk: Office, look: Round) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    first = desk.add("resource", "officer", title="锅炉记录 甲")
    look()
    with desk.w("cook") as w:
        searches.seen(w, mine, {first.id})
    assert told(db, desk, "cook") == []
    desk.add("resource", "officer", title="水泵记录")
    assert look() == 0
    second = desk.add("resource", "officer", title="锅炉记录 乙")
    assert look() == 1
    with desk.w("cook") as w:
        messages.seen(w)
    desk.add("resource", "officer", title="水泵记录")
    assert (look(), told(db, desk, "cook")) == (0, [])
    desk.step(second, "officer", "withdraw", reason="误发")
    desk.step(second, "officer", "restore")
    assert look() == 0


def test_nothing_is_told_where_alerts_are_off_or_the_person_is_gone(
    db: Session, desk: Office, look: Round
) -> None:
    keep(desk, "cook", Question("锅炉"), alerts=False)
    keep(desk, "warden", Question("锅炉"))
    with desk.w("admin") as w:
        people.disable(w, desk.person("warden").id)
    desk.add("resource", "officer", title="锅炉记录")
    assert look() == 0
    assert db.scalars(select(Message)).all() == []


def test_turned_off_nothing_more_is_shown(db: Session, desk: Office, look: Round) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    look()
    with desk.w("cook") as w:
        searches.alert(w, mine, on=False)
    assert told(db, desk, "cook") == []


def test_nothing_from_secret_upwards_is_looked_for_and_nothing_recorded(
    db: Session, desk: Office, look: Round
) -> None:
    keep(desk, "custodian", Question("锅炉"))
    keep(desk, "custodian", Question("", {"level": ("secret", "confidential")}), "涉密")
    for level in (Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET):
        desk.add("document", "registrar", title="锅炉部署", level=level)
    assert look() == 0
    assert desk.audit("search.secret") == []


def test_rights_lost_afterwards_leave_a_number_and_nothing_else(
    db: Session, desk: Office, look: Round
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    fresh = desk.add("resource", "officer", title="锅炉记录")
    look()
    desk.step(fresh, "officer", "withdraw", reason="误发")
    (row,) = db.scalars(select(Message)).all()
    assert (row.search_id, row.count, row.item_id) == (mine, 1, None)
    actor = desk.actor("cook")
    found = searches.news(db, desk.house, actor, searches.get(db, desk.house, actor, mine), limit=9)
    assert (found.total, found.hits) == (0, [])


def test_an_index_that_has_not_changed_is_not_asked(
    house: House, desk: Office, look: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(desk, "cook", Question("锅炉"))
    look()
    monkeypatch.setattr(searches, "news", lambda *_a, **_k: pytest.fail("asked again"))
    assert look() == 0


def test_one_search_is_looked_through_every_few_minutes_only(
    house: House, desk: Office, clock: Clock
) -> None:
    keep(desk, "cook", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    drain(house, worker.QUICK)
    assert watch.alerts(house) == 1
    desk.add("resource", "officer", title="锅炉记录 乙")
    drain(house, worker.QUICK)
    assert watch.alerts(house) == 0
    clock.forward(minutes=3)
    assert watch.alerts(house) == 1


def test_few_at_a_time_and_all_in_turn(
    db: Session, desk: Office, clock: Clock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ROUND", 2)
    for login in ("cook", "warden", "lead", "lead_st", "officer"):
        keep(desk, login, Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    drain(house, worker.QUICK)
    assert [watch.alerts(house) for _ in range(4)] == [2, 2, 1, 0]


def test_a_crash_before_the_commit_loses_nothing_and_doubles_nothing(
    db: Session, desk: Office, look: Round, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(desk, "cook", Question("锅炉"))
    keep(desk, "cook", Question("锅炉 记录"), "记录")
    desk.add("resource", "officer", title="锅炉记录")
    real, times = watch._tell, iter([False, True])

    def dies(w: Any, kept: Any, news: Any) -> int:
        if next(times, False):
            raise MemoryError
        return real(w, kept, news)

    monkeypatch.setattr(watch, "_tell", dies)
    with pytest.raises(MemoryError):
        look()
    assert told(db, desk, "cook") == []
    assert watch.alerts(house) == 2
    assert watch.alerts(house) == 0
    assert len(told(db, desk, "cook")) == 2


def test_looked_through_twice_it_is_told_once(db: Session, house: House, desk: Office, look: Round) -> None:
    """As after a restore, or by a second worker that took over: what was told is known by the entry."""
    keep(desk, "cook", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    assert look() == 1
    with desk.w("cli:test") as w:
        for kept in w.session.scalars(select(SavedSearch)):
            kept.looked, kept.generation = None, ""
    assert watch.alerts(house) == 0


def test_what_its_owner_does_meanwhile_counts(
    db: Session, house: House, desk: Office, look: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    fresh = desk.add("resource", "officer", title="锅炉记录")
    real = searches.news

    def while_looking(*given: Any, **more: Any) -> searches.News:
        found = real(*given, **more)
        with desk.w("cook") as w:
            searches.seen(w, mine, {fresh.id})
        return found

    monkeypatch.setattr(searches, "news", while_looking)
    assert look() == 0
    monkeypatch.undo()
    assert watch.alerts(house) == 0
    assert told(db, desk, "cook") == []


def test_one_that_cannot_be_asked_holds_up_no_other_and_its_words_stay_out_of_the_log(
    db: Session, desk: Office, look: Round, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keep(desk, "cook", Question("锅炉"))
    good = keep(desk, "lead", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    real = searches.news

    def broken(session: Session, house: House, actor: Any, kept: SavedSearch, **more: Any) -> searches.News:
        if actor.login == "cook":
            raise RuntimeError(f"cannot read {kept.query} of 锅炉")
        return real(session, house, actor, kept, **more)

    monkeypatch.setattr(searches, "news", broken)
    with caplog.at_level(logging.DEBUG):
        assert look() == 1
    assert told(db, desk, "lead") == [(good, 1)]
    assert "RuntimeError" in "".join(str(vars(r)) for r in caplog.records)
    assert "锅炉" not in "".join(str(vars(r)) for r in caplog.records)
    monkeypatch.undo()
    assert look() == 1  # nothing has been indexed since; it keeps its turn


def test_the_worker_does_it_by_itself(db: Session, house: House, desk: Office) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    desk.add("resource", "officer", title="锅炉记录")
    worker.once(house)
    assert told(db, desk, "cook") == [(mine, 1)]
    assert "searches" in {job.name for job in tick.QUICK}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_each_is_told_of_exactly_what_is_new_to_them(
    db: Session, house: House, desk: Office, look: Round, seed: int
) -> None:
    """Random changes by random persons; after each, every owner's messages are what looking at every item would give."""
    dice = random.Random(seed)
    logins = ["cook", "lead_st", "custodian", "officer"]
    questions = [Question("锅炉"), Question("锅炉 记录"), Question("记录", {"kind": ("resource",)})]
    made = [desk.add("resource", "officer", title=f"锅炉旧记录 {n}") for n in range(3)]
    drain(house, worker.QUICK)
    kept = [(who, q, keep(desk, who, q)) for who in logins for q in questions]
    known = {mine: set(matching(db, house, desk.actor(who), q)) for who, q, mine in kept}
    told_of: dict[int, set[int]] = {mine: set() for _who, _q, mine in kept}
    messages_before = 0
    for _step in range(7):
        happens(dice, desk, made)
        look()
        expected = 0
        for who, question, mine in kept:
            fresh = matching(db, house, desk.actor(who), question).keys() - known[mine]
            expected += bool(fresh - told_of[mine])
            told_of[mine] |= fresh
            actor = desk.actor(who)
            found = searches.news(db, house, actor, searches.get(db, house, actor, mine), limit=99)
            assert {h.item.id for h in found.hits} == fresh
        db.rollback()
        sent = len(db.scalars(select(Message.id).where(Message.code == watch.CODE)).all())
        assert sent - messages_before == expected
        messages_before = sent


def happens(dice: random.Random, desk: Office, made: list[Item]) -> None:
    """Something is added, withdrawn, brought back, raised, lowered or opened to a person."""
    what = dice.choice(["add", "add", "secret", "withdraw", "level", "grant"])
    if what == "add":
        made.append(desk.add("resource", "officer", title=dice.choice(["锅炉记录", "锅炉台账", "水泵记录"])))
    elif what == "secret":
        made.append(desk.add("document", "custodian", title="锅炉记录", level=Level.CONFIDENTIAL))
    elif what == "withdraw":
        item = dice.choice([i for i in made if i.kind == "resource"])
        with desk.w("cli:test") as w:
            state = w.session.get_one(Item, item.id).state
            items.step(w, item.id, "restore" if state == "withdrawn" else "withdraw", {}, reason="变动")
    elif what == "level":
        item = dice.choice(made)
        with desk.w("cli:test") as w:
            level = w.session.get_one(Item, item.id).level
        target = Level.INTERNAL if level == Level.CONFIDENTIAL else Level.CONFIDENTIAL
        desk.relevel(item, target, by="registrar" if item.kind == "document" else "cli:test", reason="变动")
    else:
        item = dice.choice(made)
        with desk.w("cli:test") as w:
            if w.session.get_one(Item, item.id).level <= desk.person("lead_st").clearance:
                items.grant(w, item.id, person_id=desk.person("lead_st").id)
