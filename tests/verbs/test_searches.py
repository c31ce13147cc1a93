"""Saved searches are one's own; what is new to them is what looking at every item would say, and nothing secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet import demo
from intranet.actor import ANONYMOUS, Actor
from intranet.errors import Denied, Invalid, Missing
from intranet.house import House
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Item, Message, SavedSearch
from intranet.verbs import entries, finding, items, searches
from intranet.verbs.asking import Question
from tests.office import Clock, Office
from vault.levels import Level

LOGINS = [p.login for p in demo.PEOPLE]
TEXTS = ["锅炉", "漏水", "操作规程", "检修", "没有这个词", "锅炉 检修", "密级:内部 锅炉"]


@pytest.fixture
def shelf(desk: Office, house: House, clock: Clock) -> list[Item]:
    """Items of every level, one hour apart."""
    made = []
    for kind, login, title, level in (
        ("resource", "officer", "锅炉操作规程", Level.PUBLIC),
        ("resource", "officer_cw", "锅炉年检台账", Level.INTERNAL),
        ("resource", "lead_wx", "锅炉房改造方案", Level.CONFIDENTIAL),
        ("document", "custodian", "锅炉安全评估", Level.INTERNAL),
        ("document", "custodian", "锅炉故障通报", Level.CONFIDENTIAL),
        ("document", "registrar", "锅炉值守部署", Level.TOPSECRET),
        ("workorder", "cook", "食堂锅炉漏水", None),
        ("notice", "officer_st", "锅炉检修通知", None),
    ):
        made.append(desk.add(kind, login, title=title, level=level))
        clock.forward(hours=1)
    drain(house, worker.QUICK)
    return made


def keep(desk: Office, login: str, question: Question, name: str = "锅炉", *, alerts: bool = True) -> int:
    """Save a search as its owner does; its id."""
    from intranet.extensions import db

    actor = desk.actor(login)
    before = searches.there(db.session(), desk.house, actor, question)
    with desk.w(login) as w:
        return searches.save(w, question, name, before, alerts=alerts)[0].id


def news(db: Session, desk: Office, login: str, search_id: int, limit: int = 50) -> set[int]:
    """Ids of what is new, and the number that is told agrees."""
    db.rollback()
    actor = desk.actor(login)
    found = searches.news(db, desk.house, actor, searches.get(db, desk.house, actor, search_id), limit=limit)
    assert found.total == len(found.hits)
    return {hit.item.id for hit in found.hits}


def matching(db: Session, house: House, actor: Actor, question: Question) -> dict[int, Item]:
    """Every item looked at by itself: seen by the policy, below 秘密, with each of the words, within filters and dates."""
    db.rollback()
    since, until = question.within(house.clock(), house.zone)
    found = {}
    seen = house.policy.visible(replace(actor, clearance=Level(min(actor.clearance, 1))), house.clock())
    for item in db.scalars(select(Item).where(seen)):
        entry = entries.entry(db, house, item)
        words = [w for w in question.text.split() if ":" not in w]
        level = "internal" if "密级:内部" in question.text else None
        text = "\n".join((entry.title, entry.text, *entry.names))
        if (
            all(word in text for word in words)
            and (level is None or Level(item.level).slug == level)
            and all(set(values) & set(entry.facets[name]) for name, values in question.filters.items())
            and (since is None or entry.updated >= since)
            and (until is None or entry.updated < until)
        ):
            found[item.id] = item
    return found


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    login=st.sampled_from(LOGINS),
    clearance=st.sampled_from([None, *Level]),
    text=st.sampled_from(TEXTS),
    kinds=st.sampled_from([(), ("resource",), ("document", "notice")]),
    since=st.sampled_from(["", "2026-11-23", "today", "7d", "2026-11-24"]),
    known=st.sets(st.integers(0, 7), max_size=5),
)
def test_equal_to_looking_at_every_item(
    db: Session, house: House, desk: Office, shelf: list[Item], login: str, clearance: Level | None, text: str,
    kinds: tuple[str, ...], since: str, known: set[int],
) -> None:  # fmt: skip
    actor = desk.actor(login)
    actor = actor if clearance is None else replace(actor, clearance=clearance)
    question = Question(text, {"kind": kinds} if kinds else {}, since=since)
    left_out = frozenset(shelf[n].id for n in known)
    expected = matching(db, house, actor, question).keys() - left_out
    total, hits = finding.answers(
        db, house, actor, question.text, question.filters, within=question.within(house.clock(), house.zone),
        known=left_out, limit=50,
    )  # fmt: skip
    assert {h.item.id for h in hits} == expected
    assert total == len(expected)
    count, none = finding.answers(
        db, house, actor, question.text, question.filters, within=question.within(house.clock(), house.zone),
        known=left_out,
    )  # fmt: skip
    assert (count, none) == (len(expected), [])
    assert desk.audit("search.secret") == []


# ------------------------------------------------------------------------------------------------------------ what is new


def test_what_is_there_when_it_is_saved_is_not_new_and_what_comes_is(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    assert news(db, desk, "cook", mine) == set()
    fresh = desk.add("resource", "officer", title="锅炉水质记录")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", mine) == {fresh.id}


def test_an_entry_that_is_saved_again_is_not_new(
    db: Session, house: House, desk: Office, shelf: list[Item], clock: Clock
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    clock.forward(hours=1)
    desk.step(shelf[0], "officer", "withdraw", reason="修订")
    desk.step(shelf[0], "officer", "restore")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", mine) == set()


def test_what_an_old_entry_becomes_is_new(
    db: Session, house: House, desk: Office, shelf: list[Item], clock: Clock
) -> None:
    """Edited so that it answers, lowered in level, or newly permitted, though it was last saved long before."""
    other = desk.add("resource", "officer", title="水泵台账")
    drain(house, worker.QUICK)
    mine = keep(desk, "lead_st", Question("锅炉"))
    clock.forward(days=1)
    raw = {"business": "other", "management": "administration", "medium": "electronic", "body": "接锅炉房"}
    with desk.w("officer") as w:
        items.edit(w, other.id, raw, title=other.title, version=None)
    drain(house, worker.QUICK)
    assert news(db, desk, "lead_st", mine) == {other.id}
    hidden = desk.add("document", "custodian", title="锅炉备件清单", level=Level.CONFIDENTIAL)
    drain(house, worker.QUICK)
    assert news(db, desk, "lead_st", mine) == {other.id}
    with desk.w("custodian") as w:
        items.grant(w, hidden.id, person_id=desk.person("lead_st").id)
    drain(house, worker.QUICK)
    assert news(db, desk, "lead_st", mine) == {other.id}, "秘密 is never looked for behind one's back"
    desk.relevel(hidden, Level.INTERNAL, reason="解密")
    drain(house, worker.QUICK)
    assert news(db, desk, "lead_st", mine) == {other.id, hidden.id}


def test_what_may_no_longer_be_known_is_new_no_longer_before_the_worker_runs(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    fresh = desk.add("resource", "officer", title="锅炉水质记录")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", mine) == {fresh.id}
    desk.step(fresh, "officer", "withdraw", reason="误发")
    assert news(db, desk, "cook", mine) == set()


def test_seen_is_new_no_longer_and_only_what_was_seen(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    first, second = (desk.add("resource", "officer", title=f"锅炉记录 {n}") for n in "甲乙")
    drain(house, worker.QUICK)
    with desk.w("cook") as w:
        searches.seen(w, mine, {first.id})
    assert news(db, desk, "cook", mine) == {second.id}
    now = searches.there(db, house, desk.actor("cook"), Question("锅炉"))
    with desk.w("cook") as w:
        searches.all_seen(w, mine, now)
    assert news(db, desk, "cook", mine) == set()


def test_more_answers_than_are_kept_by_name_are_known_by_their_time(
    db: Session, house: House, desk: Office, shelf: list[Item], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "KEPT", 2)
    mine = keep(desk, "cook", Question("锅炉"))
    kept = db.get_one(SavedSearch, mine)
    assert (len(kept.known), kept.floor > 0) == (2, True)
    assert news(db, desk, "cook", mine) == set()
    clock.forward(hours=1)
    fresh = desk.add("resource", "officer", title="锅炉水质记录")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", mine) == {fresh.id}
    for n in range(6):
        clock.forward(hours=1)
        desk.add("resource", "officer", title=f"锅炉记录 {n}")
    drain(house, worker.QUICK)
    now = searches.there(db, house, desk.actor("cook"), Question("锅炉"))
    with desk.w("cook") as w:
        searches.all_seen(w, mine, now)
    assert news(db, desk, "cook", mine) == set()


def test_loosened_answers_are_not_what_was_asked_for(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    mine = keep(desk, "cook", Question("锅炉 鹭鸶"))
    desk.add("resource", "officer", title="锅炉水质记录")
    drain(house, worker.QUICK)
    assert finding.find(db, house, desk.actor("cook"), "锅炉 鹭鸶").total
    assert news(db, desk, "cook", mine) == set()
    wanted = desk.add("resource", "officer", title="鹭鸶飞过锅炉房")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", mine) == {wanted.id}
    field = keep(desk, "cook", Question("单位:鹭鸶 锅炉"), "无此单位")
    desk.add("resource", "officer", title="单位:鹭鸶 锅炉")
    drain(house, worker.QUICK)
    assert news(db, desk, "cook", field) == set()


# ----------------------------------------------------------------------------------------------------------- one's own


def test_another_s_is_the_same_as_none(db: Session, desk: Office, shelf: list[Item]) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    assert searches.mine(db, desk.house, desk.actor("lead")) == []
    with pytest.raises(Missing):
        searches.get(db, desk.house, desk.actor("lead"), mine)
    for verb in (
        lambda w: searches.rename(w, mine, "别人的"),
        lambda w: searches.alert(w, mine, on=False),
        lambda w: searches.seen(w, mine, {1}),
        lambda w: searches.all_seen(w, mine, searches.There()),
        lambda w: searches.remove(w, mine),
    ):
        with pytest.raises(Missing), desk.w("lead") as w:
            verb(w)
    db.rollback()
    kept = db.get_one(SavedSearch, mine)
    assert (kept.name, kept.alerts, kept.round) == ("锅炉", True, 0)


def test_nobody_saves_and_nothing_is_found_for_nobody(db: Session, house: House, desk: Office) -> None:
    with pytest.raises(Denied):
        searches.there(db, house, ANONYMOUS, Question("锅炉"))
    with pytest.raises(Denied), desk.w("") as w:
        searches.save(w, Question("锅炉"), "锅炉", searches.There(), alerts=False)


def test_the_same_question_is_kept_once(db: Session, desk: Office, shelf: list[Item]) -> None:
    question = Question("锅炉", {"level": ("public",)})
    first = keep(desk, "cook", question, "公开的")
    assert keep(desk, "cook", question, "再来一次") == first
    assert keep(desk, "lead", question) != first
    assert [s.name for s in searches.mine(db, desk.house, desk.actor("cook"))] == ["公开的"]


@pytest.mark.parametrize("name", ["", "   ", "\n\t"])
def test_a_search_has_a_name(desk: Office, shelf: list[Item], name: str) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    with pytest.raises(Invalid), desk.w("cook") as w:
        searches.rename(w, mine, name)


def test_there_is_a_limit(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST", 2)
    for n in range(2):
        keep(desk, "cook", Question(f"锅炉{n}"))
    with pytest.raises(Invalid):
        keep(desk, "cook", Question("锅炉"))
    keep(desk, "lead", Question("锅炉"))
    with pytest.raises(Invalid):
        keep(desk, "lead", Question("水" * 200, {"kind": tuple("件" * 80 + str(n) for n in range(30))}))
    with pytest.raises(Invalid):
        keep(desk, "lead", Question())


def test_it_goes_with_its_messages(db: Session, desk: Office, clock: Clock, shelf: list[Item]) -> None:
    mine = keep(desk, "cook", Question("锅炉"))
    with desk.w("cli:test") as w:
        w.session.add(
            Message(person_id=desk.person("cook").id, search_id=mine, count=1, at=clock(), code="x", key="x")
        )
    with desk.w("cook") as w:
        assert searches.remove(w, mine) == "锅炉"
    db.rollback()
    assert db.scalars(select(Message).where(Message.search_id == mine)).all() == []


def test_only_saving_keeps_words(db: Session, house: House, desk: Office, shelf: list[Item]) -> None:
    finding.find(db, house, desk.actor("cook"), "锅炉")
    assert db.scalars(select(SavedSearch)).all() == []
    mine = keep(desk, "cook", Question("锅炉"))
    db.rollback()
    assert "锅炉" not in "".join(row.detail for row in desk.audit("search.secret"))
    assert db.get_one(SavedSearch, mine).query == Question("锅炉").address()
