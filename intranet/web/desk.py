"""My desk: what waits for me, by kind of action, the least time left first."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext as _

from .. import work
from ..extensions import db
from ..house import house
from ..models import Item, Message
from ..policy import Permission
from ..verbs import desk as questions
from ..verbs import figures, messages
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
    told = messages.unseen(db.session(), house(), actor, now)
    return page.render(
        "desk/desk.html", desk=found, figures=shown, told=told, words_of=words_of, word_of=words.of_approval
    )


def words_of(message: Message, item: Item) -> str:
    """What a message says, in the reader's language."""
    fixed = {
        "loan.soon": _("借阅明天到期"),
        "loan.due": _("借阅今天到期"),
        "loan.late": _("借阅已逾期，请尽快归还"),
        "damaged": _("文件校验失败，请核查"),
        "complaint.added": _("投诉人补充"),
    }
    if message.code in fixed:
        return fixed[message.code]
    name = message.code.removeprefix("clock.")
    clock = next((c for c in house().kinds[item.kind].clocks if c.name == name), None)
    return _("“%(clock)s”已到时间", clock=clock.title) if clock else _("请查看")


@bp.post("/messages/seen")
def seen() -> Response:
    """One reminder, or all of them, put away."""
    given = request.form.get("id", "")
    with work.begin(house(), signin.actor()) as w:
        messages.seen(w, int(given) if given.isdecimal() and len(given) < 10 else None)
    return page.done("/", _("已收起"))
