"""借阅: what is refused (REQUIREMENTS A3; FEATURES rows 72, 78, 80). The ways that are allowed: `test_loans`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from intranet.errors import Conflict, Denied, Invalid
from intranet.models import Audit, Grant, Item, Loan
from intranet.verbs import copies, extending, items, loans, people
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level

Act = Callable[[Office, Any], Any]


# -- what comes before ---------------------------------------------------------------------------------------------
def document(desk: Office, level: Level = Level.CONFIDENTIAL, copies: int = 1) -> Item:
    """A file that the finance head may know of."""
    item = desk.add("document", "custodian", level=level, copies=str(copies))
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    return item


def apply(desk: Office, item: Item, login: str = "lead_cw", days: int = 5, **more: Any) -> int:
    with desk.w(login) as w:
        return loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=days), **more).id


def do(desk: Office, login: str, verb: Callable[..., Any], loan: int, *given: Any, **more: Any) -> int:
    with desk.w(login) as w:
        verb(w, loan, *given, **more)
    return loan


def applied(desk: Office, _clock: Clock, login: str = "lead_cw") -> int:
    return apply(desk, document(desk), login)


def approved(desk: Office, clock: Clock, login: str = "lead_cw") -> int:
    return do(desk, "registrar", loans.approve, applied(desk, clock, login))


def lent(desk: Office, clock: Clock, login: str = "lead_cw") -> int:
    return do(desk, "registrar", loans.hand_over, approved(desk, clock, login))


def returned(desk: Office, clock: Clock, login: str = "lead_cw") -> int:
    return do(desk, login, loans.give_back, lent(desk, clock, login))


def overdue(desk: Office, clock: Clock) -> int:
    loan = lent(desk, clock)
    clock.forward(days=6)
    return loan


def asked_longer(desk: Office, clock: Clock, login: str = "lead_cw") -> int:
    return do(desk, login, later, lent(desk, clock, login))


def later(w: Any, loan: int, days: int = 9) -> None:
    extending.ask(w, loan, until=w.today + timedelta(days=days), why="未用完")


def step(login: str, verb: Callable[..., Any], *given: Any, **more: Any) -> Act:
    """The act: one step of the given loan by somebody."""
    return lambda desk, loan: do(desk, login, verb, loan, *given, **more)


def two_of_one_copy(desk: Office, clock: Clock) -> int:
    """Lent to the finance head, approved for the office head too."""
    item = document(desk)
    do(desk, "custodian", loans.lend, apply(desk, item))
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("deputy").id)
    return do(desk, "custodian", loans.approve, apply(desk, item, "deputy"))


def first_copy_missing(desk: Office, clock: Clock) -> int:
    item = document(desk, copies=2)
    loan = do(desk, "custodian", loans.approve, apply(desk, item))
    with desk.w("custodian") as w:
        copies.turn(w, copies.free(w, item, 1), "missing")
    return loan


def for_disposal(desk: Office, clock: Clock) -> int:
    item = document(desk)
    loan = do(desk, "custodian", loans.approve, apply(desk, item))
    desk.end(item, to="proposed")
    return loan


def uncleared(desk: Office, clock: Clock) -> int:
    loan = approved(desk, clock)
    with desk.w("security") as w:
        people.standing(w, desk.person("lead_cw").id, clearance=Level.INTERNAL, roles=[])
    return loan


def off_the_list(desk: Office, clock: Clock) -> int:
    item = document(desk)
    loan = do(desk, "custodian", loans.approve, apply(desk, item))
    with desk.w("custodian") as w:
        for grant in w.session.scalars(select(Grant).where(Grant.item_id == item.id)).all():
            items.revoke(w, item.id, grant.id)
    return loan


def gone(desk: Office, clock: Clock) -> int:
    loan = approved(desk, clock)
    with desk.w("admin") as w:
        people.disable(w, desk.person("lead_cw").id)
    return loan


def overdue_meanwhile(desk: Office, clock: Clock) -> int:
    """Applied for a second file while the first was still in time."""
    lent(desk, clock)
    loan = apply(desk, document(desk), days=12)
    clock.forward(days=7)
    return loan


def uncollected(desk: Office, clock: Clock) -> int:
    loan = approved(desk, clock)
    clock.forward(days=6)
    return loan


def secret(desk: Office, clock: Clock) -> int:
    return apply(desk, document(desk, Level.SECRET))


def lent_to_the_registrar(desk: Office, clock: Clock) -> int:
    return do(desk, "custodian", loans.lend, apply(desk, document(desk), "registrar"))


def overdue_and_another(desk: Office, clock: Clock) -> Item:
    overdue(desk, clock)
    return document(desk)


def by_hand(statement: Any) -> Act:
    """At the prompt of the database, past every verb."""

    def act(desk: Office, _loan: int) -> None:
        with desk.w("cli:sql") as w:
            w.session.execute(statement)

    return act


A = "A3 借阅："
CASES = [
    # who decides
    Case(f"{A}审批人不得是借阅人", "borrower-approves-own-loan", lambda d, c: applied(d, c, "custodian"), step("custodian", loans.approve), Denied),
    Case(f"{A}审批人不得是借阅人", "borrower-approves-and-takes-at-once", lambda d, c: applied(d, c, "custodian"), step("custodian", loans.lend), Denied),
    Case(f"{A}交付人不得是借阅人", "borrower-hands-to-himself", lambda d, c: approved(d, c, "custodian"), step("custodian", loans.hand_over), Denied),
    Case(f"{A}核验人不得是借阅人", "borrower-checks-own-return", lambda d, c: returned(d, c, "custodian"), step("custodian", loans.check, condition="完好"), Denied),
    Case(f"{A}续借不得由借阅人自己同意", "borrower-grants-own-extension", lambda d, c: asked_longer(d, c, "custodian"), step("custodian", extending.grant), Denied),
    Case(f"{A}只有保管员可以批准", "reader-approves", applied, step("lead_cw", loans.approve), Denied),
    Case(f"{A}只有保管员可以拒绝", "reader-refuses", applied, step("lead_cw", loans.refuse, "不必"), Denied),
    Case(f"{A}只有保管员可以核验", "reader-checks", returned, step("lead_cw", loans.check, condition="完好"), Denied),
    # the order of the steps
    Case(f"{A}未批准不得交付", "hand-over-without-approval", applied, step("custodian", loans.hand_over), Conflict),
    Case(f"{A}每一步只办一次", "approved-twice", approved, step("custodian", loans.approve), Conflict),
    Case(f"{A}每一步只办一次", "returned-twice", returned, step("lead_cw", loans.give_back), Conflict),
    Case(f"{A}未归还不得核验", "checked-before-return", lent, step("custodian", loans.check, condition="完好"), Conflict),
    Case(f"{A}核验须写明结果", "checked-without-words", returned, step("custodian", loans.check, condition=" "), Invalid),
    Case(f"{A}拒绝须说明理由", "refused-without-reason", applied, step("custodian", loans.refuse, " "), Invalid),
    Case(f"{A}交付后不得撤回", "withdrawn-after-hand-over", lent, step("lead_cw", loans.withdraw), Conflict),
    Case(f"{A}只有申请人可以撤回", "withdrawn-by-another", applied, step("registrar", loans.withdraw), Denied),
    Case(f"{A}只有借阅人可以签收", "received-by-another", lent, step("registrar", loans.receive), Denied),
    Case(f"{A}只有借阅人或保管员可以归还", "returned-by-a-reader", lent_to_the_registrar, step("lead_cw", loans.give_back), Denied),
    Case(f"{A}过了归还日期不得交付", "handed-over-after-its-day", uncollected, step("custodian", loans.hand_over), Conflict),
    # the copy
    Case("A3 L51：一份文件同一时间只在一人手中", "copy-lent-twice", two_of_one_copy, step("custodian", loans.hand_over), Conflict),
    Case("A3 L51：一份文件同一时间只在一人手中", "copy-chosen-that-is-out", two_of_one_copy, step("custodian", loans.hand_over, number=1), Conflict),
    Case(f"{A}下落不明的份不得借出", "missing-copy-lent", first_copy_missing, step("custodian", loans.hand_over, number=1), Conflict),
    Case(f"{A}待处置的文件不得借出", "lent-while-for-disposal", for_disposal, step("custodian", loans.hand_over), Conflict),
    Case(f"{A}超过可下载密级不得允许下载", "download-above-its-level", secret, step("custodian", loans.lend, download=True), Invalid),
    # the borrower
    Case(f"{A}不再具备密级者不得领取", "handed-to-one-no-longer-cleared", uncleared, step("custodian", loans.hand_over), Conflict),
    Case(f"{A}不在知悉范围者不得领取", "handed-to-one-off-the-list", off_the_list, step("custodian", loans.hand_over), Conflict),
    Case(f"{A}已停用的账号不得领取", "handed-to-one-who-left", gone, step("custodian", loans.hand_over), Conflict),
    Case("行78：逾期未还不得再借", "applies-while-overdue", overdue_and_another, apply, Denied),
    Case("行78：逾期未还不得再借", "approved-while-overdue", overdue_meanwhile, step("custodian", loans.approve), Conflict),
    Case("A3 L37：不知悉者与不存在同一答复", "applies-for-what-is-hidden", lambda d, c: document(d), lambda d, i: apply(d, i, "cook"), Denied),
    Case(f"{A}同一文件不得重复申请", "applies-twice", lambda d, c: (i := document(d), apply(d, i))[0], apply, Conflict),
    Case(f"{A}须有目的", "applies-without-purpose", lambda d, c: document(d), lambda d, i: do(d, "lead_cw", lambda w, n: loans.apply(w, n, purpose=" ", until=w.today), i.id), Invalid),
    Case(f"{A}归还日期不得超过期限", "applies-for-too-long", lambda d, c: document(d), lambda d, i: apply(d, i, days=15), Invalid),
    Case(f"{A}归还日期不得在过去", "applies-for-the-past", lambda d, c: document(d), lambda d, i: apply(d, i, days=-1), Invalid),
    Case(f"{A}份号须在册", "applies-for-no-such-copy", lambda d, c: document(d), lambda d, i: apply(d, i, number=9), Invalid),
    # a later date
    Case(f"{A}逾期后不得续借", "extended-while-overdue", overdue, step("lead_cw", later), Denied),
    Case(f"{A}续借不得超过期限", "extended-for-too-long", lent, step("lead_cw", later, 15), Invalid),
    Case(f"{A}续借只由借阅人申请", "extended-by-another", lent, step("registrar", later), Denied),
    Case(f"{A}续借待办时不得再申请", "extended-twice", asked_longer, step("lead_cw", later, 10), Conflict),
    Case(f"{A}不同意续借须说明理由", "extension-refused-without-reason", asked_longer, step("custodian", extending.refuse, " "), Invalid),
    # what was written stays
    Case("行80：有文件在外不得停用账号", "leaver-with-a-loan", lent, lambda d, _l: do(d, "admin", people.disable, d.person("lead_cw").id), Conflict),
    Case("行72：只增不改", "loan-deleted-in-the-database", lent, by_hand(delete(Loan)), Conflict),
    Case("行72：只增不改", "purpose-rewritten-in-the-database", lent, by_hand(update(Loan).values(purpose="另有用途")), Conflict),
    Case("行72：只增不改", "applied-date-rewritten-in-the-database", lent, by_hand(update(Loan).values(asked_until=date(2026, 12, 31))), Conflict),
    Case("行72：只增不改", "loan-sent-back-in-the-database", returned, by_hand(update(Loan).values(state="lent")), Conflict),
    Case("行72：只增不改", "log-rewritten-in-the-database", lent, by_hand(update(Audit).values(actor="nobody")), Conflict),
    Case("行72：只增不改", "log-deleted-in-the-database", lent, by_hand(delete(Audit)), Conflict),
    Case("A3 L51：一份文件同一时间只在一人手中", "copy-given-to-two-in-the-database", two_of_one_copy, by_hand(update(Loan).where(Loan.state == "approved").values(state="lent", copy_id=1)), Conflict),
]  # fmt: skip
