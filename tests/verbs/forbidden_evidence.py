"""证据与三员: what is refused (REQUIREMENTS A16; FEATURES rows 53, 96, 97, 99; N19)."""

from __future__ import annotations

from typing import Any

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.extensions import db
from intranet.models import Item
from intranet.policy import Permission
from intranet.verbs import auditing, chain_heads, deposits, items, knowing, loans, people, reading
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level


def secret(desk: Office, _clock: Clock) -> Item:
    """A 机密 file with a body."""
    body = desk.deposit("custodian", b"body", level=Level.SECRET)
    return desk.add("document", "custodian", level=Level.SECRET, blobs=(body,))


def printed(desk: Office, login: str = "auditor") -> chain_heads.Sheet:
    with desk.w(login) as w:
        chain_heads.put_on_paper(w)
    return chain_heads.sheets(db.session(), 1)[0]


def auditor_witness(desk: Office, _clock: Clock) -> chain_heads.Sheet:
    return printed(desk)


def signed(desk: Office, _clock: Clock) -> chain_heads.Sheet:
    found = printed(desk)
    sign(desk, found, "lead")
    return found


def sign(desk: Office, sheet: chain_heads.Sheet, login: str, typed: str | None = None) -> None:
    with desk.w(login) as w:
        chain_heads.sign(w, sheet.row, sheet.hash[-8:] if typed is None else typed)


def standing(desk: Office, by: str, of: str, clearance: Level, *roles: str) -> None:
    with desk.w(by) as w:
        people.standing(w, desk.person(of).id, clearance=clearance, roles=[(r, None) for r in roles])


def opens(desk: Office, item: Item, login: str) -> None:
    """The body, as the page of files asks for it."""
    blob = deposits.files(db.session(), item.id)[0].id
    deposits.open_body(desk.house, desk.actor(login, fresh=True), blob)


def looks(desk: Office, item: Item, login: str) -> None:
    with desk.w(login) as w:
        reading.by_number(w.session, w.house, w.actor, item.number, w.now)


def grants(desk: Office, item: Item, login: str, to: str) -> None:
    with desk.w(login) as w:
        items.grant(w, item.id, person_id=desk.person(to).id)


def access(desk: Office, item: Item, login: str) -> None:
    with desk.w(login) as w:
        s = reading.by_number(w.session, w.house, w.actor, item.number, w.now)
        w.house.policy.demand(w.actor, Permission.ITEM_ACCESS, s)


def person_sees(desk: Office, login: str, of: str) -> None:
    with desk.w(login) as w:
        person = desk.person(of)
        knowing.of_person(w, person, people.actor_of(w.session, person))


def reads_log(desk: Office, login: str) -> None:
    """As the audit page does: within a change, since that it was read is recorded."""
    with desk.w(login) as w:
        auditing.page(w.session, w.house, w.actor, auditing.Filter())


def prints(desk: Office, login: str) -> None:
    with desk.w(login) as w:
        chain_heads.put_on_paper(w)


def checks(desk: Office, login: str, text: str) -> None:
    chain_heads.check(desk.house, desk.actor(login), text)


def lent_to_auditor(desk: Office, item: Item) -> None:
    with desk.w("auditor") as w:
        loans.apply(w, item.id, purpose="审计", until=w.today)


def nothing(_desk: Office, _clock: Clock) -> Any:
    """Nothing comes before."""
    return None


