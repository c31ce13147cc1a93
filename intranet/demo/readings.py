"""Reading in the demo: a session on a loan that may be saved, one break-glass opening that was reviewed and one that waits for its review."""

from __future__ import annotations

from sqlalchemy import select

from ..models import Approval
from ..verbs import deposits, glass, reading_room
from ..work import Work
from .diary import Diary, item


def write(diary: Diary) -> None:
    at = diary.moment(1, 14)
    diary.add(at, "lead_wx", lambda w, _b: _start(w, "供应商比选评分原始记录"))
    _glass(
        diary, "lead_wx", "老旧管线风险评估报告", 1, "北苑供热主管爆裂，须立即核对阀门位置", "确属抢修急需"
    )
    _glass(diary, "lead_cw", "重要楼宇安防点位图", 0, "财务室报警器误响，须核对点位后解除")


def _start(w: Work, title: str) -> None:
    number = item(w, "document", title)
    reading_room.start(w, number, deposits.files(w.session, number)[0].id)


def _glass(diary: Diary, who: str, title: str, days: int, reason: str, said: str = "") -> None:
    at = diary.moment(days, 8)
    diary.add(at, who, lambda w, _b: glass.break_glass(w, item(w, "document", title), reason=reason))
    if said:
        diary.add(
            diary.after(at, 3), "custodian", lambda w, _b: glass.decide(w, _opened(w, title), True, said)
        )


def _opened(w: Work, title: str) -> Approval:
    query = select(Approval).where(
        Approval.item_id == item(w, "document", title), Approval.what == glass.WHAT, Approval.outcome == ""
    )
    return w.session.scalars(query).one()
