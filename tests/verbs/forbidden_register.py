"""登记与定密: what is refused (REQUIREMENTS A3, A4, A16.6; FEATURES rows 52, 54, 57, 58, 60-63, 67, 77)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from intranet.errors import Conflict, Denied, Invalid
from intranet.extensions import db
from intranet.models import Approval, Hold, Item
from intranet.verbs import approvals, bundles, copying, items, levels, loans
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level

I, C, S, T = Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET  # noqa: E741
RECORDING = {
    "class": "recording", "occasion": "meeting", "event": "安全例会", "held": "2026-11-02", "event_level": "secret",
}  # fmt: skip


def document(desk: Office, _clock: Clock | None = None, level: Level = I, place: str = "SG-1") -> Item:
    return desk.add("document", "custodian", level=level, place=desk.place(place))


def proposed(desk: Office, _clock: Clock | None = None, level: Level = C) -> int:
    item = document(desk)
    with desk.w("custodian") as w:
        return levels.propose(w, item.id, level, reason="复核").id


def decide(desk: Office, approval: int, login: str) -> None:
    with desk.w(login) as w:
        approvals.decide(w, approval, True, "")


def propose(desk: Office, item: Item, level: Level, login: str = "custodian", reason: str = "复核") -> None:
    with desk.w(login) as w:
        levels.propose(w, item.id, level, reason=reason)


def out(desk: Office, clock: Clock) -> Item:
    item = document(desk, clock)
    with desk.w("lead") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=3))
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    return item


def held_up(desk: Office, clock: Clock) -> Item:
    item = document(desk, clock)
    with desk.w("custodian") as w:
        w.session.add(Hold(item_id=item.id, reason="核查", at=w.now, by_id=w.actor.id))
    return item


def destroyed(desk: Office, clock: Clock) -> Item:
    item = document(desk, clock)
    desk.end(item)
    return item


def register(desk: Office, number: str) -> None:
    raw = {
        "author": "甲",
        "dated": "2026-11-01",
        "retention": "y10",
        "frequency": "low",
        "place": desk.place("SG-1"),
    }
    with desk.w("custodian") as w:
        kind = w.house.kinds["document"]
        items.create(w, kind, raw, title="重号", unit_id=desk.unit("BG"), level=I, number=number)


def folder(desk: Office, level: Level = I, place: str = "GZ-1") -> Item:
    return desk.add("folder", "registrar", level=level, place=desk.place(place))


def put(desk: Office, given: tuple[Item, Item], login: str = "custodian") -> None:
    with desk.w(login) as w:
        bundles.put(w, given[0].id, given[1].id)


def filled(desk: Office, _clock: Clock) -> tuple[Item, Item]:
    """A folder that holds a secret file."""
    given = folder(desk, S, "SG-1"), document(desk, level=S)
    put(desk, given)
    return given


def raised_in_a_cabinet(desk: Office, _clock: Clock) -> int:
    """A proposal for a file whose folder stands in a cabinet."""
    given = folder(desk), document(desk)
    put(desk, given)
    with desk.w("custodian") as w:
        return levels.propose(w, given[1].id, S, reason="复核").id


def copy(desk: Office, item: Item, login: str = "custodian", **given: Any) -> None:
    with desk.w(login) as w:
        copying.add(w, item.id, **{"made_from": 1, "count": 1, "reason": "分发"} | given)


def copy_asked(desk: Office, _clock: Clock) -> int:
    copy(desk, document(desk, level=S))
    return db.session.scalars(select(Approval.id)).one()


def changed(desk: Office, item: Item) -> None:
    """A proposal made on an older version of the register."""
    with desk.w("custodian") as w:
        levels.propose(w, item.id, C, reason="复核", version=item.version - 1)


def proposed_by_registrar(desk: Office, _clock: Clock) -> int:
    item = desk.add("document", "registrar", level=S, place=desk.place("BMS-1"))
    with desk.w("registrar") as w:
        return levels.propose(w, item.id, T, reason="复核").id


def with_body_proposed(desk: Office, _clock: Clock) -> int:
    blob = desk.deposit("registrar", b"body", level=S)
    item = desk.add("document", "registrar", level=S, place=desk.place("BMS-1"), blobs=(blob,))
    with desk.w("registrar") as w:
        items.grant(w, item.id, person_id=desk.person("leader").id)
        return levels.propose(w, item.id, T, reason="复核").id


def one_step(desk: Office, item: Item) -> None:
    with desk.w("custodian") as w:
        levels.relevel(w, item.id, C, reason="复核")


def withdraw(desk: Office, approval: int, login: str) -> None:
    with desk.w(login) as w:
        approvals.withdraw(w, approval)


CASES = [
    Case("A3 L45：编号不得重复，已销毁的也算", "number-of-a-destroyed-file", destroyed, lambda d, i: register(d, i.number), Invalid),
    Case("A3 L46：四项标识缺一不予登记", "no-author", lambda d, _c: None, lambda d, _g: d.add("document", "custodian", author=""), Invalid),
    Case("A3 L46：制定日期不得在将来", "dated-ahead", lambda d, _c: None, lambda d, _g: d.add("document", "custodian", dated="2027-01-01"), Invalid),
    Case("行 54：登记不得高于本人可接触密级", "register-above-own-clearance", lambda d, _c: None, lambda d, _g: d.add("document", "custodian", level=T), Invalid),
    Case("行 52：更改密级须有理由", "level-without-reason", document, lambda d, i: propose(d, i, C, reason=" "), Invalid),
    Case("行 54：提请不得高于本人可接触密级", "propose-above-own-clearance", document, lambda d, i: propose(d, i, T), Invalid),
    Case("行 52：任何人不得审批自己的提请", "approve-own-proposal", proposed, lambda d, a: decide(d, a, "custodian"), Denied),
    Case("行 52：非保管员、责任人、处领导不得审批", "approve-without-duty", proposed, lambda d, a: decide(d, a, "officer"), Denied),
    Case("行 54：审批人须可接触新的密级", "approve-above-own-clearance",
         proposed_by_registrar, lambda d, a: decide(d, a, "custodian"), Denied),
    Case("行 52：受控文件的密级不得一人改定", "level-in-one-step", document, one_step, Denied),
    Case("行 52：同一文件只有一项提请待批", "second-proposal", lambda d, c: db.session.get_one(Approval, proposed(d, c)).item_id,
         lambda d, item: propose(d, db.session.get_one(Item, item), S), Conflict),
    Case("行 52：提请批过不得再批", "approve-twice", lambda d, c: (a := proposed(d, c), decide(d, a, "registrar"))[0],
         lambda d, a: decide(d, a, "registrar"), Conflict),
    Case("行 52：只有提请人可以撤回", "withdraw-anothers", proposed, lambda d, a: withdraw(d, a, "registrar"), Denied),
    Case("A3：借出的文件不更改密级", "level-while-lent", out, lambda d, i: propose(d, i, C), Conflict),
    Case("A3：已销毁的文件不更改密级", "level-of-a-destroyed-file", destroyed, lambda d, i: propose(d, i, C, "registrar"), Conflict),
    Case("行 70：冻结的文件不更改密级", "level-on-hold", held_up, lambda d, i: propose(d, i, C), Denied),
    Case("A3 L38-42：场所强度不足不得提级", "level-above-the-place", lambda d, _c: document(d, place="GQ-1"), lambda d, i: propose(d, i, C), Invalid),
    Case("版本冲突：他人已改动", "propose-on-an-older-version", document, changed, Conflict),
    Case("行 61：案卷不得低于卷内最高密级", "folder-below-what-is-inside", filled, lambda d, g: propose(d, g[0], C), Invalid),
    Case("行 61：案卷场所强度不足，不得归入高密级", "strong-into-a-weak-place", lambda d, _c: (folder(d), document(d, level=S)), put, Invalid),
    Case("行 61：随案卷定级须场所足够", "inherits-in-a-weak-place", lambda d, _c: (folder(d, S, "SG-1"), document(d, place="GQ-1")), put, Invalid),
    Case("行 61：借出的文件不得随案卷定级", "inherits-while-lent", lambda d, c: (folder(d, S, "SG-1"), out(d, c)), put, Conflict),
    Case("行 61：一件只在一个案卷", "into-a-second-folder", lambda d, c: (folder(d, S, "SG-1"), filled(d, c)[1]), put, Conflict),
    Case("行 61：高于本人可接触密级的案卷不得归入", "into-a-folder-above-own-clearance",
         lambda d, _c: (folder(d, T, "BMS-1"), document(d)), put, Denied),
    Case("行 61：只有保管员归卷", "put-by-another", lambda d, _c: (folder(d), document(d)), lambda d, g: put(d, g, "lead"), Denied),
    Case("行 61：卷内文件提级而案卷场所不足", "raised-inside-a-weak-folder", raised_in_a_cabinet, lambda d, a: decide(d, a, "registrar"), Invalid),
    Case("A16.7：增印须说明理由", "copy-without-reason", document, lambda d, i: copy(d, i, reason=""), Invalid),
    Case("行 77：只有保管员增印", "copy-by-another", document, lambda d, i: copy(d, i, "lead"), Denied),
    Case("行 77：不在库的份不得增印", "copy-of-what-is-out", out, copy, Conflict),
    Case("行 77：机密级增印不得自批", "approve-own-copy", copy_asked, lambda d, a: decide(d, a, "custodian"), Denied),
    Case("A4：录音须写明所记录的会议或培训", "recording-without-its-event", lambda d, _c: None,
         lambda d, _g: d.add("material", "custodian", **RECORDING | {"event": "", "event_level": "internal"}), Invalid),
    Case("A4：录音不得低于其会议的密级", "recording-below-its-event", lambda d, _c: None,
         lambda d, _g: d.add("material", "custodian", level=I, **RECORDING), Invalid),
    Case("A4：录音降级不得低于其会议的密级", "recording-lowered-below-its-event",
         lambda d, _c: d.add("material", "custodian", level=S, **RECORDING), lambda d, i: propose(d, i, I), Invalid),
    Case("A16.6 行 63：未作声明不收正文", "file-without-a-declaration", lambda d, _c: d.deposit("custodian", b"x"),
         lambda d, b: d.add("document", "custodian", blobs=(b,), declared=""), Invalid),
    Case("A16.6 行 63：含国家秘密的不收", "file-with-state-secrets", lambda d, _c: d.deposit("custodian", b"x"),
         lambda d, b: d.add("document", "custodian", blobs=(b,), declared="secret"), Invalid),
    Case("A16.6 行 62：绝密只登记，带正文的不得升至绝密", "body-on-a-register-only-level", with_body_proposed,
         lambda d, a: decide(d, a, "leader"), Conflict),
]  # fmt: skip