A16 = "A16 三员分立："
CASES = [
    Case(f"{A16}审计员只看日志，不看文件", "auditor-opens-a-document", secret, lambda d, i: looks(d, i, "auditor"), Denied),
    Case(f"{A16}审计员不打开正文", "auditor-opens-a-body", secret, lambda d, i: opens(d, i, "auditor"), Denied),
    Case(f"{A16}审计员不借阅未列入知悉范围的文件", "auditor-borrows", secret, lent_to_auditor, Denied),
    Case(f"{A16}审计员不能给自己加知悉范围", "auditor-grants-himself", secret, lambda d, i: grants(d, i, "auditor", "auditor"), Denied),
    Case(f"{A16}系统管理员不看内容", "administrator-opens-a-body", secret, lambda d, i: opens(d, i, "admin"), Denied),
    Case(f"{A16}系统管理员不能给自己定密级", "administrator-clears-himself", nothing, lambda d, _g: standing(d, "admin", "admin", Level.SECRET), Denied),
    Case(f"{A16}系统管理员不能给任何人定密级", "administrator-clears-another", nothing, lambda d, _g: standing(d, "admin", "cook", Level.SECRET), Denied),
    Case(f"{A16}系统管理员不看日志", "administrator-reads-the-log", nothing, lambda d, _g: reads_log(d, "admin"), Denied),
    Case(f"{A16}系统管理员不打印链头", "administrator-prints-a-head", nothing, lambda d, _g: prints(d, "admin"), Denied),
    Case(f"{A16}系统管理员不签认链头：它证明的正是机器的管理者没有改动", "administrator-signs-a-head", auditor_witness, lambda d, s: sign(d, s, "admin"), Denied),
    Case(f"{A16}备份操作员不签认链头", "backup-operator-signs-a-head", auditor_witness, lambda d, s: sign(d, s, "backup"), Denied),
    Case(f"{A16}安全保密员不能提高自己的密级", "security-officer-clears-himself", nothing, lambda d, _g: standing(d, "security", "security", Level.TOPSECRET, "security_officer"), Denied),
    Case(f"{A16}安全保密员不看日志", "security-officer-reads-the-log", nothing, lambda d, _g: reads_log(d, "security"), Denied),
    Case(f"{A16}三员不得由一人担任", "three-officers-one-person", nothing, lambda d, _g: standing(d, "security", "cook", Level.INTERNAL, "sysadmin", "auditor", "security_officer"), Invalid),
    Case(f"{A16}任何两员不得由一人担任", "two-officers-one-person", nothing, lambda d, _g: standing(d, "security", "auditor", Level.INTERNAL, "security_officer", "auditor"), Invalid),
    Case(f"{A16}系统管理员的可接触密级只能为公开", "administrator-is-cleared", nothing, lambda d, _g: standing(d, "security", "admin", Level.INTERNAL, "sysadmin"), Invalid),
    Case("row 96 链头：打印人不能签认自己的打印件", "signing-ones-own-head", auditor_witness, lambda d, s: sign(d, s, "auditor"), Denied),
    Case("row 96 链头：普通职工不签认", "anybody-signs-a-head", auditor_witness, lambda d, s: sign(d, s, "cook"), Denied),
    Case("row 96 链头：没有见到纸面不能签认", "signing-without-the-sheet", auditor_witness, lambda d, s: sign(d, s, "lead", "00000000"), Invalid),
    Case("row 96 链头：只签认一次", "signing-twice", signed, lambda d, s: sign(d, s, "custodian"), Conflict),
    Case("row 96 链头：没有打印过的不能签认", "signing-what-was-not-printed", nothing, lambda d, _g: sign(d, chain_heads.Sheet(1, 1, "0" * 64, d.house.clock(), ""), "lead"), Missing),
    Case("row 96 链头：普通职工不核对", "anybody-checks-a-head", nothing, lambda d, _g: checks(d, "cook", f"1 {'0' * 64}"), Denied),
    Case("row 96 链头：残缺的散列不作答", "checking-half-a-hash", nothing, lambda d, _g: checks(d, "lead", "1 abcdef01"), Invalid),
    Case("L108 知悉人名单只给保管员与安全保密员：未列入者连文件也不知道", "anybody-asks-who-may-know", secret, lambda d, i: access(d, i, "cook"), Denied),
    Case("N19 他人的知悉范围只给安全保密员", "custodian-asks-what-another-may-know", nothing, lambda d, _g: person_sees(d, "custodian", "cook"), Denied),
    Case("N19 审计员不查他人的知悉范围", "auditor-asks-what-another-may-know", nothing, lambda d, _g: person_sees(d, "auditor", "cook"), Denied),
    Case("L118 密级不足者不得列入知悉范围", "granting-below-the-clearance", secret, lambda d, i: grants(d, i, "custodian", "cook"), Invalid),
]  # fmt: skip
