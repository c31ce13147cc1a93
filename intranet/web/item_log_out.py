"""The log of one item on paper and as CSV, each recorded before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, stream_with_context
from flask_babel import gettext as _

from .. import work
from ..actor import Actor
from ..extensions import db
from ..house import House, house
from ..kinds.base import Kind
from ..models import Item
from ..policy import Permission
from ..verbs import item_log, reading
from . import export, files, log_words, page, signin, words
from .item_log import asked, group_words, people_of
from .items_read import in_full, qr


def _opened(number: str, action: str) -> tuple[House, Actor, Item, item_log.Filter]:
    home, actor, f = house(), signin.actor(), asked()
    with work.begin(home, actor) as w:
        s = reading.by_number(w.session, home, actor, number, w.now)
        home.policy.demand(actor, Permission.ITEM_LOG, s)
        w.record(action, s.item, detail={"filter": f.what} if f.what else {})
    return home, actor, s.item, f


def on_paper(number: str) -> Response:
    """The log on A4."""
    home, _actor, item, f = _opened(number, "item.log_print")
    rows = list(item_log.every(db.session(), item.id, f))
    return page.render(
        "print/log.html",
        item=item,
        kind=home.kinds[item.kind],
        rows=rows,
        people=people_of(rows),
        group=dict(group_words())[f.what],
        audit_words=words.of_audit,
        log_words=log_words,
        qr=qr(item.number),
        address=f"{home.settings.base_url.rstrip('/')}/i/{item.number}",
        moment_now=home.clock(),
        in_full=in_full,
    )


def as_csv(number: str) -> Response:
    """The log as CSV."""
    home, _actor, item, f = _opened(number, "item.log_export")
    kind, zone = home.kinds[item.kind], home.zone
    rows = list(item_log.every(db.session(), item.id, f))
    people = people_of(rows)

    def line(r: item_log.Line) -> Sequence[Any]:
        facts = "；".join(f"{k} {v}" for k, v in log_words.detail(r.detail, r.actor))
        at = r.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        told = (
            at,
            people.get(r.actor, ""),
            r.actor,
            _action(r, kind),
            log_words.outcome(r.outcome)[0],
            r.origin,
            facts,
        )
        return [r.seq, *(export.guarded(str(v)) for v in told)]

    head = [_("序号"), _("时间"), _("姓名"), _("登录名"), _("操作"), _("结果"), _("来自"), _("说明")]
    body = export.as_csv([str(h) for h in head], map(line, rows))
    response = Response(stream_with_context(body), content_type=export.FORMS["csv"])
    name = f"{item.number}-{_('操作记录')}-{home.clock().astimezone(zone):%Y%m%d}.csv"
    response.headers["Content-Disposition"] = files.disposition("attachment", name)
    return response


def _action(r: item_log.Line, kind: Kind) -> str:
    return str(words.of_audit(r.action, kind))
