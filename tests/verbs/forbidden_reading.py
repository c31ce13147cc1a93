"""阅读、两人打开、应急打开: what is refused (REQUIREMENTS A3 L37, L46; FEATURES rows 59, 81-83; N18)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from intranet.errors import Conflict, Denied, Invalid, Missing
from intranet.extensions import db
from intranet.models import Approval, Item
from intranet.verbs import approvals, deposits, glass, items, loans, opening, people, reading_room
from tests.office import Clock, Office
from tests.reading import begin, blob_of, kept, lend, see
from tests.verbs.forbidden import Case
from vault.levels import Level

C, S = Level.CONFIDENTIAL, Level.SECRET
WHY = "管道爆裂须立即查图关阀"


@dataclass
class Given:
    """What an act begins with."""

    item: Item
    clock: Clock
    approval: int = 0
    loan: int = 0


def confidential(desk: Office, clock: Clock) -> Given:
    """秘密, which the finance head may know of; nobody has it."""
    return Given(kept(desk, C, readers=("lead_cw",)), clock)


def lent(desk: Office, clock: Clock) -> Given:
    given = confidential(desk, clock)
    given.loan = lend(desk, given.item, "lead_cw").id
    return given


def reading(desk: Office, clock: Clock) -> Given:
    given = lent(desk, clock)
    begin(desk, given.item, "lead_cw")
    return given


def secret(desk: Office, clock: Clock) -> Given:
    """机密, lent to the deputy."""
    given = Given(kept(desk, S, readers=("deputy",)), clock)
    given.loan = lend(desk, given.item, "deputy").id
    return given


def raised(desk: Office, clock: Clock, *, borrower: str = "leader") -> Given:
    """绝密 with a body, lent: as where the office keeps such bodies (the level is raised past the setting here)."""
    given = Given(kept(desk, S, readers=(borrower, "deputy")), clock)
    given.loan = lend(desk, given.item, borrower).id
    db.session.rollback()
    db.session.get_one(Item, given.item.id).level = int(Level.TOPSECRET)
    db.session.commit()
    return given


def asked(desk: Office, clock: Clock) -> Given:
    given = raised(desk, clock)
    with desk.w("leader", fresh=True) as w:
        given.approval = opening.request(w, given.item.id, blob_of(given.item), why="核对部署").id
    return given


def approved(desk: Office, clock: Clock) -> Given:
    given = asked(desk, clock)
    decide(desk, given, "registrar")
    return given


def broken(desk: Office, clock: Clock) -> Given:
    given = confidential(desk, clock)
    with desk.w("lead_cw") as w:
        given.approval = glass.break_glass(w, given.item.id, reason=WHY).approval_id or 0
    return given


def decide(
    desk: Office, given: Given, login: str, *, fresh: bool = True, yes: bool = True, said: str = ""
) -> None:
    with desk.w(login, fresh=fresh) as w:
        opening.decide(w, w.session.get_one(Approval, given.approval), yes, said)


def review(desk: Office, given: Given, login: str, said: str = "确属紧急") -> None:
    with desk.w(login, fresh=True) as w:
        glass.decide(w, w.session.get_one(Approval, given.approval), True, said)


def take_back(desk: Office, given: Given, login: str) -> None:
    """By the address that takes back whatever one asked for."""
    with desk.w(login, fresh=True) as w:
        approvals.withdraw(w, given.approval)


def smash(desk: Office, given: Given, login: str, reason: str = WHY, *, fresh: bool = False) -> None:
    with desk.w(login, fresh=fresh) as w:
        glass.break_glass(w, given.item.id, reason=reason)


def ask(desk: Office, given: Given, login: str, why: str = "核对部署", *, fresh: bool = True) -> None:
    with desk.w(login, fresh=fresh) as w:
        opening.request(w, given.item.id, blob_of(given.item), why=why)


def save(desk: Office, given: Given, login: str, *, fresh: bool = False) -> None:
    deposits.open_body(desk.house, desk.actor(login, fresh=fresh), blob_of(given.item))


def after(
    act: Callable[[Office, Given], Any], before: Callable[[Office, Clock], Given]
) -> Callable[[Office, Clock], Given]:
    """`before`, and then something that is allowed."""

    def both(desk: Office, clock: Clock) -> Given:
        given = before(desk, clock)
        act(desk, given)
        return given

    return both


def closed(desk: Office, _given: Given) -> None:
    with desk.w("lead_cw") as w:
        reading_room.close(w, _given.item.id)


def returned(desk: Office, given: Given) -> None:
    with desk.w("lead_cw") as w:
        loans.give_back(w, given.loan)


def demoted(desk: Office, _given: Given) -> None:
    with desk.w("security") as w:
        people.standing(w, desk.person("lead_cw").id, clearance=Level.INTERNAL, roles=[])


def no_longer_listed(desk: Office, given: Given) -> None:
    from intranet.models import Grant

    grant = db.session.scalars(
        select(Grant.id).where(Grant.item_id == given.item.id, Grant.person_id == desk.person("lead_cw").id)
    ).one()
    with desk.w("registrar") as w:
        items.revoke(w, given.item.id, grant)


def later(**by: float) -> Callable[[Office, Given], Any]:
    return lambda _desk, given: given.clock.forward(**by)


CASES = [
    Case("A3 秘密以上凭借阅阅读", "read-without-loan", confidential, lambda d, g: begin(d, g.item, "lead_cw"), Denied),
    Case("A3 不知悉者视同不存在", "read-unknown", lent, lambda d, g: begin(d, g.item, "cook"), Denied),
    Case("81 一人一件同时只有一次阅读", "read-twice", reading, lambda d, g: begin(d, g.item, "lead_cw"), Conflict),
    Case("81 没有开始阅读就没有页", "page-without-session", lent, lambda d, g: see(d, g.item, "lead_cw"), Denied),
    Case("81 他人的阅读不是自己的", "page-of-anothers-session", reading, lambda d, g: see(d, g.item, "registrar"), Denied),
    Case(
        "81 阅读到时自动结束", "page-after-the-time", after(later(minutes=30), reading),
        lambda d, g: see(d, g.item, "lead_cw"), Denied,
    ),
    Case("81 结束后不再有页", "page-after-closing", after(closed, reading), lambda d, g: see(d, g.item, "lead_cw"), Denied),
    Case("L51 归还即止", "page-after-the-return", after(returned, reading), lambda d, g: see(d, g.item, "lead_cw"), Denied),
    Case("L37 降低可接触密级即止", "page-after-losing-clearance", after(demoted, reading), lambda d, g: see(d, g.item, "lead_cw"), Denied),
    Case("L37 移出知悉范围即止", "page-after-losing-the-grant", after(no_longer_listed, reading), lambda d, g: see(d, g.item, "lead_cw"), Denied),
    Case("81 关闭没有开始的阅读", "close-nothing", lent, closed, Missing),
    Case("59 81 秘密以上只在页面内", "save-without-leave", reading, lambda d, g: save(d, g, "lead_cw"), Denied),
    Case("59 保管员也不直接取走", "custodian-saves", reading, lambda d, g: save(d, g, "custodian"), Denied),
    Case("A16 机密以上须二次验证", "read-without-factor", secret, lambda d, g: begin(d, g.item, "deputy"), Denied),
    Case("A16 机密以上借阅亦不下载", "save-above-the-setting", secret, lambda d, g: save(d, g, "deputy", fresh=True), Denied),
    Case("82 绝密凭两人", "topsecret-alone", raised, lambda d, g: begin(d, g.item, "leader", fresh=True), Denied),
    Case("82 请求须先借阅", "ask-without-loan", raised, lambda d, g: ask(d, g, "registrar"), Denied),
    Case("82 请求须二次验证", "ask-without-factor", raised, lambda d, g: ask(d, g, "leader", fresh=False), Denied),
    Case("82 请求须有理由", "ask-without-reason", raised, lambda d, g: ask(d, g, "leader", " "), Invalid),
    Case("82 一人一件只有一个请求", "ask-twice", asked, lambda d, g: ask(d, g, "leader"), Conflict),
    Case("82 低于绝密无须两人", "ask-below", secret, lambda d, g: ask(d, g, "deputy"), Conflict),
    Case("82 申请人不得自己同意", "agree-with-oneself", asked, lambda d, g: decide(d, g, "leader"), Denied),
    Case("82 第二人须可知悉", "agree-not-cleared", asked, lambda d, g: decide(d, g, "custodian"), Denied),
    Case("82 第二人须二次验证", "agree-without-factor", asked, lambda d, g: decide(d, g, "registrar", fresh=False), Denied),
    Case("82 不同意须说明理由", "refuse-without-reason", asked, lambda d, g: decide(d, g, "registrar", yes=False), Invalid),
    Case("82 请求一小时后过期", "agree-too-late", after(later(minutes=60), asked), lambda d, g: decide(d, g, "registrar"), Conflict),
    Case("82 只同意一次", "agree-twice", approved, lambda d, g: decide(d, g, "registrar"), Conflict),
    Case(
        "82 同意有期限", "topsecret-after-the-time", after(later(minutes=30), approved),
        lambda d, g: begin(d, g.item, "leader", fresh=True), Denied,
    ),
    Case("83 应急须有像样的理由", "glass-without-reason", confidential, lambda d, g: smash(d, g, "lead_cw", "急用"), Invalid),
    Case("83 不知悉者不得应急打开", "glass-unknown", confidential, lambda d, g: smash(d, g, "cook"), Denied),
    Case("83 机密以上应急亦须二次验证", "glass-without-factor", secret, lambda d, g: smash(d, g, "registrar"), Denied),
    Case("83 本可阅读者无须应急", "glass-for-nothing", lent, lambda d, g: smash(d, g, "lead_cw"), Conflict),
    Case("83 不得自己核查", "review-oneself", broken, lambda d, g: review(d, g, "lead_cw"), Denied),
    Case("83 知悉人不是核查人", "review-by-anybody", after(
        lambda d, g: _grant(d, g, "officer_cw"), broken), lambda d, g: review(d, g, "officer_cw"), Denied),
    Case("83 核查须有意见", "review-without-words", broken, lambda d, g: review(d, g, "custodian", " "), Invalid),
    Case("83 核查一次", "review-twice", after(lambda d, g: review(d, g, "custodian"), broken), lambda d, g: review(d, g, "registrar"), Conflict),
    Case("83 应急打开须经核查，不能撤回", "take-the-glass-back", broken, lambda d, g: take_back(d, g, "lead_cw"), Denied),
    Case("83 应急打开不能下载", "save-through-the-glass", broken, lambda d, g: save(d, g, "lead_cw"), Denied),
]  # fmt: skip


def _grant(desk: Office, given: Given, login: str) -> None:
    with desk.w("registrar") as w:
        items.grant(w, given.item.id, person_id=desk.person(login).id)
