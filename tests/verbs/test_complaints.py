"""投诉: numbered, anonymous, followed by a private code; what stood is never changed (A9, seeds L181-196)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet import work
from intranet.actor import ANONYMOUS
from intranet.errors import Conflict, Denied, Invalid, Locked, Missing
from intranet.house import House
from intranet.models import Audit, Comment, Item, Message, Tracking
from intranet.verbs import complaints, items
from intranet.work import Work
from tests.office import Clock, Office

RAW = {
    "topic": "canteen",
    "statement": "餐盘没有洗净",
    "where": "第一食堂",
    "name": "郝女士",
    "contact": "内线 8123",
}
Ws = Callable[..., AbstractContextManager[Work]]


def hand_in(house: House, **more: Any) -> tuple[Item, str]:
    with work.begin(house, ANONYMOUS) as w:
        return complaints.submit(w, RAW | more, title="餐盘有油渍")


def look(house: House, code: str, origin: str = "10.0.0.9") -> complaints.Tracked:
    with work.begin(house, ANONYMOUS) as w:
        return complaints.track(w, complaints.find(w, code, origin))


def accept(desk: Office, item: Item, due: str = "2026-11-27T18:00") -> Item:
    return desk.step(item, "handler2", "accept", handler=str(desk.person("handler").id), due=due)


def test_it_is_numbered_and_tied_to_nobody(house: House, desk: Office, db: Session) -> None:
    item, _code = hand_in(house)
    assert (item.number, item.owner_id, item.state) == ("TS-2026-00001", None, "registered")
    rows = db.scalars(select(Audit).where(Audit.item == item.id)).all()
    assert rows and {(r.actor, r.origin) for r in rows} == {("-", "")}


def test_the_code_is_kept_as_a_keyed_hash_only(house: House, db: Session) -> None:
    item, code = hand_in(house)
    row = db.get_one(Tracking, item.id)
    assert row.code_hash == complaints.code_hash(house, code)
    assert complaints.plain(code).lower() not in row.code_hash


def test_two_codes_are_never_alike() -> None:
    codes = {complaints.new_code() for _n in range(2000)}
    assert len(codes) == 2000
    assert all(len(c) == 19 and set(c) <= set(complaints.ALPHABET + "-") for c in codes)


@pytest.mark.parametrize(
    "typed",
    [
        "dema2345kx7pw3nr",
        " DEMA 2345 KX7P W3NR ",
        "DEMA—2345—KX7P—W3NR",
        "ＤＥＭＡ－２３４５－ＫＸ７Ｐ－Ｗ３ＮＲ",
    ],
)
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert complaints.plain(typed) == complaints.plain("DEMA-2345-KX7P-W3NR")


def test_a_wrong_code_finds_nothing_and_too_many_lock_the_place(house: House, clock: Clock) -> None:
    _item, code = hand_in(house)
    for _n in range(complaints.TRIES):
        with pytest.raises(Missing):
            look(house, "AAAA-AAAA-AAAA-AAAA")
        with work.begin(house, ANONYMOUS) as w:
            complaints.wrong_code(w, "10.0.0.9")
    with pytest.raises(Locked):
        look(house, code)
    assert look(house, code, "10.0.0.10").item.title == "餐盘有油渍"
    clock.forward(minutes=16)
    assert look(house, code).item.title == "餐盘有油渍"


def test_the_way_with_its_dates_and_what_lies_ahead(house: House, desk: Office, clock: Clock) -> None:
    item, code = hand_in(house)
    begun = clock.now
    clock.forward(hours=5)
    accept(desk, item)
    way = look(house, code).way
    assert [(s.state, s.at) for s in way] == [
        ("registered", begun), ("investigating", clock.now), ("answered", None), ("closed", None),
    ]  # fmt: skip


def test_what_is_asked_for_is_told_and_the_answer_goes_back_to_review(house: House, desk: Office) -> None:
    item, code = hand_in(house)
    desk.step(item, "handler", "supplement", reason="请补充日期")
    found = look(house, code)
    assert (found.state, found.reason) == ("supplement", "请补充日期")
    with work.begin(house, ANONYMOUS) as w:
        complaints.add(w, complaints.find(w, code, ""), "是 11 月 20 日中午")
    found = look(house, code)
    assert found.state == "registered"
    assert [(c.author_id, c.body) for c in found.said] == [(None, "是 11 月 20 日中午")]
    assert "请补充日期" in [s.told for s in found.way]


def test_declining_needs_a_reason_and_tells_it(house: House, desk: Office) -> None:
    item, code = hand_in(house)
    with pytest.raises(Invalid):
        desk.step(item, "handler", "decline")
    desk.step(item, "handler", "decline", reason="不属于后勤范围")
    found = look(house, code)
    assert (found.reason, found.final, found.promise) == ("不属于后勤范围", True, None)


def test_the_sender_never_reads_inner_words(house: House, desk: Office, w: Ws) -> None:
    item, code = hand_in(house)
    accept(desk, item)
    with w("handler") as doing:
        items.comment(doing, item.id, "内部：已约谈窗口负责人")
        items.comment(doing, item.id, "已受理，正在核实", outward=True)
    desk.step(item, "handler", "answer", findings="洗碗机结垢", reply="已除垢")
    desk.step(item, "handler", "reopen", reason="内部：复核不通过")
    found = look(house, code)
    assert [c.body for c in found.said] == ["已受理，正在核实"]
    assert found.reply == "" and not any(s.told for s in found.way)


def test_the_reply_is_read_once_it_is_given(house: House, desk: Office) -> None:
    item, code = hand_in(house)
    accept(desk, item)
    with pytest.raises(Invalid):
        desk.step(item, "handler", "answer", findings="洗碗机结垢")
    desk.step(item, "handler", "answer", findings="洗碗机结垢", reply="已除垢")
    assert look(house, code).reply == "已除垢"


def test_more_may_be_said_but_nothing_changed(house: House, desk: Office, db: Session) -> None:
    item, code = hand_in(house)
    accept(desk, item)
    with work.begin(house, ANONYMOUS) as w:
        complaints.add(w, complaints.find(w, code, ""), "今天又看到一次")
    db.rollback()
    assert db.get_one(Item, item.id).data["statement"] == RAW["statement"]
    told = db.scalars(select(Message).where(Message.code == "complaint.added")).all()
    assert [m.person_id for m in told] == [desk.person("handler").id]


def test_before_there_is_a_handler_all_who_review_are_told(house: House, desk: Office, db: Session) -> None:
    _item, code = hand_in(house)
    with work.begin(house, ANONYMOUS) as w:
        complaints.add(w, complaints.find(w, code, ""), "补充一点")
    told = set(db.scalars(select(Message.person_id).where(Message.code == "complaint.added")))
    assert told == {desk.person("handler").id, desk.person("handler2").id}


def test_a_handler_with_an_old_page_open_learns_of_it(house: House, clock: Clock, w: Ws) -> None:
    item, code = hand_in(house)
    seen = item.version
    clock.forward(minutes=5)
    with work.begin(house, ANONYMOUS) as adding:
        complaints.add(adding, complaints.find(adding, code, ""), "补充一点")
    with pytest.raises(Conflict), w("handler") as doing:
        items.step(doing, item.id, "decline", {}, version=seen, reason="不完整")


@pytest.mark.parametrize("body", ["", "   ", "长" * 5001])
def test_nothing_or_too_much_is_not_added(house: House, db: Session, body: str) -> None:
    _item, code = hand_in(house)
    with pytest.raises(Invalid), work.begin(house, ANONYMOUS) as w:
        complaints.add(w, complaints.find(w, code, ""), body)
    assert db.scalar(select(func.count()).select_from(Comment)) == 0


def test_after_the_end_another_one_is_needed(house: House, desk: Office) -> None:
    item, code = hand_in(house)
    desk.step(item, "handler", "decline", reason="不属于后勤范围")
    with pytest.raises(Conflict), work.begin(house, ANONYMOUS) as w:
        complaints.add(w, complaints.find(w, code, ""), "请再看看")


@pytest.mark.parametrize("login", ["leader", "lead", "cook", "custodian", "dispatcher"])
def test_nobody_but_the_handlers_knows_of_it(house: House, desk: Office, w: Ws, login: str) -> None:
    item, _code = hand_in(house)
    with pytest.raises(Denied) as refused, w(login) as doing:
        items.lock(doing, item.id)
    assert refused.value.hidden


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-23T01:00", 3, "2026-11-26T16:00"),  # Monday morning in Shanghai -> the end of Thursday
        ("2026-11-27T09:00", 3, "2026-12-02T16:00"),  # Friday -> the end of Wednesday
        ("2026-11-28T02:00", 1, "2026-11-30T16:00"),  # Saturday -> the end of Monday
    ],
)
def test_promises_count_working_days(house: House, start: str, days: int, end: str) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert complaints.working_days(house, moment, days) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_the_promise_is_the_handlers_own_once_accepted(house: House, desk: Office) -> None:
    item, code = hand_in(house)
    first = look(house, code).promise
    assert first == datetime(2026, 11, 26, 16, tzinfo=UTC)
    accept(desk, item, due="2026-11-25T12:00")
    assert look(house, code).promise == datetime(2026, 11, 25, 4, tzinfo=UTC)


def test_no_days_promise_nothing(make: Any) -> None:
    app = make(complaint_review_days=0)
    house = app.extensions["house"]
    _item, code = hand_in(house)
    assert look(house, code).promise is None
