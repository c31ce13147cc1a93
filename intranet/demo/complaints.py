"""Complaints of the demo in every state; most by people without an account, some typed in by a handler.

The codes below are known so that a visitor of the demo can follow a complaint; in service each code is random and told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vault.levels import Level

from ..models import Tracking
from ..verbs import complaints, items
from ..work import Work
from . import papers
from .diary import Diary, File, item, person

CODES = {"第一食堂二楼餐盘有油渍": "DEMA-2345-KX7P-W3NR", "南苑 6 号楼热水时有时无": "DEMB-6789-QT4M-H8VC"}


@dataclass(frozen=True)
class Q:
    """One complaint. `name`, `contact`: empty when anonymous; `channel` other than web: typed in by a handler."""

    title: str
    topic: str
    statement: str
    where: str
    to: str
    days: int
    name: str = ""
    contact: str = ""
    channel: str = "web"
    findings: str = ""
    reply: str = ""
    why: str = ""
    file: str = ""


QS = (
    Q("第一食堂二楼餐盘有油渍", "canteen", "近一周午餐时段多次拿到没有洗净的餐盘，边缘有明显油渍，已向窗口反映两次。", "第一食堂二楼", "closed", 24,
      findings="查看洗消记录与现场，洗碗机漂洗温度只有 71 摄氏度，加热管结垢。", reply="已除垢并更换加热管，漂洗温度恢复到 85 摄氏度，增加餐前抽查。",
      file="餐盘照片.png"),
    Q("南苑 6 号楼热水时有时无", "dormitory", "每晚十点以后热水忽冷忽热，持续半个多月，影响洗浴。", "南苑 6 号楼", "answered", 12,
      findings="循环泵控制器夜间自动降频，参数设置不当。", reply="已调整控制参数并连续三晚测温，出水 52 摄氏度以上。如仍有问题请在此补充。"),
    Q("维修人员上门未佩戴工牌", "conduct", "周二上午来修灯的两位师傅没有工牌，也不肯说姓名。", "致远楼 412", "closed", 30, name="郝女士", contact="内线 8123",
      findings="核对工单，两人为当班人员，未按规定佩戴。", reply="已对当事人批评教育并全班组自查，欢迎继续监督。", channel="phone"),
    Q("班车经常提前发车", "vehicle", "7:10 的班车连续三天 7:08 就开走了。", "南门站", "investigating", 5, name="季老师", contact="内线 8456"),
    Q("草坪施药没有提前告知", "environment", "周六早晨在操场边闻到很重的药味，没有看到告示。", "东操场", "investigating", 4),
    Q("盒饭分量不足", "canteen", "会议盒饭 18 元档米饭很少，菜也不满。", "明德楼大会议室", "registered", 1, name="苗老师", contact="内线 8790", file="盒饭照片.png"),
    Q("公寓门禁夜间报警扰民", "dormitory", "门禁凌晨误报警两次，每次响十几分钟。", "北苑 3 号楼", "registered", 2),
    Q("浴室地面湿滑有人摔倒", "dormitory", "公共浴室没有防滑垫，昨天有同学摔倒。", "北苑浴室", "registered", 0, channel="visit", name="楼长代报"),
    Q("水费多收", "utilities", "本期水费比上期多一倍，怀疑抄表有误。", "教工住宅 5 栋", "supplement", 8, name="仇先生", contact="内线 8234",
      why="请补充户号与近两期账单"),
    Q("路灯坏了一周没人修", "repair", "图书馆西侧连续三盏路灯不亮，晚上很黑。", "图书馆西侧", "closed", 33, channel="letter",
      findings="线缆接头进水跳闸，报修转单时漏派。", reply="已修复并补查全线接头，漏派问题已在派工环节增加提醒。"),
    Q("希望增加清淡菜品", "canteen", "建议二楼窗口增加少油少盐的菜。", "第二食堂", "answered", 14, channel="box",
      findings="属于建议，已与第二食堂商定。", reply="自本周起设营养窗口，每日公布热量，欢迎品尝并提意见。"),
    Q("要求赔偿被雨淋湿的包裹", "other", "快递放在楼下被雨淋湿，要求后勤赔偿。", "北苑快递点", "declined", 18, name="辛同学", contact="",
      why="快递由快递公司承运并签收，不属于后勤服务范围，请联系承运方；快递点雨棚问题已另行转办"),
    Q("匿名反映某窗口插队打饭", "canteen", "有工作人员亲属不排队直接从后厨打饭。", "第一食堂一楼", "investigating", 3),
    Q("保洁时间影响上课", "environment", "上课期间走廊用洗地机，声音很大。", "致远楼三层", "closed", 27, channel="mail", name="苏老师", contact="内线 8011",
      findings="保洁排班与课表冲突。", reply="已改到早七点前与晚六点后作业。"),
    Q("重复投诉：垃圾桶位置", "environment", "上次反映垃圾桶放在窗下，只挪了一米。", "南苑 2 号楼", "reopened", 16,
      findings="初次处理只挪动了位置。", reply="已移到东侧垃圾房。", why="投诉人表示气味仍然明显"),
    Q("对不起，测试一下", "other", "测试", "无", "declined", 9, why="无实质内容"),
    Q("宿舍楼道堆放杂物", "environment", "五层楼道长期堆放纸箱和旧桌椅，存在火灾隐患。", "北苑 1 号楼", "answered", 10, channel="phone",
      name="值班转来", findings="现场属实，部分为毕业生遗留。", reply="已限期清理并张贴告示，周五复查。"),
    Q("食堂电视声音太大", "canteen", "吃饭时电视声音大，听不清说话。", "第二食堂一楼", "registered", 1),
)  # fmt: skip


def write(diary: Diary) -> None:
    for number, q in enumerate(QS):
        _follow(diary, q, "handler" if number % 3 else "handler2")


def _follow(diary: Diary, q: Q, handler: str) -> None:
    at = diary.moment(q.days)
    raw = {
        "topic": q.topic, "statement": q.statement, "where": q.where, "name": q.name, "contact": q.contact,
        "when": f"{diary.day(-q.days - 1)}T18:00",
    }  # fmt: skip

    def submit(w: Work, blobs: Sequence[int]) -> None:
        made, _code = complaints.submit(w, raw, title=q.title, blobs=blobs, channel=q.channel)
        if q.title in CODES:
            w.session.get_one(Tracking, made.id).code_hash = complaints.code_hash(w.house, CODES[q.title])

    def step(hours: float, name: str, reason: str = "", **answers: object) -> None:
        def act(w: Work, _blobs: Sequence[int]) -> None:
            told = answers | ({"handler": str(person(w, handler))} if name == "accept" else {})
            items.step(w, item(w, "complaint", q.title), name, told, reason=reason)

        diary.add(diary.after(at, hours), handler, act)

    files = (File(q.file, lambda: papers.make(q.file, q.title, ""), "evidence"),) if q.file else ()
    sender = "" if q.channel == "web" else handler
    diary.add(at, sender, submit, *files, level=Level.INTERNAL)
    if q.to == "registered":
        return
    if q.to in ("declined", "supplement"):
        step(20, {"declined": "decline"}.get(q.to, q.to), q.why)
        return
    step(5, "accept", due=f"{diary.day(5 - q.days)}T18:00")
    diary.add(
        diary.after(at, 26),
        handler,
        lambda w, _b: items.comment(
            w, item(w, "complaint", q.title), "已受理，正在核实情况，三日内告知进展。", outward=True
        ),
    )
    if q.to == "investigating":
        return
    step(70, "answer", findings=q.findings, reply=q.reply)
    if q.to == "closed":
        step(120, "close")
    if q.to == "reopened":
        step(130, "reopen", q.why)
