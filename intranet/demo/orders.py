"""Work orders of the demo in every state, with remarks, refusals, rework and photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..verbs import items
from ..work import Work
from . import papers
from .diary import Diary, File, item, person


@dataclass(frozen=True)
class O:  # noqa: E742
    """One order: who reports it, what, how far it came (`to`), how long ago."""

    title: str
    by: str
    place: str
    trade: str
    fault: str
    to: str = "closed"
    days: int = 10
    urgency: str = "normal"
    worker: str = "plumber"
    work: str = ""
    cost: str = ""
    why: str = ""
    photo: bool = False


ORDERS = (
    O("男厕冲水阀漏水", "warden", "北苑 2 号楼三层", "water", "冲水阀关不严，水一直流。", days=45, work="更换阀芯一只，试水三次正常。", cost="18"),
    O("走廊照明不亮", "officer", "办公楼二层东侧", "electric", "三盏吸顶灯不亮。", days=44, worker="electrician", work="更换镇流器两只、光源三只。", cost="96"),
    O("会议室门锁打不开", "officer", "明德楼小会议室", "carpentry", "钥匙能插入但转不动。", days=41, worker="carpenter", work="更换锁芯，交钥匙三把。",
      cost="35", urgency="soon"),
    O("洗碗机漂洗温度不够", "cook", "第一食堂洗消间", "appliance", "漂洗显示 71 度，升不上去。", days=23, worker="electrician",
      work="清除水垢，更换加热管，实测 85 度。", cost="420", urgency="urgent", photo=True),
    O("冷库温度偏高", "cook", "第一食堂冷藏库", "hvac", "冷藏库 7 度，报警。", days=36, worker="electrician", work="除霜并补充制冷剂，温度 3 度。",
      cost="560", urgency="urgent"),
    O("公共浴室地漏堵塞", "warden", "北苑浴室", "water", "积水到脚面。", days=34, work="机械疏通，清出毛发与皂垢。", urgency="soon", photo=True),
    O("窗玻璃破裂", "warden", "北苑 1 号楼 508", "carpentry", "大风把窗户吹碎。", days=31, worker="carpenter", work="更换 5 毫米钢化玻璃。", cost="132", photo=True),
    O("热水循环泵异响", "lead_ss", "南苑热水房", "hvac", "夜间有尖锐声音。", days=28, worker="plumber", work="更换轴承，调整参数。", cost="260", urgency="soon"),
    O("图书馆西侧路灯不亮", "handler", "图书馆西侧", "electric", "三盏不亮，群众反映。", days=32, worker="electrician", work="重做电缆接头并防水处理。", cost="75",
      urgency="soon"),
    O("配电箱门变形关不上", "electrician", "致远楼一层", "electric", "箱门铰链断。", days=26, worker="carpenter", work="校正箱门，更换铰链。", cost="22"),
    O("网络面板松动", "officer_cw", "财务科 204", "network", "网线插不稳，时断时续。", days=21, worker="electrician", work="更换面板与模块。", cost="16"),
    O("草坪喷灌喷头损坏", "lead_lh", "东操场北侧", "water", "两个喷头被车压坏。", days=20, work="更换喷头两只。", cost="58"),
    O("车库卷帘门卡住", "driver", "车队车库", "appliance", "升到一半不动。", days=19, worker="carpenter", work="校正导轨，润滑。", urgency="soon"),
    O("墙面渗水起皮", "warden", "北苑 4 号楼 305", "masonry", "雨后西墙渗水。", "closed", 38, worker="carpenter", work="外墙裂缝灌浆，内墙铲除重刷。", cost="310",
      why="第一次刷完又起皮，没有处理外墙裂缝"),
    O("供热立管渗漏", "warden", "北苑 4 号楼", "hvac", "二层立管接头滴水，已用桶接。", "working", 2, "urgent", "plumber", photo=True),
    O("教室吊扇晃动", "officer", "致远楼 210", "electric", "开高档时晃动厉害。", "working", 3, "soon", "electrician"),
    O("食堂排风机噪声大", "cook", "第一食堂后厨", "appliance", "开机后嗡嗡响。", "working", 4, "normal", "electrician"),
    O("暖气不热", "officer_ss", "宿舍科办公室", "hvac", "进水管热，回水管凉。", "done", 2, "soon", "plumber", "排气并清洗过滤器，室温 20 度。"),
    O("水龙头关不紧", "officer_st", "第二食堂洗手台", "water", "滴水。", "done", 1, "normal", "plumber", "更换阀芯。", "28"),
    O("插座冒火花", "lead_cl", "车辆科值班室", "electric", "插暖风机时冒火花，已停用。", "done", 1, "urgent", "electrician", "更换插座，提醒不得使用大功率取暖器。", "12"),
    O("电动大门遥控失灵", "driver", "车队院门", "appliance", "遥控器没反应，手动可开。", "paused", 6, "normal", "electrician", why="主板停产，已联系厂家定制，预计一周"),
    O("明德楼外墙砖松动", "lead", "明德楼北侧", "masonry", "二层外墙砖松动，已拉警戒线。", "paused", 8, "urgent", "carpenter", why="须租用升降平台，等待周末封路"),
    O("卫生间灯闪烁", "reviewer", "办公楼三层", "electric", "灯一直闪。", "assigned", 1, "normal", "electrician"),
    O("门吸脱落", "handler2", "接待室", "carpentry", "门吸脱落，门撞墙。", "assigned", 1, "normal", "carpenter"),
    O("南苑 6 号楼水压低", "officer_ss", "南苑 6 号楼顶层", "water", "早晚高峰几乎没水。", "refused", 2, "soon", "plumber", why="属于增压泵问题，请派电工同去"),
    O("洗衣房下水返味", "warden", "北苑 2 号楼洗衣房", "water", "气味很重。", "open", 0),
    O("楼道声控灯不灵敏", "warden", "北苑 3 号楼", "electric", "跺脚才亮。", "open", 1),
    O("打印室空调漏水", "custodian", "办公楼 118", "hvac", "室内机滴水，已用盆接。", "open", 0, "soon", photo=True),
    O("雨棚接水槽破损", "officer_ss", "北苑快递点", "masonry", "下雨时漏到包裹上。", "open", 2, "soon"),
    O("误报：灯已自己好了", "reviewer", "办公楼三层", "electric", "走廊灯不亮。", "cancelled", 12, why="复位空开后已正常"),
    O("水箱间门锁生锈", "plumber", "南苑水箱间", "carpentry", "锁舌生锈，开启困难。", "open", 0),
)  # fmt: skip


def write(diary: Diary) -> None:
    for order in ORDERS:
        _follow(diary, order)


def _follow(diary: Diary, o: O) -> None:
    at = diary.moment(o.days)
    raw = {
        "place": o.place, "trade": o.trade, "urgency": o.urgency, "fault": o.fault, "phone": "",
    }  # fmt: skip

    def report(w: Work, blobs: Sequence[int]) -> None:
        items.create(
            w, w.house.kinds["workorder"], raw, title=o.title, unit_id=w.actor.unit_id or 0, blobs=blobs
        )  # fmt: skip

    def step(hours: float, login: str, name: str, reason: str = "", **answers: str) -> None:
        def act(w: Work, _blobs: Sequence[int]) -> None:
            told = answers | ({"worker": str(person(w, o.worker))} if name == "assign" else {})
            items.step(w, item(w, "workorder", o.title), name, told, reason=reason)

        diary.add(diary.after(at, hours), login, act)

    def remark(hours: float, login: str, words: str) -> None:
        diary.add(
            diary.after(at, hours),
            login,
            lambda w, _b: items.comment(w, item(w, "workorder", o.title), words),
        )

    files = (File("现场照片.png", lambda: papers.picture(o.title, ""), "photos"),) if o.photo else ()
    diary.add(at, o.by, report, *files)
    if o.to == "open":
        return
    if o.to == "cancelled":
        step(2, o.by, "cancel", o.why)
        return
    wait = {"urgent": 0, "soon": 1, "normal": 2}[o.urgency]
    step(0.3, "dispatcher", "assign", due=f"{diary.day(wait - o.days)}T17:30")
    if o.to == "assigned":
        return
    if o.to == "refused":
        step(1, o.worker, "refuse", o.why)
        return
    step(0.6, o.worker, "accept")
    if o.to == "working":
        remark(2, o.worker, "已到场查看，配件在库，今天处理。")
        return
    if o.to == "paused":
        step(4, o.worker, "pause", o.why)
        remark(5, "dispatcher", "已知悉，请每三天反馈一次进展。")
        return
    done = {"work": o.work} | ({"cost": o.cost} if o.cost else {})
    step(6, o.worker, "finish", **done)
    if o.why:
        step(30, o.by, "rework", o.why)
        step(54, o.worker, "finish", **done)
    if o.to == "closed":
        step(60, o.by if o.by != o.worker else "dispatcher", "sign_off")
