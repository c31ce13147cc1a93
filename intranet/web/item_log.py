"""The log of one item for its keeper: the tab with its filter and pages. On paper and as a table: `item_log_out`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from ..extensions import db
from ..models import Item, Person
from ..verbs import item_log
from . import log_words, words

GROUPS = ("", "views", "prints", "downloads", "refused", "steps", "loans", "checks", "rights")


def asked() -> item_log.Filter:
    """The filter of the address; what is no filter is none."""
    before, what = request.args.get("before", ""), request.args.get("what", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0
    return item_log.Filter(what if what in GROUPS else "", request.args.get("who", "").strip()[:64], number)


def group_words() -> list[tuple[str, str]]:
    return [
        ("", _("全部")), ("views", _("查看与阅读")), ("prints", _("打印")), ("downloads", _("下载与导出")),
        ("refused", _("被拒绝")), ("steps", _("登记与办理")), ("loans", _("借阅与传递")), ("checks", _("检查与处置")),
        ("rights", _("知悉范围与密级")),
    ]  # fmt: skip


def tab(item: Item) -> dict[str, Any]:
    """What the tab shows. Two statements: the rows, the names of their people."""
    f = asked()
    rows, following = item_log.page(db.session(), item.id, f)
    given = {"what": f.what or None, "who": f.actor or None}
    return {
        "rows": rows,
        "people": people_of(rows),
        "chosen": f,
        "groups": group_words(),
        "audit_words": words.of_audit,
        "log_words": log_words,
        "given": given,
        "following": url_for("items.show", number=item.number, tab="log", before=following, **given) + "#more"
        if following
        else "",
    }


def people_of(rows: Iterable[item_log.Line]) -> dict[str, str]:
    """The names behind the logins of the rows. One statement."""
    logins = sorted({r.actor for r in rows})
    return dict(db.session.execute(select(Person.login, Person.name).where(Person.login.in_(logins))).all())
