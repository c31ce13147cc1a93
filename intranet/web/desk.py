"""My desk: what waits for me, by kind of action, the least time left first."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _

from .. import work
from ..extensions import db
from ..house import house
from ..models import Item, Message
from ..policy import Permission
from ..verbs import desk as questions
from ..verbs import figures, inspections, messages
from . import page, signin, words

bp = Blueprint("desk", __name__)


@bp.get("/")
def home() -> Response:
    """The desk of whoever is signed in; for the officers also the figures they answer for."""
    actor, now = signin.actor(), house().clock()
    policy = house().policy
    found = questions.desk(db.session(), house(), actor, now)
    g.waiting_count = found.waiting(now.astimezone(house().zone).date())
    shown: list[figures.Figure] = []
    if policy.decide(actor, Permission.OPS_VIEW).ok:
        shown += figures.operations(db.session(), house(), now)
    if policy.decide(actor, Permission.AUDIT_READ).ok:
        shown += figures.audit(db.session(), now)
    if actor.has("security_officer"):
        shown += figures.clearances(db.session())
    if actor.has("custodian"):
        late, _oldest = inspections.overdue(db.session(), house(), actor, now)
        shown += [figures.Figure(_("逾期未检查"), late, "inspections", "late", _("份"))] if late else []
    told = messages.unseen(db.session(), house(), actor, now)
    return page.render(
        "desk/desk.html",
        desk=found,
        figures=shown,
        told=told,
        words_of=words_of,
        duties=duties(),
        digest_words=digest_words,
        word_of=words.of_approval,
        approval_page=approval_page,
    )


def approval_page(row: questions.Row) -> str:
    """Where a second person gives their word on a line of the desk."""
    number, approval = row.item.number, row.approval
    pages = {"open": "openings.show", "glass": "openings.glass_show"}
    if approval is not None and approval.what in pages:
        return url_for(pages[approval.what], number=number, approval_id=approval.id)
    return url_for("items.show", number=number) + "#level"


def duties() -> dict[str, tuple[str, str]]:
    """What a message without an item says, and where it leads."""
    return {"audit.head_due": (_("审计日志链头已超过 7 天未打印签认"), url_for("heads.index"))}


def words_of(message: Message, item: Item) -> str:
    """What a message says, in the reader's language."""
    fixed = {
        "loan.soon": _("借阅明天到期"),
        "loan.due": _("借阅今天到期"),
        "loan.late": _("借阅已逾期，请尽快归还"),
        "inspect.due": _("定期检查已逾期，请到“定期检查”逐份办理"),
        "damaged": _("文件校验失败，请核查"),
        "complaint.added": _("投诉人补充"),
        "open.asked": _("有人请您同意打开绝密正文"),
        "open.approved": _("第二人已同意，请在期限内打开"),
        "open.refused": _("第二人不同意打开"),
        "glass.opened": _("正文被应急打开，请知悉并核查"),
        "glass.reviewed": _("您的应急打开已核查"),
        "glass.late": _("应急打开逾期未核查"),
    }
    if message.code in fixed:
        return fixed[message.code]
    name = message.code.removeprefix("clock.")
    clock = next((c for c in house().kinds[item.kind].clocks if c.name == name), None)
    return _("“%(clock)s”已到时间", clock=clock.title) if clock else _("请查看")


def digest_words(counts: Mapping[str, int]) -> str:
    """What the daily reminder sums up, the worst last: 3 份借阅将到期，1 份借阅逾期."""
    known = {
        "loan.soon": _("%(n)s 份借阅将到期", n=counts.get("loan.soon", 0)),
        "slip.soon": _("%(n)s 份传递将到期", n=counts.get("slip.soon", 0)),
        "inspection.soon": _("%(n)s 份将到检查期", n=counts.get("inspection.soon", 0)),
        "loan.due": _("%(n)s 份借阅今天到期", n=counts.get("loan.due", 0)),
        "slip.due": _("%(n)s 份传递今天到期", n=counts.get("slip.due", 0)),
        "inspection.due": _("%(n)s 份今天应检查", n=counts.get("inspection.due", 0)),
        "loan.late": _("%(n)s 份借阅逾期", n=counts.get("loan.late", 0)),
        "slip.late": _("%(n)s 份传递逾期", n=counts.get("slip.late", 0)),
        "inspection.late": _("%(n)s 份逾期未检查", n=counts.get("inspection.late", 0)),
        "kept.late": _("保管的文件 %(n)s 份逾期未还", n=counts.get("kept.late", 0)),
        "unit.late": _("本单位人员 %(n)s 份逾期未还", n=counts.get("unit.late", 0)),
    }  # fmt: skip
    return _("，").join(words for code, words in known.items() if counts.get(code))


@bp.post("/messages/seen")
def seen() -> Response:
    """One reminder, or all of them, put away."""
    given = request.form.get("id", "")
    with work.begin(house(), signin.actor()) as w:
        messages.seen(w, int(given) if given.isdecimal() and len(given) < 10 else None)
    return page.done("/", _("已收起"))
