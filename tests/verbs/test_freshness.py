"""Every kind of change, and what each person finds before the worker has been by, and after.

Before: nothing that the database no longer shows to this person is in a hit, a total, a facet or a suggestion, and no snippet
says a word that is no longer there. What the index has not heard of yet may be missing, for the two seconds of the worker.
After: the index says what the database says, to the last word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet import demo
from intranet.actor import Actor
from intranet.house import House
from intranet.jobs import worker
from intranet.models import Blob, Item, Outbox
from intranet.verbs import destruction, entries, finding, items, levels, office, people, typed
from search.engine import Access, Entry
from search.engine_bruteforce import BruteForceEngine
from search.query import parse
from tests.office import Clock, Office, Statements
from vault.levels import Level

LOGINS = [p.login for p in demo.PEOPLE]
#: (login, words, whether that person finds them once the worker has been by)
Finds = tuple[str, str, bool]
#: Prepares something at the first `next`, changes it at the second, and says what must then be found.
Change = Callable[[Office, Clock], Iterator[list[Finds]]]
RAW = {"business": "other", "management": "administration", "medium": "electronic"}


def saved(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    yield []
    desk.add("resource", "officer", title="锅炉新增台账", body="烟囱检测")
    yield [("cook", "烟囱检测", True), ("admin", "烟囱检测", False)]


def edited(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉旧题名", body="电话一三九写错了")
    yield []
    with desk.w("officer") as w:
        items.edit(w, item.id, RAW | {"body": "电话已经更正"}, title="锅炉新题名", version=None)
    yield [("cook", "新题名", True), ("cook", '"写错了"', False), ("cook", "电话已经更正", True)]


def withdrawn(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉停用说明")
    yield []
    desk.step(item, "officer", "withdraw", reason="停用")
    yield [("cook", "停用说明", False), ("officer", "停用说明", True)]


def restored(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉恢复说明")
    desk.step(item, "officer", "withdraw", reason="停用")
    yield []
    desk.step(item, "officer", "restore")
    yield [("cook", "恢复说明", True)]


def published(desk: Office, **raw: object) -> Item:
    item = desk.add("notice", "officer_wx", **raw)
    desk.step(item, "officer_wx", "submit")
    desk.step(item, "lead_wx", "pass_unit")
    return desk.step(
        item, "reviewer", "publish", ticks=["format", "figures", "wording", "typing", "punctuation"]
    )


def recalled(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = published(desk, title="锅炉误发通知")
    yield []
    desk.step(item, "reviewer", "withdraw", reason="误发")
    yield [("cook", "误发通知", False), ("reviewer", "误发通知", True)]


def run_out(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    today = clock.now.astimezone(desk.house.zone).date()
    published(desk, title="锅炉到期通知", expires=(today + timedelta(days=40)).isoformat())
    yield []
    clock.now = clock.now.replace(hour=15, minute=59) + timedelta(days=40)
    clock.forward(minutes=2)
    yield [("cook", "到期通知", False), ("reviewer", "到期通知", True)]


def raised(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉定密台账", body="压力参数", level=Level.INTERNAL)
    yield []
    with desk.w("officer") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="定密")
    yield [("cook", "定密台账", False), ("officer", "定密台账", True), ("officer", "压力参数", False)]


def lowered(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉解密台账", body="解密参数", level=Level.CONFIDENTIAL)
    yield []
    with desk.w("lead") as w:
        levels.relevel(w, item.id, Level.INTERNAL, reason="解密")
    yield [("cook", "解密台账", True), ("cook", "解密参数", True), ("temp", "解密参数", False)]


def granted(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("document", "custodian", title="锅炉知悉范围", level=Level.CONFIDENTIAL)
    yield []
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_st").id)
        items.grant(w, item.id, unit_id=desk.unit("SS"))
    yield [("lead_st", "知悉范围", True), ("lead_ss", "知悉范围", True), ("lead_cw", "知悉范围", False)]


def revoked(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("document", "custodian", title="锅炉收回知悉", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        grant = items.grant(w, item.id, person_id=desk.person("lead_st").id)
    yield []
    with desk.w("custodian") as w:
        items.revoke(w, item.id, grant.id)
    yield [("lead_st", "收回知悉", False)]


def grant_ended(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("document", "custodian", title="锅炉限时知悉", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, item.id, unit_id=desk.unit("ST"), until=clock.now + timedelta(days=20))
    yield []
    clock.forward(days=21)
    yield [("lead_st", "限时知悉", False)]


def moved(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    desk.add("resource", "officer_cw", title="锅炉支出", repository=_closed_to(desk, "CW"))
    yield []
    person = desk.person("driver")
    with desk.w("cli:test") as w:
        people.update(w, person.id, name=person.name, unit_id=desk.unit("CW"), title="", phone="")
        other = desk.person("officer_cw")
        people.update(w, other.id, name=other.name, unit_id=desk.unit("LH"), title="", phone="")
    yield [("driver", "锅炉支出", True), ("cook", "锅炉支出", False), ("lead_cw", "锅炉支出", True)]


def stripped(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    desk.add("workorder", "cook", title="锅炉漏水报修")
    yield []
    with desk.w("cli:test") as w:
        people.standing(w, desk.person("lead_wx").id, clearance=Level.CONFIDENTIAL, roles=[])
        people.standing(w, desk.person("lead_lh").id, clearance=Level.PUBLIC, roles=[("dispatcher", None)])
    yield [("lead_wx", "漏水报修", False), ("dispatcher", "漏水报修", True), ("cook", "漏水报修", True)]


def destroyed(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    blob = desk.deposit("custodian", "附件写着水冷壁爆管".encode())
    item = desk.add("document", "custodian", title="锅炉销毁文件", level=Level.INTERNAL, blobs=(blob,))
    found = desk.end(item, to="signed")
    yield []
    with desk.w("deputy", fresh=True) as w:
        destruction.sign(w, found)
    yield [
        ("custodian", "销毁文件", True),
        ("custodian", "水冷壁爆管", False),
        ("lead", "水冷壁爆管", False),
        ("cook", "销毁文件", False),
    ]


def file_taken_off(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    blob = desk.deposit("officer", "附件写着名单张三李四".encode())
    item = desk.add("resource", "officer", title="锅炉公示", body="公示正文", blobs=(blob,))
    yield []
    with desk.w("officer") as w:
        items.edit(w, item.id, RAW | {"body": "公示正文"}, title="锅炉公示", version=None, drop=[blob])
    yield [("cook", "锅炉公示", True), ("cook", "名单张三", False), ("officer", "名单张三", False)]


def file_added(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    item = desk.add("resource", "officer", title="锅炉附件后补", body="先有正文")
    yield []
    blob = desk.deposit("officer", "后来补上的省煤器图纸".encode())
    with desk.w("officer") as w:
        items.edit(w, item.id, RAW | {"body": "先有正文"}, title="锅炉附件后补", version=None, blobs=[blob])
    yield [("cook", "省煤器图纸", True)]


def _closed_to(desk: Office, *codes: str) -> int:
    with desk.w("cli:test") as w:
        made = office.add_repository(w, f"R{codes[0]}", "专题库")
        w.session.flush()
        office.readers(w, made.id, [desk.unit(code) for code in codes])
        return made.id


def closed(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    with desk.w("cli:test") as w:
        made = office.add_repository(w, "KAI", "开放库")
        w.session.flush()
        repository = made.id
    desk.add("resource", "officer", title="锅炉库内资料", repository=repository)
    yield []
    with desk.w("cli:test") as w:
        office.readers(w, repository, [desk.unit("CW")])
    yield [("cook", "库内资料", False), ("lead_cw", "库内资料", True)]


def opened(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    repository = _closed_to(desk, "BG")
    desk.add("resource", "officer", title="锅炉内部资料", repository=repository)
    yield []
    with desk.w("cli:test") as w:
        office.readers(w, repository, None)
    yield [("cook", "锅炉内部资料", True)]


def reassigned(desk: Office, clock: Clock) -> Iterator[list[Finds]]:
    order = desk.add("workorder", "warden", title="锅炉照明不亮")
    due = f"{clock.now + timedelta(days=90):%Y-%m-%dT%H:%M}"
    desk.step(order, "dispatcher", "assign", worker=desk.person("plumber").id, due=due)
    yield []
    desk.step(order, "plumber", "refuse", reason="不归我管")
    desk.step(order, "dispatcher", "assign", worker=desk.person("electrician").id, due=due)
    yield [("plumber", "照明不亮", False), ("electrician", "照明不亮", True)]


CHANGES: list[Change] = [
    saved, edited, withdrawn, restored, recalled, run_out, raised, lowered, granted, revoked, grant_ended, moved, stripped,
    destroyed, file_taken_off, file_added, closed, opened, reassigned,
]  # fmt: skip


class Watch:
    """What persons find, held against looking at every entry that the index holds and at every row of the database."""

    def __init__(self, db: Session, house: House, desk: Office) -> None:
        self.db, self.house, self.desk = db, house, desk
        self.held: dict[int, Entry] = {}
        self.asked = 0

    def caught_up(self) -> None:
        """The worker has been by: the index is the database."""
        worker.once(self.house)
        self.db.rollback()
        self.held = {e.id: e for e in entries.every(self.db, self.house)}
        right = {number: e.fingerprint() for number, e in self.held.items()}
        assert dict(self.house.engine.fingerprints()) == right

    def look(self, login: str, text: str) -> None:
        db, house, actor = self.db, self.house, self.desk.actor(login)
        db.rollback()
        now = {i.id: i for i in db.scalars(select(Item).where(house.policy.visible(actor, house.clock())))}
        plain = BruteForceEngine()
        plain.write(list(self.held.values()))
        unseen = frozenset(self.held.keys() - now.keys()) | self.lost()
        query = typed.coded(db, house, parse(text))

        mine = finding.find(db, house, actor, text, limit=100)
        right = plain.search(query, self.access(actor, unseen), None, finding.FACETS, 100)
        assert (mine.total, mine.facets) == (right.total, right.facets)
        assert (mine.relaxed, mine.strict, mine.instead) == (right.relaxed, right.strict, right.instead)
        assert {h.item.id for h in mine.hits} == {h.id for h in right.hits} <= now.keys()
        counted = finding.find(
            db, house, actor, text, limit=0
        )  # no hit is looked at, the numbers stand alone
        assert (counted.total, counted.facets) == (right.total, right.facets)
        self.says_what_is_there(mine)

        typing = self.access(actor, unseen, Level.INTERNAL)
        quick = finding.live(db, house, actor, text, limit=100)
        named = {s.id for s in plain.suggest(text, typing, 100)}
        found = plain.search(query, typing, limit=100)
        assert {h.item.id for h in quick.hits} == named | {h.id for h in found.hits}
        assert quick.total == max(found.total, len(quick.hits))
        self.says_what_is_there(quick)
        self.asked += 2

    def access(self, actor: Actor, unseen: frozenset[int], most: int = Level.TOPSECRET) -> Access:
        return Access(min(int(actor.clearance), most), self.house.policy.tokens(actor), unseen)

    def lost(self) -> frozenset[int]:
        """What holds words that must go and is not written anew yet."""
        having = [
            set(self.db.scalars(select(Outbox.item_id).where(Outbox.topic == topic, Outbox.tries == 0)))
            for topic in ("index", "forget")
        ]
        return frozenset(i for i in having[0] & having[1] if i is not None)

    def says_what_is_there(self, found: finding.Found) -> None:
        """Titles are today's, and each word of a snippet stands in today's text."""
        for hit in found.hits:
            row = self.db.get_one(Item, hit.item.id, populate_existing=True)
            assert "".join(text for text, _ in hit.title) == row.title
            today = entries.entry(self.db, self.house, row).text
            for run in re.findall(r"[\u4e00-\u9fff]+", "".join(text for text, _ in hit.snippet)):
                assert run in today


@pytest.mark.parametrize("seed", [1, 2])
def test_what_has_changed_is_nowhere_before_the_worker_and_everywhere_after(
    db: Session, house: House, desk: Office, clock: Clock, seed: int
) -> None:
    chance, watch = random.Random(seed), Watch(db, house, desk)
    changes = [change(desk, clock) for change in CHANGES]
    for change in changes:
        next(change)
    watch.caught_up()
    chance.shuffle(changes)
    for change in changes:
        must = next(change)
        texts = {"锅炉", "guolu", "题名", *(text for _, text, _ in must)}
        logins = {*chance.sample(LOGINS, 2), *(login for login, _, _ in must)}
        for login in sorted(logins):
            for text in chance.sample(sorted(texts), 2):
                watch.look(login, text)
        watch.caught_up()
        for login, text, finds in must:
            watch.look(login, text)
            answer = finding.find(db, house, desk.actor(login), text)
            assert bool(answer.strict) is finds, (change, login, text)
    assert watch.asked > 250


def test_a_notice_is_gone_with_its_last_second_though_no_worker_lives(
    db: Session, house: House, desk: Office, clock: Clock
) -> None:
    """有效期至 11 月 25 日：26 日零时整起，检索、列表、详情都没有它。"""
    from intranet.errors import DomainError
    from intranet.verbs import reading

    item = published(desk, title="停水通知", expires="2026-11-25")
    worker.quick(house)
    reader, keeper = desk.actor("cook"), desk.actor("reviewer")

    def totals() -> tuple[int, int]:
        db.rollback()
        listed = select(func.count()).select_from(Item).where(house.policy.visible(reader, house.clock()))
        found = finding.find(db, house, reader, "停水", limit=0)
        return found.total, db.scalar(listed.where(Item.id == item.id)) or 0

    clock.now = clock.now.replace(hour=15, minute=59, second=59) + timedelta(days=2)
    assert totals() == (1, 1)
    clock.forward(seconds=1)
    assert totals() == (0, 0)
    with pytest.raises(DomainError):
        reading.by_number(db, house, reader, item.number, clock.now)
    assert finding.live(db, house, reader, "停水").hits == []
    assert finding.exact(db, house, reader, item.number) == ""
    assert finding.find(db, house, keeper, "停水").total == 1
    clock.forward(days=29)  # nobody has taken it down since
    assert totals() == (0, 0)
    clock.forward(days=300)
    assert finding.find(db, house, reader, "停水").hits == []


def test_an_age_set_by_the_office_counts_without_a_worker_too(
    make: Callable[..., object], clock: Clock
) -> None:
    app = make(notice_expiry_days=30)
    house: House = app.extensions["house"]  # type: ignore[attr-defined]
    desk = Office(app, house)  # type: ignore[arg-type]
    undated, dated = (
        published(desk, title="停电通知"),
        published(desk, title="停气通知", expires="2027-06-30"),
    )
    clock.now = clock.now.replace(hour=15, minute=59) + timedelta(days=30)
    assert desk.sees("cook", undated)
    clock.forward(minutes=1)
    assert not desk.sees("cook", undated)
    assert desk.sees("cook", dated)


def test_an_entry_that_failed_to_be_written_is_still_known_to_be_behind(
    db: Session, house: House, desk: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that failed waits for an hour in the end: until then nothing of what is gone may be shown."""
    blob = desk.deposit("officer", "附件写着名单张三".encode())
    item = desk.add("resource", "officer", title="锅炉公示", body="正文", blobs=(blob,))
    worker.once(house)
    assert finding.find(db, house, desk.actor("cook"), "名单张三").total == 1
    with desk.w("officer") as w:
        items.edit(w, item.id, RAW | {"body": "正文改了"}, title="锅炉公示", version=None, drop=[blob])

    def full(*_args: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(house.engine, "write", full)
        worker.quick(house)
    assert finding.find(db, house, desk.actor("cook"), "名单张三").total == 0
    clock.forward(hours=2)
    worker.once(house)
    [hit] = finding.find(db, house, desk.actor("cook"), "正文改了").hits
    assert "正文改了" in "".join(text for text, _ in hit.snippet)
    assert db.scalar(select(Blob.state).where(Blob.id == blob)) == "dropped"


def test_a_search_stays_two_statements_whatever_waits(
    db: Session, house: House, desk: Office, statements: Statements
) -> None:
    desk.add("resource", "officer", title="锅炉")
    worker.quick(house)
    desk.add("resource", "officer", title="锅炉未收")
    actor = desk.actor("cook")
    db.rollback()
    with statements() as seen:
        finding.find(db, house, actor, "锅炉")
    assert len([s for s in seen if s.lstrip().upper().startswith("SELECT")]) == 2
