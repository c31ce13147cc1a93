"""End of life and hold: what is refused (REQUIREMENTS A3 L45, L47; FEATURES rows 69-71)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.extensions import db
from intranet.kinds.base import Kind
from intranet.models import DisposalRow, Inspection, Item
from intranet.verbs import copies, destruction, disposal, handover, holds, items, levels, loans
from tests.office import DEFAULTS, Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level


def document(desk: Office, _clock: Clock, level: Level = Level.INTERNAL, **raw: object) -> Item:
    return desk.add("document", "custodian", level=level, **raw)


def held(desk: Office, clock: Clock) -> Item:
    item = document(desk, clock)
    with desk.w("lead") as w:
        holds.set_(w, item.id, "审计保全")
    return item


def lent(desk: Office, clock: Clock, copies_: str = "1") -> Item:
    item = document(desk, clock, copies=copies_)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=3)).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    return item


def lost(desk: Office, clock: Clock) -> Item:
    """One of two copies is missing, and no incident was closed."""
    item = document(desk, clock, copies="2")
    with desk.w("custodian") as w:
        items.lock(w, item.id)
        copy = copies.of_item(w.session, item.id)[0]
        copies.turn(w, copy, "missing")
        seen = Inspection(
            copy_id=copy.id, at=w.now, by_id=w.actor.id, found="missing", place_id=copy.place_id
        )
        w.session.add(seen)
    return item


def listed(way: str = "destroy", to: str = "proposed", level: Level = Level.INTERNAL):
    return lambda desk, clock: desk.end(document(desk, clock, level), way=way, to=to)


def listed_and_held(to: str):
    def before(desk: Office, clock: Clock) -> int:
        item = document(desk, clock)
        found = desk.end(item, to=to)
        with desk.w("leader") as w:
            holds.set_(w, item.id, "诉讼保全")
        return found

    return before


def two(desk: Office, clock: Clock) -> int:
    """A list of one file that the lead may know of, and one above his clearance."""
    low, high = document(desk, clock), desk.add("document", "registrar", level=Level.TOPSECRET)
    with desk.w("registrar") as w:
        return disposal.propose(w, "destroy", [low.id, high.id], "期满").id


def handled_by_the_lead(desk: Office, clock: Clock) -> int:
    item = desk.add("document", "lead")
    return desk.end(item, to="proposed")


def packed(desk: Office, clock: Clock, to: str = "") -> int:
    found = desk.end(document(desk, clock), way="transfer", to="approved")
    with desk.w("registrar") as w:
        handover.packaged(w, found, "ab" * 32)
    if to == "received":
        with desk.w("registrar") as w:
            handover.receipt(w, found, receiver="档案馆", number="1", received=w.today, check="ab" * 4)
    return found


def propose(
    desk: Office, item: Item, login: str = "registrar", way: str = "destroy", reason: str = "期满"
) -> None:
    with desk.w(login) as w:
        disposal.propose(w, way, [item.id], reason)


def approve(desk: Office, found: int, login: str = "lead") -> None:
    with desk.w(login, fresh=True) as w:
        disposal.approve(w, found)


def sign(desk: Office, found: int, login: str, fresh: bool = True) -> None:
    with desk.w(login, fresh=fresh) as w:
        destruction.sign(w, found)


def receipt(desk: Office, found: int, check: str = "ab" * 4, login: str = "registrar", days: int = 0) -> None:
    with desk.w(login) as w:
        day = w.today + timedelta(days=days)
        handover.receipt(w, found, receiver="档案馆", number="1", received=day, check=check)


def confirm(desk: Office, found: int, login: str) -> None:
    with desk.w(login, fresh=True) as w:
        handover.confirm(w, found)


def edit(desk: Office, item: Item) -> None:
    with desk.w("custodian") as w:
        items.edit(w, item.id, dict(item.data), title="改题名", version=None)


def relevel(desk: Office, item_id: int) -> None:
    with desk.w("registrar") as w:
        levels.propose(w, item_id, Level.CONFIDENTIAL, reason="复核")


def relevel_listed(desk: Office, found: int) -> None:
    relevel(desk, _item(found))


def lend(desk: Office, given: int) -> None:
    with desk.w("custodian") as w:
        loans.lend(w, given)


def applied_then_listed(desk: Office, clock: Clock) -> int:
    item = document(desk, clock)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=3)).id
    desk.end(item, to="proposed")
    return loan


def add_copy(desk: Office, found: int) -> None:
    with desk.w("custodian") as w:
        copies.register(w, w.session.get_one(Item, _item(found)), 1)


def _item(found: int) -> int:
    return db.session.scalars(select(DisposalRow.item_id).where(DisposalRow.list_id == found)).one()


def hold(desk: Office, item: Item, login: str, reason: str = "审计") -> None:
    with desk.w(login) as w:
        holds.set_(w, item.id, reason)


def release(desk: Office, item: Item, login: str, reason: str = "结束") -> None:
    with desk.w(login) as w:
        holds.release(w, item.id, reason)


def keep(desk: Office, found: int, login: str, reason: str = "仍要用") -> None:
    with desk.w(login) as w:
        disposal.keep(w, found, _item(found), reason)


def reissue(desk: Office, found: int) -> None:
    """Registering with the number of a destroyed file."""
    with desk.w("custodian") as w:
        number = w.session.get_one(Item, _item(found)).number
        kind: Kind = w.house.kinds["document"]
        raw = DEFAULTS["document"] | {"place": desk.place("GQ-1")}
        items.create(w, kind, raw, title="冒用", unit_id=desk.unit("BG"), number=number)


def package(desk: Office, found: int, login: str, fresh: bool = True) -> None:
    handover.package(desk.house, desk.actor(login, fresh=fresh), found)


CASES = [
    Case("A3 L47：借出的文件不得处置", "end-while-lent", lent, propose, Conflict),
    Case("A3 L47：有一份借出，也不得处置", "end-with-one-copy-lent", lambda d, c: lent(d, c, "2"), propose, Conflict),
    Case("A3 L47：有一份下落不明、事件未办结，不得处置", "end-with-a-copy-missing", lost, propose, Conflict),
    Case("row 70：冻结的文件不得处置", "end-while-on-hold", held, propose, Denied),
    Case("A3 L47：只有保管员可以提请", "lead-proposes", document, lambda d, i: propose(d, i, "lead"), Denied),
    Case("A3 L47：提请须有理由", "end-without-reason", document, lambda d, i: propose(d, i, reason=" "), Invalid),
    Case("A3 L47：只有销毁与移交两种方式", "end-another-way", document, lambda d, i: propose(d, i, way="sell"), Invalid),
    Case(
        "A3 L47：一份文件只在一份清单上", "end-on-two-lists",
        lambda d, c: (i := document(d, c), d.end(i, to="proposed"))[0], propose, Conflict,
    ),
    Case("A3 L47：提请人不得批准", "proposer-approves", listed(), lambda d, n: approve(d, n, "registrar"), Denied),
    Case("A3 L47：保管员不得批准", "custodian-approves", listed(), lambda d, n: approve(d, n, "custodian"), Denied),
    Case("A3 L47：经办人不得批准自己的文件", "owner-approves", handled_by_the_lead, approve, Denied),
    Case("A3 密级：有一件高于可接触密级，整份清单不可知", "approves-above-clearance", two, approve, Missing),
    Case("row 70：提请后冻结的，不得批准", "approve-while-on-hold", listed_and_held("proposed"), approve, Denied),
    Case("A3 L47：已批准的不再批准", "approve-a-list-twice", listed(to="approved"), lambda d, n: approve(d, n, "leader"), Conflict),
    Case("A3 L47：未批准不得签字", "sign-before-approval", listed(), lambda d, n: sign(d, n, "custodian"), Conflict),
    Case("A3 L47：批准人不得签字", "approver-signs", listed(to="approved"), lambda d, n: sign(d, n, "lead"), Denied),
    Case("A3 L47：两个签字须为两人", "one-signs-twice", listed(to="signed"), lambda d, n: sign(d, n, "custodian"), Denied),
    Case("row 70：批准后冻结的，不得签字", "sign-while-on-hold", listed_and_held("approved"), lambda d, n: sign(d, n, "custodian"), Denied),
    Case("row 70：签字后冻结的，第二人不得签字", "second-sign-while-on-hold", listed_and_held("signed"), lambda d, n: sign(d, n, "leader"), Denied),
    Case(
        "A3：机密以上销毁须二次验证", "sign-secret-without-factor", listed(to="approved", level=Level.SECRET),
        lambda d, n: sign(d, n, "custodian", fresh=False), Denied,
    ),
    Case("A3 L47：不知悉者不得签字，也不知有清单", "stranger-signs", listed(to="approved"), lambda d, n: sign(d, n, "cook"), Missing),
    Case("A3 L47：移交清单不以签字销毁", "sign-a-transfer", listed("transfer", "approved"), lambda d, n: sign(d, n, "custodian"), Conflict),
    Case("A3 L47：已销毁的不再销毁", "destroy-twice", listed(to="done"), lambda d, n: sign(d, n, "registrar"), Conflict),
    Case("A3 L47：只有批准人一方可以撤下", "custodian-keeps", listed(), lambda d, n: keep(d, n, "custodian"), Denied),
    Case("A3 L47：撤下须有理由", "keep-without-reason", listed(), lambda d, n: keep(d, n, "lead", " "), Invalid),
    Case("A3 L48：待处置的文件不得借出", "lend-while-ending", applied_then_listed, lend, Conflict),
    Case("A3：待处置的文件不得更改密级", "relevel-while-ending", listed(), relevel_listed, Conflict),
    Case("A3：待处置的文件不得增加份数", "copy-while-ending", listed(), add_copy, Conflict),
    Case("A3 L45：编号永不重发，已销毁的也不", "number-of-the-destroyed", listed(to="done"), reissue, Invalid),
    Case("row 70：冻结的文件不得修改", "edit-while-on-hold", held, edit, Denied),
    Case("row 70：冻结的文件不得更改密级", "relevel-while-on-hold", held, lambda d, i: relevel(d, i.id), Denied),
    Case("row 70：一份文件只有一个冻结", "hold-twice", held, lambda d, i: hold(d, i, "custodian"), Conflict),
    Case("row 70：冻结须有理由", "hold-without-reason", document, lambda d, i: hold(d, i, "lead", ""), Invalid),
    Case("row 70：普通职工不得冻结", "staff-holds", document, lambda d, i: hold(d, i, "cook"), Denied),
    Case("row 70：普通职工不得解除冻结", "staff-releases", held, lambda d, i: release(d, i, "cook"), Denied),
    Case("row 70：解除冻结须有理由", "release-without-reason", held, lambda d, i: release(d, i, "lead", ""), Invalid),
    Case("row 71：只有保管员可以打包", "lead-packs", listed("transfer", "approved"), lambda d, n: package(d, n, "lead"), Denied),
    Case("row 71：未批准不得打包", "pack-before-approval", listed("transfer"), lambda d, n: package(d, n, "registrar"), Conflict),
    Case(
        "row 71：机密以上打包须二次验证", "pack-secret-without-factor", listed("transfer", "approved", Level.SECRET),
        lambda d, n: package(d, n, "registrar", fresh=False), Denied,
    ),
    Case("row 71：没有移交包，无从登记接收单", "receipt-without-package", listed("transfer", "approved"), receipt, Conflict),
    Case("row 71：接收单须与移交包相符", "receipt-of-another-package", packed, lambda d, n: receipt(d, n, "cd" * 4), Invalid),
    Case("row 71：接收日期不得晚于今天", "receipt-of-tomorrow", packed, lambda d, n: receipt(d, n, days=1), Invalid),
    Case("row 71：没有接收单不得移交", "transfer-without-receipt", packed, lambda d, n: confirm(d, n, "custodian"), Conflict),
    Case(
        "row 71：登记接收单的人不得复核", "who-entered-confirms", lambda d, c: packed(d, c, "received"),
        lambda d, n: confirm(d, n, "registrar"), Denied,
    ),
    Case(
        "row 71：接收单由批准人或另一保管员复核", "another-leader-confirms", lambda d, c: packed(d, c, "received"),
        lambda d, n: confirm(d, n, "leader"), Denied,
    ),
]  # fmt: skip
