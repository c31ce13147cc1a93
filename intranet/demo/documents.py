"""Controlled files of the demo: levels 内部 to 绝密 (register only), places, sealed files, and loans at every stage.

The levels are the office's own marks; nothing here is, or looks like, a State secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from vault.levels import Level

from ..verbs import disposal, items, loans
from ..work import Work
from . import papers
from .diary import Diary, File, item, loan, person, place, unit

I, C, S, T = Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET  # noqa: E741


@dataclass(frozen=True)
class D:
    """One file: `readers`: logins added to those who may know; `review`: days from today (negative: overdue)."""

    title: str
    level: Level
    place: str
    body: str
    by: str = "custodian"
    unit: str = "BG"
    days: int = 60
    author: str = "办公室"
    consultation: str = "business"
    retention: str = "y10"
    frequency: str = "low"
    readers: tuple[str, ...] = ()
    review: int | None = None
    copies: int = 1
    file: str = ""
    text: str = ""  # of the file, where it is longer than the summary


SCORES = "\n".join(
    f"{n}. {what}：甲公司 {80 + n % 15} 分，乙公司 {78 + 3 * n % 17} 分，丙公司 {75 + 5 * n % 19} 分。"
    for n, what in enumerate(
        ("资质与业绩", "人员配备", "设备状况", "供货周期", "质量承诺", "售后响应", "报价合理性", "履约信用")
        * 11,
        1,
    )
)
DOCUMENTS = (
    D("年度后勤重点工作计划", I, "GQ-1", "本年度重点工作十二项，分解到各科室，按季度督办。", frequency="daily", copies=8,
      consultation="policy", file="重点工作计划.docx", review=200),
    D("安全保卫值守方案", I, "GQ-1", "重要活动期间值守点位、联络方式与换班安排。", frequency="high", consultation="security",
      days=58, file="值守方案.pdf"),
    D("各科室岗位设置与职责汇编", I, "GZ-1", "七个科室岗位设置、职责边界与工作标准。", frequency="daily", consultation="personnel",
      days=57, copies=7, file="岗位职责汇编.docx"),
    D("公寓楼钥匙编码与保管清单", I, "GQ-3", "北苑、南苑各楼栋钥匙编码规则与保管人。", by="custodian", unit="SS", days=55,
      author="宿舍科", consultation="security", file="钥匙清单.xlsx"),
    D("食堂成本核算明细", C, "GZ-3", "按窗口核算原料、人工、能源成本与毛利，供定价使用。", unit="ST", days=54, author="食堂科",
      consultation="finance", readers=("lead_cw", "officer_cw", "deputy"), review=30, file="成本核算明细.xlsx"),
    D("供应商比选评分原始记录", C, "GZ-1", "评审人员逐项打分表与复核意见，公示结束前不得外传。", days=52, consultation="finance",
      readers=("lead_cw", "lead_wx", "officer_cw"), file="评分原始记录.pdf", text=SCORES),
    D("老旧管线风险评估报告", C, "GZ-2", "北苑供热主管与电缆沟存在的风险点、等级与整改排序。", unit="WX", days=50, author="维修科",
      consultation="security", readers=("deputy",), review=-6, file="风险评估报告.docx"),
    D("职工困难补助审核材料", I, "GZ-1", "申请人家庭情况与审核意见，属个人隐私。", days=48, consultation="personnel",
      readers=("lead_cw",), file="困难补助审核.docx"),  # raised to 秘密 later
    D("重要楼宇安防点位图", S, "SG-1", "监控、门禁与报警点位及线路走向。", days=46, author="维修科", consultation="security",
      retention="y30", readers=("deputy", "lead_cw"), review=90, file="安防点位图.png"),
    D("突发事件处置内部复盘", S, "SG-1", "一次停电事件的处置经过、责任分析与改进措施。", days=44, consultation="security",
      retention="y30", readers=("deputy", "lead_cw"), file="内部复盘.pdf"),
    D("大额资金支付计划", S, "SG-2", "下季度大额支付时间、金额与审批安排。", unit="CW", days=42, author="财务科",
      consultation="finance", readers=("deputy",), file="支付计划.xlsx"),
    D("领导班子分工调整酝酿稿", S, "SG-1", "分工调整的若干方案，定稿前不得扩散。", days=40, author="处长办公会",
      consultation="personnel", readers=("deputy",), file="分工调整酝酿稿.docx"),
    D("应急物资储备点分布", T, "BMS-1", "", by="registrar", days=38, author="处长办公会", consultation="security",
      retention="forever", frequency="rare", review=22),
    D("保密室门禁应急开启方案", T, "BMS-1", "", by="registrar", days=36, author="机要室", consultation="security",
      retention="forever", frequency="rare"),
    D("三年前招标过程资料", C, "GZ-1", "保管期已满的招标文件、答疑与评审资料。", days=59, consultation="finance", file="招标过程资料.pdf"),
    D("旧版岗位津贴测算表", C, "GZ-1", "已由新办法代替的津贴测算。", days=58, consultation="finance", file="津贴测算表.xlsx"),
    D("临时用工合同副本（上年度）", I, "GZ-1", "上年度临时用工合同副本一册。", days=57, consultation="personnel", copies=1,
      file="临时用工合同副本.pdf"),
)  # fmt: skip


@dataclass(frozen=True)
class L:
    """One loan: who, which file, how long ago applied, for how many days; `to`: how far it came."""

    who: str
    title: str
    days: int
    length: int
    purpose: str
    to: str
    note: str = ""
    download: bool = False


LOANS = (
    L("lead_cw", "供应商比选评分原始记录", 30, 7, "核对比选得分与成交价", "checked", "完好，页数相符"),
    L("officer_cw", "供应商比选评分原始记录", 18, 5, "整理公示材料", "checked", "完好，第 6 页有折痕"),
    L("deputy", "重要楼宇安防点位图", 25, 10, "研究安防改造方案", "checked", "完好"),
    L("deputy", "突发事件处置内部复盘", 4, 10, "准备安全工作会议", "lent"),
    L("lead_wx", "供应商比选评分原始记录", 2, 7, "汇总评审意见", "lent", download=True),
    L("lead_cw", "食堂成本核算明细", 20, 9, "核定明年补贴额度", "lent"),  # overdue: due eleven days ago
    L("lead_wx", "老旧管线风险评估报告", 9, 7, "安排冬季抢修顺序", "returned"),
    L("lead_cw", "职工困难补助审核材料", 12, 5, "核对发放金额", "returned"),
    L("deputy", "大额资金支付计划", 1, 7, "审核付款进度", "applied"),
    L("lead", "领导班子分工调整酝酿稿", 1, 3, "会前阅看", "applied"),
    L("officer_cw", "食堂成本核算明细", 15, 3, "了解成本构成", "refused", "知悉范围以外，请经科长办理"),
    L("deputy", "领导班子分工调整酝酿稿", 10, 5, "征求意见", "withdrawn"),
)


def write(diary: Diary) -> None:
    for d in DOCUMENTS:
        _register(diary, d)
    for each in LOANS:
        _lend(diary, each)
    _dispose(diary)
    _relevel(diary)


def _register(diary: Diary, d: D) -> None:
    raw = {
        "author": d.author, "dated": diary.day(-d.days - 9), "consultation": d.consultation, "retention": d.retention,
        "frequency": d.frequency, "copies": str(d.copies), "summary": d.body,
        "review": "" if d.review is None else diary.day(d.review),
    }  # fmt: skip
    at = diary.moment(d.days)

    def act(w: Work, blobs: Sequence[int]) -> None:
        items.create(
            w, w.house.kinds["document"], raw | {"place": str(place(w, d.place))}, title=d.title, unit_id=unit(w, d.unit),
            level=d.level, blobs=blobs,
        )  # fmt: skip

    files = (File(d.file, lambda: papers.make(d.file, d.title, d.text or d.body)),) if d.file else ()
    diary.add(at, d.by, act, *files, level=d.level)
    for login in d.readers:
        diary.add(
            diary.after(at, 2),
            d.by,
            lambda w, _b, login=login: items.grant(
                w, item(w, "document", d.title), person_id=person(w, login), reason="工作需要"
            ),
        )


def _lend(diary: Diary, x: L) -> None:
    at = diary.moment(x.days, 9)
    until = diary.today + timedelta(days=x.length - x.days)
    diary.add(
        at, x.who, lambda w, _b: loans.apply(w, item(w, "document", x.title), purpose=x.purpose, until=until)
    )
    if x.to == "applied":
        return
    decided = diary.after(at, 3)
    if x.to == "refused":
        diary.add(
            decided, "custodian", lambda w, _b: loans.refuse(w, loan(w, x.title, x.who, "applied"), x.note)
        )
        return
    if x.to == "withdrawn":
        diary.add(decided, x.who, lambda w, _b: loans.withdraw(w, loan(w, x.title, x.who, "applied")))
        return
    diary.add(
        decided,
        "custodian",
        lambda w, _b: loans.lend(w, loan(w, x.title, x.who, "applied"), download=x.download),
    )
    if x.to == "lent":
        return
    back = diary.after(at, 24 * (x.length - 1) + 5)
    diary.add(back, x.who, lambda w, _b: loans.give_back(w, loan(w, x.title, x.who, "lent")))
    if x.to == "checked":
        diary.add(
            diary.after(back, 2),
            "custodian",
            lambda w, _b: loans.check(w, loan(w, x.title, x.who, "returned"), condition=x.note),
        )


def _dispose(diary: Diary) -> None:
    """One file destroyed before a witness, one handed to the archives, one still waiting for the decision."""

    def propose(title: str, days: int, reason: str) -> None:
        diary.add(
            diary.moment(days, 10),
            "registrar",
            lambda w, _b: items.step(w, item(w, "document", title), "propose_disposal", {}, reason=reason),
        )

    propose("三年前招标过程资料", 16, "保管期满")
    propose("旧版岗位津贴测算表", 15, "已由新办法代替，无留存价值")
    propose("临时用工合同副本（上年度）", 3, "上年度合同已到期")
    diary.add(
        diary.moment(13, 15),
        "lead",
        lambda w, _b: items.step(
            w, item(w, "document", "三年前招标过程资料"), "transfer", {}, reason="移交档案室"
        ),
    )
    diary.add(
        diary.moment(11, 15),
        "lead",
        lambda w, _b: disposal.destroy(
            w, item(w, "document", "旧版岗位津贴测算表"), person(w, "officer"), "同意销毁"
        ),
    )


def _relevel(diary: Diary) -> None:
    """One file raised after a review, by the other custodian."""
    diary.add(
        diary.moment(34, 10),
        "registrar",
        lambda w, _b: items.relevel(
            w,
            item(w, "document", "职工困难补助审核材料"),
            Level.CONFIDENTIAL,
            reason="含个人隐私，复核后提级",
        ),
    )
