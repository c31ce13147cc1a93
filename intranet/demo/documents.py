"""Controlled files of the demo: levels 内部 to 绝密 (register only), places, sealed files, and loans at every stage.

The levels are the office's own marks; nothing here is, or looks like, a State secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from vault.levels import Level

from ..verbs import approvals, destruction, disposal, extending, handover, holds, items, levels, loans
from ..work import Work
from . import papers
from .diary import Diary, File, approval, disposal_list, item, loan, person, place, unit

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
    aged: int = 0  # days from the day it is of to its registration, where it is an old one
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
      readers=("lead_cw", "lead_wx", "officer_cw"), copies=2, file="评分原始记录.pdf", text=SCORES),
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
    D("旧档案室移交的基建底图", I, "GZ-1", "早年零星修缮工程底图一套，工程早已拆除。", days=57, author="维修科", aged=3900, file="基建底图.pdf"),
    D("原锅炉房值班记录汇编", I, "GZ-1", "已拆除锅炉房的值班记录，保管期已满。", days=57, author="维修科", aged=3760, file="值班记录汇编.docx"),
    D("临时用工合同副本（上年度）", I, "GZ-1", "上年度临时用工合同副本一册。", days=57, consultation="personnel", copies=1,
      file="临时用工合同副本.pdf"),
)  # fmt: skip


@dataclass(frozen=True)
class L:
    """One loan: who, which file, how long ago applied, for how many days; `to`: how far it came; `copy`: the one handed out;
    `longer`: days for which more time was asked; `granted`: and given."""

    who: str
    title: str
    days: int
    length: int
    purpose: str
    to: str
    note: str = ""
    copy: int | None = None
    longer: int = 0
    granted: bool = False
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
    L("lead_st", "年度后勤重点工作计划", 3, 9, "落实本科年度任务", "lent", copy=6),  # the first copy stays in
    L(
        "officer", "年度后勤重点工作计划", 6, 7, "编写简报", "lent", copy=3, longer=5
    ),  # due tomorrow, more time asked for
    L("lead_wx", "年度后勤重点工作计划", 9, 6, "排抢修计划", "lent", copy=5, longer=6, granted=True),
    L("lead_ss", "各科室岗位设置与职责汇编", 2, 8, "核对岗位职责", "approved"),
    L("officer_st", "各科室岗位设置与职责汇编", 14, 4, "编写培训材料", "expired"),  # approved, never fetched
)


DESTROYED, TRANSFERRED = "旧版岗位津贴测算表", "三年前招标过程资料"
MANIFEST = sha256(
    TRANSFERRED.encode()
).hexdigest()  # stands for that of the package, which no web server made here


def write(diary: Diary) -> None:
    for d in DOCUMENTS:
        _register(diary, d)
    for each in LOANS:
        _lend(diary, each)
    _dispose(diary)
    _relevel(diary)


def levelled(
    diary: Diary, at: datetime, kind: str, title: str, level: Level, why: str, by: str = "registrar"
) -> None:
    """Somebody proposes another level."""
    diary.add(at, by, lambda w, _b: levels.propose(w, item(w, kind, title), level, reason=why))


def approve(diary: Diary, at: datetime, login: str, kind: str, title: str, said: str = "同意") -> None:
    """What waits on an item is approved."""
    diary.add(at, login, lambda w, _b: approvals.decide(w, approval(w, kind, title), True, said))


def _register(diary: Diary, d: D) -> None:
    raw = {
        "author": d.author, "dated": diary.day(-d.days - (d.aged or 9)), "consultation": d.consultation, "retention": d.retention,
        "frequency": d.frequency, "copies": str(d.copies), "summary": d.body,
        "review": "" if d.review is None else diary.day(d.review),
    }  # fmt: skip
    at = diary.moment(d.days)

    def act(w: Work, blobs: Sequence[int]) -> None:
        items.create(
            w, w.house.kinds["document"], raw | {"place": str(place(w, d.place))}, title=d.title, unit_id=unit(w, d.unit),
            level=d.level, blobs=blobs, declared="none",
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
    diary.add(decided, "custodian", lambda w, _b: loans.approve(w, loan(w, x.title, x.who, "applied")))
    if x.to == "approved":
        return
    if x.to == "expired":
        gone = diary.moment(x.days - x.length - 1, 1)
        diary.add(gone, "cli:worker", lambda w, _b: loans.expire(w))
        return
    handed = diary.after(decided, 1)
    diary.add(
        handed, "custodian",
        lambda w, _b: loans.hand_over(w, loan(w, x.title, x.who, "approved"), number=x.copy, download=x.download),
    )  # fmt: skip
    if x.longer:
        later = until + timedelta(days=x.longer)
        asked = diary.after(handed, 24 * (x.length - 3))
        diary.add(
            asked, x.who,
            lambda w, _b: extending.ask(w, loan(w, x.title, x.who, "lent"), until=later, why="材料尚未用完"),
        )  # fmt: skip
        if x.granted:
            again = diary.after(asked, 3)
            diary.add(again, "registrar", lambda w, _b: extending.grant(w, loan(w, x.title, x.who, "lent")))
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
    """One list destroyed by two signatures, one handed to the archives, one that waits for approval, one for its second signature;
    a file on hold. What is due and on no list stays so."""

    def propose(days: int, way: str, reason: str, *titles: str) -> None:
        diary.add(
            diary.moment(days, 10),
            "registrar",
            lambda w, _b: disposal.propose(w, way, [item(w, "document", t) for t in titles], reason),
        )

    def then(days: int, hour: int, login: str, verb: Callable[[Work, int], object], title: str) -> None:
        diary.add(
            diary.moment(days, hour),
            login,
            lambda w, _b: verb(w, disposal_list(w, item(w, "document", title))),
        )

    propose(16, "transfer", "保管期满，招标档案按规定移交", TRANSFERRED)
    then(15, 15, "lead", lambda w, n: disposal.approve(w, n, "同意移交档案室"), TRANSFERRED)
    then(14, 9, "registrar", lambda w, n: handover.packaged(w, n, MANIFEST), TRANSFERRED)
    then(13, 14, "registrar", received, TRANSFERRED)
    then(13, 16, "lead", handover.confirm, TRANSFERRED)

    propose(15, "destroy", "已由新办法代替，无留存价值", DESTROYED)
    then(13, 10, "lead", lambda w, n: disposal.approve(w, n, "同意销毁"), DESTROYED)
    then(12, 10, "custodian", destruction.sign, DESTROYED)
    then(11, 15, "deputy", destruction.sign, DESTROYED)

    propose(5, "destroy", "工程已拆除，底图无留存价值", "旧档案室移交的基建底图")
    then(4, 15, "lead", lambda w, n: disposal.approve(w, n, "同意"), "旧档案室移交的基建底图")
    then(4, 17, "registrar", destruction.sign, "旧档案室移交的基建底图")
    propose(3, "destroy", "上年度合同已到期", "临时用工合同副本（上年度）")
    diary.add(
        diary.moment(6, 11),
        "lead",
        lambda w, _b: holds.set_(w, item(w, "document", "供应商比选评分原始记录"), "审计抽查期间保全"),
    )


def received(w: Work, list_id: int) -> None:
    handover.receipt(
        w, list_id, receiver="校档案馆 接收指导科", number="DA-YJ-0107", received=w.today, check=MANIFEST[:8]
    )


def _relevel(diary: Diary) -> None:
    """One file raised after a review: proposed by one custodian, approved by the head of the office. Another proposal waits."""
    at = diary.moment(34, 10)
    levelled(diary, at, "document", "职工困难补助审核材料", C, "含个人隐私，复核后提级")
    approve(diary, diary.after(at, 3), "lead", "document", "职工困难补助审核材料")
    levelled(
        diary,
        diary.moment(2, 10),
        "document",
        "重要楼宇安防点位图",
        C,
        "点位已在改造中全部更换，建议降为秘密",
    )
