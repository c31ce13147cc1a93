"""Finding obeys the one rule on every path, at once, whether or not the worker has run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet import demo, work
from intranet.actor import ANONYMOUS, Actor
from intranet.errors import Denied, Unavailable
from intranet.house import House
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Item
from intranet.verbs import complaints, entries, finding, items, levels
from search.engine import Damaged
from tests.office import Clock, Office, Statements
from vault.levels import Level

LOGINS = [p.login for p in demo.PEOPLE]


@pytest.fixture
def caught_up(house: House) -> Callable[[], None]:
    """The worker has been by."""
    return lambda: drain(house, worker.QUICK) and None


def complain(desk: Office, *, title: str, **raw: str) -> Item:
    """Somebody who is not signed in complains."""
    with work.begin(desk.house, replace(ANONYMOUS, origin="test")) as w:
        return complaints.submit(w, {"topic": "other", **raw}, title=title)[0]


@pytest.fixture
def shelf(desk: Office, caught_up: Callable[[], None]) -> list[Item]:
    """Items of every ledger, level and state that matter, all of them with 锅炉 in the title or in the text."""
    made = [
        desk.add("resource", "officer", title="锅炉操作规程", level=Level.PUBLIC),
        desk.add(
            "resource", "officer_cw", title="年检台账", body="锅炉两台，压力表一只", level=Level.INTERNAL
        ),
        desk.add("resource", "lead_wx", title="锅炉房改造方案", level=Level.CONFIDENTIAL),
        desk.add("document", "custodian", title="锅炉安全评估", level=Level.INTERNAL),
        desk.add("document", "custodian", title="锅炉故障通报", level=Level.CONFIDENTIAL, summary="蒸汽管道"),
        desk.add("document", "custodian", title="锅炉应急预案", level=Level.SECRET, unit="WX"),
        desk.add("document", "registrar", title="锅炉值守部署", level=Level.TOPSECRET),
        desk.add("workorder", "cook", title="食堂锅炉漏水"),
        complain(desk, title="锅炉噪声", statement="夜间锅炉声响大"),
        desk.add("notice", "officer_st", title="锅炉检修通知", body="停供热水"),
    ]
    withdrawn = desk.add("resource", "officer_wx", title="旧锅炉说明书")
    desk.step(withdrawn, "officer_wx", "withdraw", reason="已更新")
    caught_up()
    return [*made, withdrawn]


def found(db: Session, house: House, actor: Actor, text: str = "锅炉", **more: object) -> finding.Found:
    db.rollback()
    return finding.find(db, house, actor, text, limit=100, **more)  # type: ignore[arg-type]


def visible(db: Session, house: House, actor: Actor) -> dict[int, Item]:
    db.rollback()
    query = select(Item).where(house.policy.visible(actor, house.clock()))
    return {i.id: i for i in db.scalars(query)}


# ------------------------------------------------------------------------------------ the same as looking at every item


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    login=st.sampled_from(LOGINS),
    clearance=st.sampled_from([None, *Level]),
    text=st.sampled_from(["锅炉", "漏水", "操作规程", "蒸汽管道", "压力表", "说明书", "没有这个词"]),
)
def test_equal_to_looking_at_every_item(
    db: Session, house: House, desk: Office, shelf: list[Item], login: str, clearance: Level | None, text: str
) -> None:
    actor = desk.actor(login)
    if clearance is not None:
        actor = replace(actor, clearance=clearance)
    expected = {
        i.id: i
        for i in visible(db, house, actor).values()
        if text in i.title or text in entries.entry(db, house, i).text
    }
    answer = found(db, house, actor, text)
    if answer.relaxed:
        assert not expected
        expected = {h.item.id: h.item for h in answer.hits}
        assert expected.keys() <= visible(db, house, actor).keys()
    assert {h.item.id for h in answer.hits} == set(expected)
    assert answer.total == len(expected)
    for name in ("kind", "level", "unit", "year", "state"):
        assert sum(n for _value, n in answer.facets.get(name, ())) == len(expected), name
    levels = {Level(i.level).slug for i in expected.values()}
    assert {value for value, _n in answer.facets.get("level", ())} == levels


def test_a_value_of_which_nothing_is_permitted_is_not_shown(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    facets = found(db, house, desk.actor("cook")).facets
    assert "complaint" not in dict(facets["kind"])
    assert set(dict(facets["level"])) <= {"public", "internal"}


def test_paging_gives_every_hit_once(db: Session, house: House, desk: Office, shelf: list[Item]) -> None:
    actor = desk.actor("custodian")
    whole = [h.item.id for h in found(db, house, actor).hits]
    pages = [
        h.item.id
        for at in range(0, len(whole) + 2, 2)
        for h in finding.find(db, house, actor, "锅炉", limit=2, offset=at).hits
    ]
    assert pages == whole


def test_filters_of_one_facet_are_alternatives_and_facets_add_up(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    actor = desk.actor("custodian")
    both = found(db, house, actor, filters={"kind": ["resource", "document"], "level": ["internal"]})
    assert both.total
    assert {(h.item.kind, h.item.level) for h in both.hits} <= {("resource", 1), ("document", 1)}


@pytest.mark.parametrize(
    "typed",
    ["密级:内部 锅炉", "level:internal 锅炉", "密级：内部 锅炉", "单位:财务科 锅炉", "类型:受控文件 锅炉"],
)
def test_a_field_may_be_typed_in_the_words_of_the_office(
    db: Session, house: House, desk: Office, shelf: list[Item], typed: str
) -> None:
    answer = found(db, house, desk.actor("custodian"), typed)
    assert answer.total
    assert answer.relaxed == ""
    assert all(h.item.level == 1 or h.item.kind == "document" for h in answer.hits)


# ------------------------------------------------------------------------- at once, while the worker has not yet been by


def test_withdrawn_is_gone_before_the_worker_runs(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    actor, item = desk.actor("cook"), shelf[0]
    before = found(db, house, actor)
    desk.step(item, "officer", "withdraw", reason="停用")
    after = found(db, house, actor)
    assert item.id not in {h.item.id for h in after.hits}
    assert after.total == before.total - 1
    assert sum(n for _v, n in after.facets["kind"]) == after.total
    db.rollback()
    assert item.id not in {h.item.id for h in finding.live(db, house, actor, "锅炉操作").hits}


def test_raised_in_level_is_gone_before_the_worker_runs(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    actor, item = desk.actor("cook"), shelf[0]
    with desk.w("officer") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="含内部数据")
    assert item.id not in {h.item.id for h in found(db, house, actor).hits}


def test_words_of_an_item_raised_in_level_find_it_no_more_for_those_who_still_see_it(
    db: Session, house: House, desk: Office, shelf: list[Item], caught_up: Callable[[], None]
) -> None:
    actor, item = desk.actor("officer_cw"), shelf[1]
    assert found(db, house, actor, "压力表").total == 1
    with desk.w("officer_cw") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="定密")
    assert found(db, house, actor, "压力表").total == 0
    caught_up()
    assert found(db, house, actor, "压力表").total == 0
    assert [h.item.id for h in found(db, house, actor, "年检台账").hits] == [item.id]


def test_a_revoked_reader_finds_it_no_longer(
    db: Session, house: House, desk: Office, shelf: list[Item], caught_up: Callable[[], None]
) -> None:
    item, actor = shelf[4], desk.actor("lead_st")
    assert item.id not in {h.item.id for h in found(db, house, actor).hits}
    with desk.w("custodian") as w:
        grant = items.grant(w, item.id, person_id=actor.id)
    caught_up()
    assert item.id in {h.item.id for h in found(db, house, actor).hits}
    with desk.w("custodian") as w:
        items.revoke(w, item.id, grant.id)
    assert item.id not in {h.item.id for h in found(db, house, actor).hits}


def test_a_grant_that_ran_out_counts_no_longer_in_that_very_moment(
    db: Session, house: House, desk: Office, shelf: list[Item], caught_up: Callable[[], None], clock: Clock
) -> None:
    item, actor = shelf[4], desk.actor("lead_st")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=actor.id, until=clock.now + timedelta(hours=1))
    caught_up()
    before = found(db, house, actor)
    assert item.id in {h.item.id for h in before.hits}
    clock.forward(hours=1)
    after = found(db, house, actor)
    assert item.id not in {h.item.id for h in after.hits}
    assert after.total == before.total - 1


def test_an_index_that_is_behind_without_a_promise_is_checked_against_the_database(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    item, actor = shelf[0], desk.actor("cook")
    before = found(db, house, actor)
    with desk.w("cli:test") as w:
        w.session.get_one(Item, item.id).state = "withdrawn"  # nobody told the index
    after = found(db, house, actor)
    assert after.total == before.total - 1 == len(after.hits)
    assert sum(n for _v, n in after.facets["kind"]) == after.total


# ------------------------------------------------------------------------------------------------------ what is in clear


def test_above_the_set_level_only_number_and_title_are_in_the_index(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    document = db.get_one(Item, shelf[4].id)
    assert entries.entry(db, house, document).text == ""
    assert found(db, house, desk.actor("custodian"), "蒸汽管道").total == 0
    assert found(db, house, desk.actor("custodian"), "锅炉故障通报").total


def test_fields_for_some_roles_only_are_not_searched(
    db: Session, house: House, desk: Office, caught_up: Callable[[], None]
) -> None:
    complain(desk, title="宿舍无热水", statement="三天没有热水", name="欧阳若水", contact="13000000000")
    caught_up()
    assert found(db, house, desk.actor("handler"), "欧阳若水").total == 0


@pytest.mark.parametrize(("level", "clear"), [(Level.INTERNAL, True), (Level.CONFIDENTIAL, False)])
def test_text_of_files_that_need_a_loan_is_never_indexed(
    make: Callable[..., object], level: Level, clear: bool
) -> None:
    app = make(search_body_level="topsecret")
    house: House = app.extensions["house"]  # type: ignore[attr-defined]
    kind = house.kinds["document"]
    assert entries.body_in_clear(house, kind, level) is clear
    assert not entries.body_in_clear(house, house.kinds["resource"], Level.SECRET)


# ----------------------------------------------------------------------------------------- number, typing, record, limits


def test_a_number_typed_in_full_opens_what_one_may_see(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    number = shelf[0].number
    assert finding.exact(db, house, desk.actor("cook"), f" {number.lower()} ") == number
    assert finding.exact(db, house, desk.actor("cook"), shelf[5].number) == ""
    assert finding.exact(db, house, desk.actor("custodian"), shelf[5].number) == shelf[5].number


def test_while_one_types_nothing_secret_is_named_and_nothing_recorded(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    actor = desk.actor("custodian")
    for answer in (finding.live(db, house, actor, "锅炉"), found(db, house, actor, typing=True)):
        assert answer.hits
        assert max(h.item.level for h in answer.hits) < Level.CONFIDENTIAL
    assert desk.audit("search.secret") == []


def test_live_answers_pinyin_and_the_full_text(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    actor = desk.actor("cook")
    assert shelf[0].id in {h.item.id for h in finding.live(db, house, actor, "guolu").hits}
    assert shelf[1].id in {h.item.id for h in finding.live(db, house, actor, "压力表").hits}
    assert len(finding.live(db, house, desk.actor("leader"), "锅炉").hits) <= finding.LIVE


def test_a_query_that_shows_secret_levels_is_recorded_and_no_other(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    found(db, house, desk.actor("cook"))
    assert desk.audit("search.secret") == []
    answer = found(db, house, desk.actor("custodian"))
    [row] = desk.audit("search.secret")
    assert row.actor == "custodian"
    detail = json.loads(row.detail)
    assert detail["query"] == "锅炉"
    assert set(detail["shown"]) == {h.item.number for h in answer.hits if h.item.level >= Level.CONFIDENTIAL}


@pytest.mark.parametrize(
    "how", [{"text": "没有 密级:机密"}, {"text": "没有这个", "filters": {"level": ["secret"]}}]
)
def test_asking_for_a_secret_level_is_recorded_even_when_nothing_is_found(
    db: Session, house: House, desk: Office, how: dict[str, object]
) -> None:
    found(db, house, desk.actor("cook"), **how)  # type: ignore[arg-type]
    assert len(desk.audit("search.secret")) == 1


def test_nobody_and_the_administrator_find_nothing_of_the_office(
    db: Session, house: House, desk: Office, shelf: list[Item]
) -> None:
    with pytest.raises(Denied):
        found(db, house, ANONYMOUS)
    assert found(db, house, desk.actor("admin")).total == 0


def test_a_damaged_index_is_said_and_not_taken_for_no_hits(
    db: Session, house: House, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise Damaged("index")

    monkeypatch.setattr(house.engine, "search", broken)
    with pytest.raises(Unavailable):
        found(db, house, desk.actor("cook"))


def test_a_search_is_two_statements(
    db: Session, house: House, desk: Office, shelf: list[Item], statements: Statements
) -> None:
    actor = desk.actor("cook")
    db.rollback()
    with statements() as seen:
        finding.find(db, house, actor, "锅炉")
    assert len([s for s in seen if s.lstrip().upper().startswith("SELECT")]) == 2
