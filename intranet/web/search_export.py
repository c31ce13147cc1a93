"""The result of a search as CSV or XLSX: the columns that all ledgers have, as this person may see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context
from flask_babel import gettext as _

from ..extensions import db
from ..house import House, house
from ..verbs import exporting
from ..verbs.asking import Question
from ..verbs.exporting import MOST
from ..verbs.sight import Seen
from . import export as files_
from . import files, present, signin, xlsx
from .names import names

__all__ = ["MOST", "export"]
WIDTHS = (20, 48, 12, 10, 8, 16, 12, 12, 40)


def export(question: Question, form: str) -> Response:
    """All hits of the search, at most MOST of them, streamed; recorded before the first row."""
    home, actor = house(), signin.actor()
    harvest = exporting.begin(db.session(), home, actor, question, form)
    head = [
        _("编号"), _("标题"), _("类型"), _("状态"), _("密级"), _("单位"), _("登记日期"), _("更新日期"), _("网址"),
    ]  # fmt: skip
    rows = table(home, exporting.rows(db.session(), home, actor, harvest))
    title = str(_("检索结果"))
    name = f"{title}-{home.clock().astimezone(home.zone):%Y%m%d-%H%M}.{form}"
    body = files_.as_csv(head, rows) if form == "csv" else xlsx.write(title, head, rows, WIDTHS)
    response = Response(stream_with_context(body), content_type=files_.FORMS[form])
    response.headers["Content-Disposition"] = files.disposition("attachment", name)
    response.headers["Cache-Control"] = "no-store"
    return response


def table(home: House, found: Iterable[Seen]) -> Iterator[Sequence[xlsx.Cell]]:
    """One row for each entry; no statement of its own."""
    site = home.settings.base_url.rstrip("/")
    for item in found:
        row: list[xlsx.Cell] = [
            item.number,
            item.title,
            str(home.kinds[item.kind].title),
            str(present.state_of(item.kind, item.state).title),
            present.level_of(item.level).label,
            names().unit(item.unit_id),
            item.created.astimezone(home.zone).date(),
            item.updated.astimezone(home.zone).date(),
            f"{site}/i/{item.number}",
        ]
        yield [files_.guarded(cell) for cell in row]
