"""Notices of the demo in every state: drafted by one, reviewed by a second, published by a third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vault.levels import Level

from ..kinds.notice import TICKS
from ..verbs import items
from ..work import Work
from . import papers
from .diary import Diary, File, item, unit

LEADS = {
    "BG": "lead",
    "CW": "lead_cw",
    "WX": "lead_wx",
    "ST": "lead_st",
    "SS": "lead_ss",
    "LH": "lead_lh",
    "CL": "lead_cl",
}


@dataclass(frozen=True)
class N:
    """One notice: how far it came (`to`), how long ago it began, when it expires (days from today)."""

    title: str
    unit: str
    by: str
    body: str
    to: str = "published"
    days: int = 20
    publication: str = "web"
    content: str = "activity"
    expires: int | None = None
    level: Level = Level.PUBLIC
    why: str = ""
    file: str = ""


PUBLIC, INTERNAL = Level.PUBLIC, Level.INTERNAL
NOTICES = (
    N("关于冬季供暖的通知", "WX", "officer_wx", """各单位、全体师生：
本采暖季自 11 月 15 日起供暖，11 月 8 日至 14 日试运行。试运行期间请留意暖气有无渗漏，家中留人。
发现不热或者漏水，请在内网报修或者拨打服务热线，维修人员四小时内到场。请勿自行放水、拆装散热器。""",
      days=19, content="policy", expires=110, file="供暖安排表.xlsx"),
    N("北苑 4 号楼计划停水通知", "WX", "officer_wx", """因更换立管，北苑 4 号楼定于本周六 8:00 至 17:00 停水，请提前储水，关好龙头。
提前完工提前恢复，恢复后初期水质略浑，请放水片刻后使用。""", days=6, expires=3),
    N("第一食堂延长早餐供应时间", "ST", "officer_st", """根据学生代表意见，自下周一起第一食堂一楼早餐供应时间由 8:30 延长至 9:00，品种不减。
欢迎继续通过建议箱与内网提出意见。""", days=17, publication="news", content="feedback"),
    N("关于开展冬季消防安全检查的通知", "BG", "officer", """定于 11 月 24 日至 28 日检查各楼栋消防设施。请各单位先行自查，清理疏散通道与配电间杂物。
检查发现的隐患登记编号，限期七日整改。""", days=7, content="policy", expires=9),
    N("校园班车冬季时刻调整", "CL", "lead_cl", """自 12 月 1 日起，晚班返程车由 18:00 调整为 17:50，周日加开一班返校车。乘车地点不变。""",
      days=5, expires=90),
    N("校庆期间后勤保障工作简报", "BG", "officer", """校庆三日共保障用餐 1.2 万人次，出车 64 台次，无安全事故。食堂、车队、保洁、维修各班组坚守岗位。
