"""Material records of the demo in their four classes and at every stage, two folders, further copies. The recordings are tones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vault.levels import Level

from ..models import Item
from ..verbs import bundles, copies, copying, disposal, items, loans, whereabouts
from ..work import Work
from . import papers
from .diary import Diary, File, item, loan, person, place, unit

I, C, S = Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET  # noqa: E741


@dataclass(frozen=True)
class M:
    """One record: `more`: the fields of its class; `held`: days ago of the event of a recording."""

    title: str
    sort: str
    place: str
    summary: str
    more: dict[str, str] = field(default_factory=dict)
    level: Level = I
    unit: str = "BG"
    author: str = "办公室"
    days: int = 40
    retention: str = "y10"
    frequency: str = "low"
    copies: int = 1
    held: int = 0
    file: str = ""


MATERIALS = (
    M("上半年后勤统计报表汇编", "file", "GZ-1", "各科室上半年工作量、经费与能耗报表。", {"paper": "report"}, days=39,
      file="上半年统计报表.xlsx", frequency="high"),
    M("高校节能改造案例汇编", "file", "GZ-1", "兄弟院校节能改造的做法、投入与成效，供方案比选参考。", {"paper": "literature"}, days=38,
      file="节能改造案例.pdf"),
    M("高校后勤管理实务", "book", "GQ-1", "后勤服务、资产、安全与合同管理的实务读本。",
      {"print": "book", "publisher": "临溪大学出版社", "isbn": "978-7-307-21456-9"}, author="后勤研究会", copies=3, frequency="high", days=37),
    M("食品安全参考（合订本）", "book", "GQ-1", "食品安全管理期刊上半年合订本。",
      {"print": "journal", "publisher": "食品安全参考编辑部", "issue": "2026 年第 1—6 期"}, author="食品安全参考编辑部", days=36),
    M("2 号锅炉使用维护手册", "equipment", "GZ-2", "启停步骤、日常保养与故障代码。", {"model": "WNS6-1.25-Y", "edition": "第三版"},
      unit="WX", author="维修科", frequency="daily", file="锅炉手册.pdf", days=35, retention="y30"),
    M("安防系统操作手册", "equipment", "SG-1", "视频监控、门禁与报警主机的操作与值守要求。", {"model": "AF-2000", "edition": "2025 年修订"},
      author="维修科", file="安防操作手册.docx", days=34),
    M("北苑电梯维保说明书", "equipment", "GZ-2", "北苑三部客梯的维保周期与部件清单。", {"model": "TKJ-1000", "edition": "第一版"}, unit="WX",
      author="维修科", days=33),
    M("安全生产专题会议录音", "recording", "GZ-1", "第三季度安全生产专题会议全程录音。",
      {"occasion": "meeting", "event": "第三季度安全生产专题会议", "event_level": "internal", "minutes": "86",
       "transcript": "主持人：今天研究冬季供暖前的安全检查。\n维修科：锅炉、管网已检修两遍，余下北苑一处阀门待换。\n食堂科：燃气报警器全部校验合格。"},
      held=41, days=32, file="安全生产会议.wav", frequency="rare"),
    M("停电事件处置培训录音", "recording", "GZ-1", "停电事件应急处置内部培训录音。",
      {"occasion": "training", "event": "停电事件应急处置培训", "event_level": "confidential", "minutes": "52",
       "transcript": "培训内容：停电后的报告次序、重点部位值守与对外口径。"},
      level=C, held=35, days=31, file="处置培训.wav", frequency="rare"),
    M("旧版食堂设备说明书", "equipment", "GZ-1", "已更换设备的说明书。", {"model": "ZG-30", "edition": "第一版"}, author="食堂科", days=30,
      file="旧设备说明书.pdf"),
    M("往年统计报表合订本", "file", "GZ-1", "三年前的统计报表合订本。", {"paper": "report"}, days=29),
    M("停用报修系统操作手册", "equipment", "GZ-1", "已停用的报修系统操作手册。", {"model": "报修系统 1.0", "edition": "2019 版"}, author="维修科", days=28),
)  # fmt: skip


def write(diary: Diary) -> None:
    for m in MATERIALS:
        _register(diary, m)
    _lend(diary)
    _dispose(diary)
    _folders(diary)
    _copies(diary)


def material(w: Work, title: str) -> int:
    return item(w, "material", title)


def _register(diary: Diary, m: M) -> None:
    raw = m.more | {
        "class": m.sort, "author": m.author, "dated": diary.day(-m.days - 20), "retention": m.retention,
        "frequency": m.frequency, "summary": m.summary, "copies": str(m.copies),
    }  # fmt: skip
    if m.held:
        raw |= {"held": diary.day(-m.held), "dated": diary.day(-m.held)}

    def act(w: Work, blobs: Sequence[int]) -> None:
        items.create(
            w, w.house.kinds["material"], raw | {"place": str(place(w, m.place))}, title=m.title, unit_id=unit(w, m.unit),
            level=m.level, blobs=blobs, declared="none",
        )  # fmt: skip

    files = (File(m.file, lambda: papers.make(m.file, m.title, m.summary)),) if m.file else ()
    diary.add(diary.moment(m.days, 14), "custodian", act, *files, level=m.level)


def _lend(diary: Diary) -> None:
    """All three copies of a book out, a journal back and not yet checked, a manual that nobody finds."""
    book, journal = "高校后勤管理实务", "食品安全参考（合订本）"

    def lent(title: str, who: str, days: int) -> datetime:
        at = diary.moment(days, 9)
        until = diary.today + timedelta(days=14 - days)
        diary.add(at, who, lambda w, _b: loans.apply(w, material(w, title), purpose="工作参考", until=until))
        handed = diary.after(at, 2)
        diary.add(
            handed, "custodian", lambda w, _b: loans.lend(w, loan(w, title, who, "applied", "material"))
        )
        return handed

    for who, days in (("lead_wx", 6), ("officer", 5), ("cook", 4)):
        lent(book, who, days)
    at = lent(journal, "officer_st", 9)
    diary.add(
        diary.after(at, 100),
        "officer_st",
        lambda w, _b: loans.give_back(w, loan(w, journal, "officer_st", "lent", "material")),
    )

    def lost(w: Work, _blobs: Sequence[int]) -> None:
        s = items.lock(w, material(w, "北苑电梯维保说明书"))
        copies.turn(w, copies.free(w, s.item), "missing")
        whereabouts.settle(w, s.item, "lose")

    diary.add(diary.moment(12, 10), "custodian", lost)


def _dispose(diary: Diary) -> None:
    """One record destroyed before a witness, one handed to the archives, one that waits for the decision."""
    proposals = (
        ("旧版食堂设备说明书", "设备已报废"),
        ("往年统计报表合订本", "保管期满"),
        ("停用报修系统操作手册", "系统已停用"),
    )
    for n, (title, reason) in enumerate(proposals):
        diary.add(
            diary.moment(20 - 5 * n, 10),
            "registrar",
            lambda w, _b, t=title, r=reason: items.step(w, material(w, t), "propose_disposal", {}, reason=r),
        )
    diary.add(
        diary.moment(12, 15),
        "lead",
        lambda w, _b: disposal.destroy(w, material(w, proposals[0][0]), person(w, "officer"), "同意销毁"),
    )
    diary.add(
        diary.moment(11, 15),
        "lead",
        lambda w, _b: items.step(w, material(w, proposals[1][0]), "transfer", {}, reason="移交档案室"),
    )


def _folders(diary: Diary) -> None:
    """A folder that was raised by what came into it, and raised what came after; and one that is closed."""
    security, tender = "安全保卫与应急处置", "招标比选与合同"

    def made(title: str, days: int, where: str, level: Level) -> None:
        def act(w: Work, _blobs: Sequence[int]) -> None:
            raw = {"year": str(diary.today.year), "retention": "y30", "place": str(place(w, where))}
            items.create(w, w.house.kinds["folder"], raw, title=title, unit_id=unit(w, "BG"), level=level)

        diary.add(diary.moment(days, 8), "custodian", act)

    def put(days: int, folder: str, kind: str, title: str) -> None:
        diary.add(
            diary.moment(days, 14),
            "custodian",
            lambda w, _b: bundles.put(w, item(w, "folder", folder), item(w, kind, title)),
        )

    made(security, 11, "SG-1", I)
    put(10, security, "document", "安全保卫值守方案")
    put(9, security, "document", "重要楼宇安防点位图")
    put(8, security, "material", "安防系统操作手册")
    made(tender, 11, "GZ-1", C)
    put(10, tender, "document", "供应商比选评分原始记录")
    diary.add(
        diary.moment(5, 16), "custodian", lambda w, _b: items.step(w, item(w, "folder", tender), "close", {})
    )


def _copies(diary: Diary) -> None:
    """Two copies made at once of an internal file; of a secret one a copy that waits for a second person."""

    def more(days: int, title: str, count: int, reason: str) -> None:
        def act(w: Work, _blobs: Sequence[int]) -> None:
            found = w.session.get_one(Item, item(w, "document", title))
            copying.add(w, found.id, made_from=1, count=count, reason=reason)

        diary.add(diary.moment(days, 10), "custodian", act)

    more(14, "年度后勤重点工作计划", 2, "新设两个班组，各发一份")
    more(3, "重要楼宇安防点位图", 1, "改造方案评审需另用一份")
