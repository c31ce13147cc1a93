"""文件传递单 of the demo: one at each stage, one overdue, one from reader to reader, one lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from ..models import Copy, Slip
from ..verbs import slip_hops, slips
from ..work import Work
from .diary import Diary, item, person, unit


@dataclass(frozen=True)
class R:
    """One round: which copy, who drew it up `days` ago and why, among whom, for how long. `way`: what happened, each as
    (hours after the step before, login, step, to whom or in what words)."""

    title: str
    copy: int
    days: int
    length: int
    purpose: str
    people: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    by: str = "custodian"
    direct: bool = False
    way: tuple[tuple[float, str, str, str], ...] = ()


SENT = (1, "", "submit", "")
AGREED = (3, "lead", "approve", "")


def hop(hours: float, giver: str, taker: str, back: str = "take") -> tuple[tuple[float, str, str, str], ...]:
    return (hours, giver, "give", taker), (0.2, taker, back, "")


ROUNDS = (
    R("供应商比选评分原始记录", 1, 46, 12, "评审小组核对评分", ("lead_cw", "lead_wx"), way=(
        SENT, AGREED, *hop(2, "custodian", "lead_cw"), *hop(48, "lead_cw", "custodian"), *hop(3, "custodian", "lead_wx"),
        *hop(50, "lead_wx", "custodian", "back"), (3, "registrar", "check", "完好，页数相符"))),
    R("年度后勤重点工作计划", 2, 20, 16, "各科对照分解任务", ("lead_lh", "lead_cl", "lead_ss"), way=(
        SENT, AGREED, *hop(2, "custodian", "lead_ss"), *hop(70, "lead_ss", "custodian"), *hop(2, "custodian", "lead_lh"))),  # overdue
    R("各科室岗位设置与职责汇编", 1, 6, 14, "财务、维修两科会签岗位调整", (), ("CW", "WX"), direct=True, way=(
        SENT, AGREED, *hop(2, "custodian", "officer_cw"), *hop(30, "officer_cw", "lead_wx"))),
    R("供应商比选评分原始记录", 1, 9, 11, "公示前复核", ("officer_cw", "lead_wx"), way=(
        SENT, AGREED, *hop(2, "custodian", "lead_wx"), *hop(60, "lead_wx", "custodian"), (2, "custodian", "give", "officer_cw"))),
    R("重要楼宇安防点位图", 1, 1, 10, "安防改造方案会前阅看", ("deputy", "lead"), way=(SENT, (2, "registrar", "approve", ""))),
    R("安全保卫值守方案", 1, 1, 7, "宿舍科布置节日值守", (), ("SS",), by="officer", way=(SENT,)),
    R("年度后勤重点工作计划", 3, 0, 10, "新进人员了解年度任务", ("warden",), by="officer"),
    R("年度后勤重点工作计划", 4, 12, 10, "车辆科编制用车计划", ("lead_cl", "driver"), way=(
        SENT, AGREED, *hop(2, "custodian", "lead_cl"), *hop(72, "lead_cl", "registrar", "back"))),
    R("各科室岗位设置与职责汇编", 2, 14, 30, "征求全处意见", (), ("HQ",), by="officer", way=(
        SENT, (4, "lead", "reject", "范围过宽，请限定到相关科室"))),
    R("年度后勤重点工作计划", 5, 15, 7, "食堂科参考", ("lead_st",), way=(SENT, AGREED, (5, "custodian", "withdraw", ""))),
    R("公寓楼钥匙编码与保管清单", 1, 25, 10, "楼长核对本楼钥匙", ("warden", "lead_ss"), way=(
        SENT, AGREED, *hop(2, "custodian", "warden"), (90, "warden", "lost", "搬迁值班室后清点不见，最后一次在值班室书架上看到"))),
)  # fmt: skip


def write(diary: Diary) -> None:
    for round_ in ROUNDS:
        _follow(diary, round_)


def number_of(w: Work, r: R) -> str:
    """The last slip of this copy."""
    copy = select(Copy.id).where(Copy.item_id == item(w, "document", r.title), Copy.number == r.copy)
    found = select(Slip.number).where(Slip.copy_id.in_(copy)).order_by(Slip.id.desc())
    return w.session.scalars(found).first() or ""


def _follow(diary: Diary, r: R) -> None:
    at = diary.moment(r.days, 9)
    starts = diary.today - timedelta(days=r.days)

    def draw(w: Work, _blobs: Any) -> None:
        facts = slips.Facts(
            r.purpose, tuple(person(w, p) for p in r.people), tuple(unit(w, u) for u in r.units), starts,
            starts + timedelta(days=r.length), r.direct,
        )  # fmt: skip
        slips.draft(w, item(w, "document", r.title), facts, copy=r.copy)

    diary.add(at, r.by, draw)
    for hours, login, step, said in r.way:
        at = diary.after(at, hours)
        diary.add(at, login or r.by, lambda w, _b, step=step, said=said: _do(w, r, step, said))


def _do(w: Work, r: R, step: str, said: str) -> None:
    number = number_of(w, r)
    match step:
        case "give":
            slip_hops.give(w, number, person(w, said))
        case "take" | "back":
            slip_hops.take(w, number, back=step == "back")
        case "check":
            slip_hops.check(w, number, result=said)
        case "lost":
            slip_hops.lost(w, number, said)
        case "reject":
            slips.reject(w, number, said)
        case _:
            getattr(slips, step)(w, number)
