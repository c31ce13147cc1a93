"""Places as a tree, and how they are looked after: a shelf check with one missing copy, one found again, one damaged, incidents
at every stage, some inspections overdue."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from vault.levels import Level

from ..models import Item
from ..verbs import inspecting, items, places, placing, shelf_checks
from ..work import Work
from .diary import Diary, item, unit

# Each: code, name, form, strength, unit, the place around it, what is moved into it.
TREE = (
    ("BMS", "机要保密室", "room", 4, "BG", "", ("BMS-1",)),
    ("BMS-1-1", "保密室 1 号柜 上层", "shelf", 1, "BG", "BMS-1", ()),
    ("BGS", "办公室档案间", "room", 1, "BG", "", ("SG-1", "GZ-1")),
    ("GZ-1-1", "文件柜 1 号 第一层", "shelf", 2, "BG", "GZ-1", ()),
    ("GZ-1-2", "文件柜 1 号 第二层", "shelf", 2, "BG", "GZ-1", ()),
    ("WXS", "维修科值班室", "room", 1, "WX", "", ("GZ-2", "GQ-2")),
)
MANUAL, SCORES, LIST = "各科室岗位设置与职责汇编", "供应商比选评分原始记录", "公寓楼钥匙编码与保管清单"


def write(diary: Diary) -> None:
    _build(diary)
    _arrange(diary)
    _walk(diary)
    _incidents(diary)


def _build(diary: Diary) -> None:
    def act(w: Work, _blobs: Sequence[int]) -> None:
        for code, name, form, strength, at, parent, inside in TREE:
            places.add(w, code, name, strength, unit(w, at), form=form, parent=parent)
            for other in inside:
                places.move(w, other, code)

    diary.add(diary.moment(65, 10), "admin", act)


def _arrange(diary: Diary) -> None:
    """Copies of one file stand apart, another file on its shelf."""
    at = diary.moment(51, 15)
    diary.add(
        at, "custodian", lambda w, _b: placing.put(w, item(w, "document", MANUAL), "GZ-1-1", [1, 2, 3, 4])
    )
    diary.add(
        diary.after(at, 1),
        "custodian",
        lambda w, _b: placing.put(w, item(w, "document", SCORES), "GZ-1-2", reason="分层存放"),
    )


def _number(w: Work, title: str) -> str:
    return w.session.get_one(Item, item(w, "document", title)).number


def _walk(diary: Diary) -> None:
    """A round through the cabinet: copy 3 is not there; copy 7 stands where it does not belong. Days later copy 3 turns up."""
    at = diary.moment(21, 15)

    def round_(w: Work, _blobs: Sequence[int]) -> None:
        check = shelf_checks.start(w, "GZ-1-1")
        manual = _number(w, MANUAL)
        for text in (f"{manual} 1", f"{manual} 2", f"{manual} 4", f"{manual} 7", "BG-N-1999-0001"):
            shelf_checks.scan(w, check.id, text)
        shelf_checks.close(w, check.id, 1)

    diary.add(at, "custodian", round_)
    diary.add(
        diary.moment(17, 9),
        "custodian",
        lambda w, _b: inspecting.find(
            w, item(w, "document", MANUAL), 3, note="夹在人事科借用的卷宗中，已当面收回，页数相符"
        ),
    )
    diary.add(
        diary.moment(12, 10),
        "registrar",
        lambda w, _b: inspecting.inspect(
            w,
            item(w, "document", MANUAL),
            5,
            "damaged",
            note="封面受潮起皱，内页完好",
            action="更换封面，移离窗边",
        ),
    )
    diary.add(
        diary.moment(6, 10),
        "custodian",
        lambda w, _b: inspecting.inspect(
            w, item(w, "document", LIST), 1, "missing", note="值班台账中也未见领用记录"
        ),
    )


def _incidents(diary: Diary) -> None:
    """The one of copy 3 is closed by the other custodian; the one of the list of keys is being looked into; two more on the way."""

    def of(w: Work, title: str) -> int:
        number = _number(w, title)
        query = select(Item.id).where(Item.kind == "incident", Item.title.startswith(number))
        return w.session.scalars(query.order_by(Item.id.desc())).first() or 0

    def step(days: float, hour: int, login: str, title: str, name: str, **raw: str) -> None:
        diary.add(diary.moment(days, hour), login, lambda w, _b: items.step(w, of(w, title), name, raw))

    step(20, 9, "custodian", MANUAL, "investigate")
    step(16, 10, "custodian", MANUAL, "mend", cause="借用卷宗归还时未逐份核对，混入他卷。")
    step(15, 10, "lead", MANUAL, "close", measure="归还核验改为逐份扫码；每月末清点文件柜 1 号。")
    step(5, 10, "lead_ss", LIST, "investigate")

    def report(w: Work, title: str, days: int, where: str, what: str) -> None:
        raw = {"found_at": f"{diary.day(-days)}T08:30", "where": where, "what": what}
        items.create(
            w, w.house.kinds["incident"], raw, title=title, unit_id=unit(w, "BG"), level=Level.INTERNAL
        )

    diary.add(
        diary.moment(9, 9),
        "custodian",
        lambda w, _b: report(
            w, "档案间窗户夜间未关", 9, "办公室档案间", "早班发现窗户未关，纸张受潮，未发现缺失。"
        ),
    )
    diary.add(diary.moment(8, 9), "lead", lambda w, _b: _of_title(w, "档案间窗户夜间未关", "investigate"))
    diary.add(
        diary.moment(7, 9),
        "lead",
        lambda w, _b: _of_title(w, "档案间窗户夜间未关", "mend", cause="下班检查没有指定到人。"),
    )
    diary.add(
        diary.moment(2, 9),
        "custodian",
        lambda w, _b: report(w, "锁柜钥匙登记本缺页", 2, "办公室档案间", "领用登记本缺第 14 页，正在核对。"),
    )


def _of_title(w: Work, title: str, name: str, **raw: str) -> None:
    items.step(w, item(w, "incident", title), name, raw)