来宾对用餐与会场服务评价良好，也指出停车引导不足，已列入改进。""", days=24, publication="briefing"),
    N("后勤职工技能比武圆满结束", "BG", "officer", """电工、水工、面点、绿化修剪四个项目 46 人参赛。比赛以实际工作场景命题，检验了日常训练。""",
      days=33, publication="news"),
    N("学生公寓空调清洗安排", "SS", "officer_ss", """分楼栋清洗空调滤网，北苑 11 月 18 日至 22 日，南苑 25 日至 29 日。上门前短信告知，请收好桌面物品。""",
      days=12, expires=6),
    N("秋季绿化养护工作动态", "LH", "lead_lh", """完成草坪补播 1.2 万平方米，修剪行道树 430 株，银杏落叶区保留观赏一周后清扫。""", to="unit_review", days=3),
    N("食品安全主题月活动方案", "ST", "officer_st", """活动包括后厨开放日、留样制度讲解、营养知识讲座。开放日每场限 30 人，须穿戴鞋套与帽子。""",
      to="office_review", days=4, publication="news"),
    N("水电维修班国庆值守情况", "WX", "officer_wx", """节日期间处理报修 57 件，其中跑水 6 件，均在一小时内止水。""", to="office_review", days=2, publication="briefing"),
    N("关于规范电动自行车停放充电的通知", "SS", "officer_ss", """严禁在楼道、寝室内停放充电。北苑新建充电棚 60 个车位已启用，扫码计费。违规车辆先提醒后清理。""",
      days=15, content="policy"),
    N("失物招领（十一月上旬）", "BG", "officer", """校园卡 11 张、雨伞 7 把、耳机 3 副、水杯 5 只，请失主到服务大厅认领。""", days=10, expires=60),
    N("临时调整会议室开放时间", "BG", "officer", """因设备检修，明德楼大会议室本周四下午暂停使用。""", to="expired", days=26, expires=-14),
    N("关于暂停南门班车站点的通知", "CL", "lead_cl", """因道路施工，南门站点暂停使用。""", to="withdrawn", days=22,
      why="施工提前结束，站点已恢复，通知内容失效"),
    N("食堂原料价格上涨情况说明", "ST", "officer_st", """近期蔬菜批发价上涨，本学期菜价不作调整，差额由调剂基金补足。""", to="returned", days=3, content="reference",
      why="数据缺少出处，请补充价格来源与统计时段"),
    N("宿舍楼热水供应时间调查", "SS", "warden", """拟了解大家对热水供应时段的意见，请各楼层长协助发放问卷。""", to="draft", days=1, content="research"),
    N("维修服务满意度季度通报", "WX", "officer_wx", """第三季度回访 318 件，满意率 91.5%。不满意的 8 件已全部返工。各班组须做到工完场清。""", days=14,
      level=INTERNAL, content="research"),
    N("内部：年终考核时间安排", "BG", "officer", """12 月 20 日前各科提交总结，25 日述职，31 日前公布结果。""", days=9, level=INTERNAL, content="policy"),
    N("寒假留校住宿申请开始", "SS", "officer_ss", """寒假留校集中住宿申请自即日起受理，12 月 20 日截止。集中楼栋为北苑 2 号楼，请按床位表入住。""", to="unit_review", days=1,
      expires=40),
)  # fmt: skip


def write(diary: Diary) -> None:
    for n in NOTICES:
        _tell(diary, n)


def _tell(diary: Diary, n: N) -> None:
    raw = {
        "publication": n.publication, "content": n.content, "body": n.body,
        "expires": "" if n.expires is None else diary.day(n.expires),
    }  # fmt: skip
    at = diary.moment(n.days)
    files = (File(n.file, lambda: papers.make(n.file, n.title, n.body)),) if n.file else ()

    def draft(w: Work, blobs: Sequence[int]) -> None:
        items.create(
            w, w.house.kinds["notice"], raw, title=n.title, unit_id=unit(w, n.unit), level=n.level, blobs=blobs
        )  # fmt: skip

    def step(hours: float, login: str, name: str, reason: str = "", **answers: object) -> None:
        diary.add(
            diary.after(at, hours),
            login,
            lambda w, _b: items.step(w, item(w, "notice", n.title), name, answers, reason=reason),
        )

    diary.add(at, n.by, draft, *files, level=n.level)
    if n.to == "draft":
        return
    step(1, n.by, "submit")
    if n.to == "unit_review":
        return
    # A section head who writes cannot pass the own text: the office's head, lead over all units, does.
    second = LEADS[n.unit] if LEADS[n.unit] != n.by else "lead"
    step(3, second, "pass_unit")
    if n.to == "office_review":
        return
    if n.to == "returned":
        step(6, "reviewer", "return", n.why)
        return
    step(8, "reviewer", "publish", ticks=[t.code for t in TICKS])
    if n.to == "withdrawn":
        step(80, "reviewer", "withdraw", n.why)
    if n.to == "expired":
        diary.add(diary.after(at, 24 * 13), "cli:demo", lambda w, _b: _expire(w, n.title))


def _expire(w: Work, title: str) -> None:
    """What the worker does on the morning after the last day."""
    kind = w.house.kinds["notice"]
    move = kind.move("expire")
    if move is not None:
        items.apply(w, items.lock(w, item(w, "notice", title)), kind, move, {}, reason="有效期已满，自动撤下")
