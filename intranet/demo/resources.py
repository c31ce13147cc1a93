"""Resources of the demo: the four shelves and how each entry gets into the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vault.levels import Level

from ..kinds.resource import DEFAULT_MANAGEMENT
from ..verbs import items, relations
from ..work import Work
from . import papers
from .diary import Diary, File, item, place, repository, unit


@dataclass(frozen=True)
class R:
    """One entry. `days`: how long ago it was entered; `issued`: how many days before that the text was issued;
    `review`: days from today (negative: overdue); `paper`: a place code; `file`: a name whose ending says what to make."""

    title: str
    business: str
    unit: str
    by: str
    body: str
    subclass: str = ""
    level: Level = Level.INTERNAL
    repository: str = ""
    source: str = "document"
    form: str = "text"
    management: str = ""
    keywords: str = ""
    days: int = 30
    issued: int = 60
    review: int | None = None
    paper: str = ""
    file: str = ""


def write(diary: Diary) -> None:
    """Enter every shelf; then a few later changes: an edit, comments, an entry taken out of use, a newer version."""
    from .resources_equipment import EQUIPMENT
    from .resources_records import RECORDS
    from .resources_rules import RULES
    from .resources_service import SERVICE

    for r in (*RULES, *EQUIPMENT, *SERVICE, *RECORDS):
        _enter(diary, r)
    _later(diary)


def _enter(diary: Diary, r: R) -> None:
    raw = {
        "business": r.business, "management": r.management or DEFAULT_MANAGEMENT[r.business], "subclass": r.subclass,
        "medium": "paper" if r.paper else "electronic", "form_kind": r.form, "source": r.source,
        "issued": diary.day(-r.days - r.issued), "keywords": r.keywords, "body": r.body,
        "review": "" if r.review is None else diary.day(r.review),
    }  # fmt: skip

    def act(w: Work, blobs: Sequence[int]) -> None:
        placed = {"place": str(place(w, r.paper))} if r.paper else {}
        items.create(
            w, w.house.kinds["resource"], raw | placed, title=r.title, unit_id=unit(w, r.unit), level=r.level,
            repository_id=repository(w, r.repository), blobs=blobs,
        )  # fmt: skip

    files = (File(r.file, lambda: papers.make(r.file, r.title, r.body)),) if r.file else ()
    diary.add(diary.moment(r.days), r.by, act, *files, level=r.level)


def _later(diary: Diary) -> None:
    def remark(title: str, body: str) -> None:
        login, words = body.split("：", 1)
        diary.add(
            diary.moment(6),
            login,
            lambda w, _b: items.comment(w, item(w, "resource", title), words),
        )

    remark("二次供水水箱清洗消毒操作规程", "plumber：南苑 3 号水箱人孔偏小，清洗时建议两人配合，已按此执行。")
    remark("二次供水水箱清洗消毒操作规程", "lead_wx：收到，下次修订时写入第四条。")
    remark("校园班车时刻与乘车办法", "warden：周日返校晚班车能否加一班？学生反映 21:30 之后没有车。")
    remark("校园班车时刻与乘车办法", "lead_cl：已列入下月调度会议题。")

    def dearer(w: Work, _blobs: Sequence[int]) -> None:
        found = w.session.get_one(items.Item, item(w, "resource", "会议室预约与会务服务"))
        body = str(found.data["body"]).replace("每半天 200 元", "每半天 240 元")
        items.edit(
            w, found.id, dict(found.data) | {"body": body}, title=found.title, version=found.version,
            reason="按处务会决定调整小会议室收费",
        )  # fmt: skip

    diary.add(diary.moment(9), "officer", dearer)
    diary.add(
        diary.moment(5),
        "lead_ss",
        lambda w, _b: items.step(
            w,
            item(w, "resource", "学生公寓用电管理规定（旧版）"),
            "withdraw",
            {},
            reason="新版已发布，旧版停用",
        ),
    )

    def newer(w: Work, _blobs: Sequence[int]) -> None:
        new, old = (item(w, "resource", t) for t in ("学生公寓用电管理规定", "学生公寓用电管理规定（旧版）"))
        relations.link(w, w.session.get_one(items.Item, new), w.session.get_one(items.Item, old), "version")

    diary.add(diary.moment(4), "lead_ss", newer)


__all__ = ["R", "write"]
