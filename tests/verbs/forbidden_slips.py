"""文件传递单: what is refused (REQUIREMENTS A3 Circulation, seeds L48-51; FEATURES rows 73-76, N10; A16.7 不得横传)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.extensions import db
from intranet.models import Copy, Grant, Item
from intranet.verbs import items, levels, loans, people, slip_hops, slips
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from tests.verbs.slip_office import do, document, drafted, facts, give, hop, moving, pending
from vault.levels import Level

Before = Callable[[Office, Clock], Any]


def draft(**other: Any) -> Before:
    """A draft with one thing wrong, or missing, that nothing has said yet."""
    return lambda desk, _clock: drafted(desk, document(desk), "lead_cw", **other)


def try_draft(desk: Office, item: Item, *logins: str, by: str = "custodian", **other: Any) -> None:
    drafted(desk, item, *logins, by=by, **other)


def today(desk: Office) -> Any:
    return desk.house.clock().astimezone(desk.house.zone).date()


def file(desk: Office, _clock: Clock) -> Item:
    return document(desk)


def at(
    *hops: tuple[str, str] | tuple[str, str, bool],
    scope: tuple[str, ...] = ("lead_cw", "lead_wx"),
    **other: Any,
) -> Before:
    """A slip on its way after these hops; a third word: it went back into its place."""

    def made(desk: Office, _clock: Clock) -> str:
        number = moving(desk, document(desk), *scope, **other)
        for giver, taker, *back in hops:
            hop(desk, number, giver, taker, back=bool(back))
        return number

    return made


OUT = ("custodian", "lead_cw")


def offered(desk: Office, clock: Clock) -> str:
    return give(desk, at()(desk, clock), "custodian", "lead_cw")


def clearance(desk: Office, login: str, level: Level) -> None:
    """Lowered by the security officer, as it happens."""
    with desk.w("security") as w:
        person = desk.person(login)
        people.standing(w, person.id, clearance=level, roles=[])


def lowered(desk: Office, clock: Clock) -> str:
    number = offered(desk, clock)
    clearance(desk, "lead_cw", Level.INTERNAL)
    return number


def lowered_before(desk: Office, clock: Clock) -> str:
    number = at()(desk, clock)
    clearance(desk, "lead_cw", Level.INTERNAL)
    return number


def knows_no_more(desk: Office, clock: Clock) -> str:
    """The custodian took a person of the scope off those who may know."""
    number = at()(desk, clock)
    with desk.w("custodian") as w:
        row = w.session.query(Grant).filter_by(person_id=desk.person("lead_cw").id).one()
        items.revoke(w, row.item_id, row.id)
    return number


def over(desk: Office, clock: Clock) -> str:
    number = at()(desk, clock)
    clock.forward(days=11)
    return number


def offered_then_over(desk: Office, clock: Clock) -> str:
    number = offered(desk, clock)
    clock.forward(days=11)
    return number


def with_late_loan(desk: Office, clock: Clock) -> str:
    other = desk.add("document", "custodian", level=Level.INTERNAL)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, other.id, purpose="核对", until=w.today + timedelta(days=1))
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    clock.forward(days=3)
    return at()(desk, clock)


def with_late_slip(desk: Office, clock: Clock) -> str:
    at(OUT)(desk, clock)
    clock.forward(days=12)
    return at()(desk, clock)


def lent(desk: Office, clock: Clock) -> Item:
    item = document(desk)
    with desk.w("lead") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today)
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    return item


def lent_while_it_waited(desk: Office, clock: Clock) -> str:
    item = document(desk)
    number = pending(desk, item, "lead_cw")
    with desk.w("lead") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today)
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    return number


def gone(state: str) -> Before:
    """The one copy is missing, or destroyed."""

    def made(desk: Office, _clock: Clock) -> Item:
        item = document(desk)
        db.session.query(Copy).filter_by(item_id=item.id).update({"state": state})
        db.session.commit()
        return item

    return made


def in_disposal(desk: Office, _clock: Clock) -> Item:
    item = document(desk)
    desk.end(item, to="proposed")
    return item


def on_a_slip(desk: Office, _clock: Clock) -> Item:
    item = document(desk)
    pending(desk, item, "lead_cw")
    return item


def circulating(*, copies: int = 1) -> Before:
    def made(desk: Office, _clock: Clock) -> Item:
        item = document(desk, copies=copies)
        moving(desk, item, "lead_cw")
        return item

    return made


def relevel(desk: Office, item: Item) -> None:
    with desk.w("registrar") as w:
        levels.propose(w, item.id, Level.SECRET, reason="提级")


def disable(desk: Office, login: str) -> None:
    with desk.w("admin") as w:
        people.disable(w, desk.person(login).id)


def hands(giver: str, taker: str) -> Callable[[Office, Any], Any]:
    return lambda desk, number: give(desk, number, giver, taker)


def act(login: str, verb: Any, *given: Any, **named: Any) -> Callable[[Office, Any], Any]:
    return lambda desk, number: do(desk, login, verb, number, *given, **named)


CHECK = {"result": "完好"}
CASES = [
    # -- drawing up and starting
    Case("A3 L49：无目的不得传递", "slip-without-purpose", draft(purpose="  "), act("custodian", slips.submit), Invalid),
    Case("A3 L49：无范围不得传递", "slip-without-scope", draft(persons=()), act("custodian", slips.submit), Invalid),
    Case("A3 L49：无周期不得传递", "slip-without-cycle", draft(starts=None, ends=None), act("custodian", slips.submit), Invalid),
    Case("A3 L49：周期不得超过该密级的期限", "slip-cycle-too-long", file,
         lambda desk, item: try_draft(desk, item, "lead_cw", ends=today(desk) + timedelta(days=91)), Invalid),
    Case("A16.7：绝密传递不得超过一个月", "slip-topsecret-over-a-month",
         lambda desk, _clock: document(desk, level=Level.TOPSECRET, by="registrar"),
         lambda desk, item: try_draft(desk, item, "leader", by="registrar", ends=today(desk) + timedelta(days=31)), Invalid),
    Case("A3 L49：周期不得在过去", "slip-cycle-in-the-past", file,
         lambda desk, item: try_draft(desk, item, "lead_cw", starts=today(desk) - timedelta(days=3), ends=today(desk)), Invalid),
    Case("A3 L49：周期不得先止后起", "slip-ends-before-it-starts", file,
         lambda desk, item: try_draft(desk, item, "lead_cw", starts=today(desk) + timedelta(days=3), ends=today(desk)), Invalid),
    Case("A3 L49：范围内人员须具备可接触密级", "slip-scope-not-cleared", file,
         lambda desk, item: try_draft(desk, item, "lead_cw", "cook"), Invalid),
    Case("A3 L49：范围内人员须在岗", "slip-scope-unknown-person", file,
         lambda desk, item: try_draft(desk, item, persons=(999_999,)), Invalid),
    Case("A3 L49：范围内单位须存在", "slip-scope-unknown-unit", file,
         lambda desk, item: try_draft(desk, item, units=(999_999,)), Invalid),
    Case("A3 L51：一份文件不得有两张未办结的传递单", "slip-second-for-one-copy", on_a_slip,
         lambda desk, item: try_draft(desk, item, "lead_wx", copy=1), Conflict),
    Case("A3 L51：已借出的份不得传递", "slip-for-a-lent-copy", lent, lambda desk, item: try_draft(desk, item, "lead_cw"), Conflict),
    Case("A3 L51：待批期间借出的份不得批准传递", "slip-approved-for-a-lent-copy", lent_while_it_waited, act("registrar", slips.approve), Conflict),
    Case("A3 L51：下落不明的份不得传递", "slip-for-a-missing-copy", gone("missing"), lambda desk, item: try_draft(desk, item, "lead_cw"), Conflict),
    Case("A3 L47：已销毁的份不得传递", "slip-for-a-destroyed-copy", gone("destroyed"), lambda desk, item: try_draft(desk, item, "lead_cw"), Conflict),
    Case("A3 L47：待处置的文件不得传递", "slip-for-a-file-in-disposal", in_disposal, lambda desk, item: try_draft(desk, item, "lead_cw"), Denied),
    Case("A3 L49：读者不得拟制传递单", "slip-drawn-up-by-a-reader", circulating(copies=2),
         lambda desk, item: try_draft(desk, item, "lead_wx", by="lead_cw"), Denied),
    Case("A3 L50：提交后不得修改", "slip-edited-after-submission", lambda desk, _clock: pending(desk, document(desk), "lead_cw"),
         lambda desk, number: do(desk, "custodian", slips.edit, number, facts(desk, "lead_wx")), Conflict),
    Case("A3 L50：只有拟制人可以修改", "slip-edited-by-another", draft(),
         lambda desk, number: do(desk, "registrar", slips.edit, number, facts(desk, "lead_wx")), Denied),
    Case("A3 审批人不得是拟制人", "slip-approved-by-its-drafter", lambda desk, _clock: pending(desk, document(desk), "lead_cw"),
         act("custodian", slips.approve), Denied),
    Case("A3 审批人须为保管员、信息责任人或处领导", "slip-approved-by-a-member", lambda desk, _clock: pending(desk, document(desk), "lead_cw"),
         act("officer", slips.approve), Denied),
    Case("A3 周期已过的不得批准", "slip-approved-after-its-cycle",
         lambda desk, clock: (pending(desk, document(desk), "lead_cw"), clock.forward(days=12))[0], act("registrar", slips.approve), Conflict),
    Case("A3 L51：已传出的不得撤回了事", "slip-withdrawn-while-out", at(OUT), act("custodian", slips.withdraw), Conflict),
    # -- from hand to hand
    Case("A3 L49：未批准不得传递", "hop-before-approval", lambda desk, _clock: pending(desk, document(desk), "lead_cw"),
         hands("custodian", "lead_cw"), Conflict),
    Case("A3 L49：首次交接由保管员办理", "hop-first-by-a-reader", at(), hands("lead_cw", "lead_wx"), Denied),
    Case("A3 L49：不得传给范围以外的人", "hop-out-of-scope", at(), hands("custodian", "lead_st"), Denied),
    Case("A3 L49：不得传给不存在的人", "hop-to-nobody", at(),
         lambda desk, number: do(desk, "custodian", slip_hops.give, number, 999_999), Denied),
    Case("A3 L49：不得传给可接触密级不足的人（单位范围内亦然）", "hop-to-a-unit-member-not-cleared",
         lambda desk, _clock: moving(desk, document(desk), units=(desk.unit("ST"),)), hands("custodian", "cook"), Denied),
    Case("A3 L49：密级已降低的人不得再接收", "hop-after-clearance-was-lowered", lowered_before, hands("custodian", "lead_cw"), Denied),
    Case("A3 L49：密级已降低的人不得签收", "hop-signed-after-clearance-was-lowered", lowered, act("lead_cw", slip_hops.take), Denied),
    Case("A3 L49：已移出知悉范围的人不得接收", "hop-to-who-may-know-no-more", knows_no_more, hands("custodian", "lead_cw"), Denied),
    Case("A16.7：不得横传", "hop-from-reader-to-reader", at(OUT), hands("lead_cw", "lead_wx"), Denied),
    Case("A3 L50：只有持有人可以交出", "hop-by-who-does-not-hold-it", at(OUT, direct=True), hands("lead_wx", "custodian"), Denied),
    Case("A3 L50：保管员不得代持有人交出", "hop-by-the-custodian-for-the-holder", at(OUT), hands("registrar", "lead_wx"), Denied),
    Case("A3 L50：不得代他人签收", "hop-signed-for-another", offered, act("lead_wx", slip_hops.take), Denied),
    Case("A3 L50：交出人不得自己签收", "hop-signed-by-its-giver", offered, act("custodian", slip_hops.take), Denied),
    Case("A3 L50：不得交给自己", "hop-to-oneself", at(), hands("custodian", "custodian"), Denied),
    Case("A3 L50：一次只交给一人", "hop-offered-twice", offered, hands("custodian", "lead_wx"), Conflict),
    Case("A3 L50：未交出的不得签收", "hop-signed-for-unoffered", at(), act("lead_cw", slip_hops.take), Denied),
    Case("A3 L49：周期未到不得传递", "hop-before-the-cycle",
         lambda desk, _clock: moving(desk, document(desk), "lead_cw", starts=today(desk) + timedelta(days=2)),
         hands("custodian", "lead_cw"), Conflict),
    Case("A3 L49：周期已过只能归还", "hop-after-the-cycle", over, hands("custodian", "lead_cw"), Denied),
    Case("A3 L49：周期已过不得签收", "hop-signed-after-the-cycle", offered_then_over, act("lead_cw", slip_hops.take), Denied),
    Case("A3 L51：有逾期借阅的人不得接收", "hop-to-who-is-late-with-a-loan", with_late_loan, hands("custodian", "lead_cw"), Denied),
    Case("A3 L51：有逾期传递的人不得接收", "hop-to-who-is-late-with-a-slip", with_late_slip, hands("custodian", "lead_cw"), Denied),
    # -- return, check, close
    Case("A3 L51：未归还不得关闭", "close-without-return", at(OUT), act("registrar", slip_hops.check, **CHECK), Conflict),
    Case("A3 L51：未检查不得关闭", "close-without-check", at(OUT, ("lead_cw", "custodian", True)),
         act("custodian", slip_hops.check, result=" "), Invalid),
    Case("A3 L51：不得关闭两次", "close-twice",
         lambda desk, clock: do(desk, "custodian", slip_hops.check, at(OUT, ("lead_cw", "custodian", True))(desk, clock), **CHECK).number,
         act("registrar", slip_hops.check, **CHECK), Conflict),
    Case("A3 检查人不得是最后持有人", "checked-by-who-put-it-back",
         lambda desk, clock: do(desk, "custodian", slip_hops.put_back, at(OUT, ("lead_cw", "custodian"))(desk, clock)).number,
         act("custodian", slip_hops.check, **CHECK), Denied),
    Case("A3 检查人不得是最后持有人（保管员作为阅件人）", "checked-by-the-last-reader",
         at(("custodian", "registrar"), ("registrar", "custodian", True), scope=("registrar",)),
         act("registrar", slip_hops.check, **CHECK), Denied),
    Case("A3 L51：检查由保管员办理", "checked-by-no-custodian", at(OUT, ("lead_cw", "custodian", True)),
         act("lead", slip_hops.check, **CHECK), Denied),
    Case("A3 L51：只有持有人可以归还", "returned-by-who-does-not-hold-it", at(OUT), act("custodian", slip_hops.put_back), Denied),
    Case("A3 L51：阅件人不得自行归位", "returned-without-the-custodian", at(OUT), act("lead_cw", slip_hops.put_back), Denied),
    Case("A3 L50：持有人可以签字的不得代为收回", "recovered-from-who-can-sign", at(OUT), act("custodian", slip_hops.recover, "代收"), Denied),
    Case("A3 L51：与传递无关的人不得登记遗失", "lost-by-a-stranger", at(OUT), act("lead_wx", slip_hops.lost, "不见了"), Denied),
    # -- the file while its copy is on its way
    Case("A3 L47：传递中的文件不得处置", "disposal-while-circulating", circulating(),
         lambda desk, item: desk.end(item, to="proposed"), Conflict),
    Case("A3 L38：传递中的文件不得更改密级", "level-while-circulating", circulating(), relevel, Conflict),
    Case("A3 L38：有一份在传递的文件不得更改密级", "level-while-one-of-two-circulates", circulating(copies=2), relevel, Conflict),
    Case(
        "A3 L51：手中有传递文件的人不得停用（离岗清退）",
        "disabled-with-a-slip-in-hand",
        at(OUT),
        lambda desk, _number: disable(desk, "lead_cw"),
        Conflict,
    ),
    # -- not even that there is one
    Case("A3 L37：无权知悉文件的人不知有传递单", "slip-unknown-to-who-may-not-know", at(OUT), act("cook", slip_hops.take), Denied),
    Case("A3 L37：知悉文件而与传递无关的人不知有传递单", "slip-unknown-to-who-has-no-part", at(OUT), act("officer", slip_hops.lost, "x"), Denied),
    Case("A3 L37：不存在的传递单", "slip-that-is-not", file, lambda desk, _item: do(desk, "cook", slip_hops.take, "CD-BG-2026-9999"), Missing),
]  # fmt: skip
