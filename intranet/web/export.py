"""Export of a list: exactly the rows the list shows this person, as CSV or XLSX, streamed, and recorded before the first row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from flask import Response, request, stream_with_context
from flask_babel import gettext as _

from .. import work
from ..extensions import db
from ..house import House, house
from ..kinds.base import Field, Files, Kind
from ..models import Item
from ..verbs import reading
from . import files, items_list, present, signin, xlsx
from .items_read import kind_of
from .names import names

FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # the wide ones too, as Chinese Excel reads them
FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": xlsx.MIME}


def export(kind: str) -> Response:
    """`?as=csv|xlsx` and the list's own filters; `item=` (several): only these of them."""
    home, actor, declared = house(), signin.actor(), kind_of(kind)
    form = request.args.get("as", "xlsx")
    form = form if form in FORMS else "xlsx"
    f = items_list.filter_of(declared, request.args)
    f = items_list.only(f, after="", before="", numbers=request.args.getlist("item")[:500])
    with work.begin(home, actor) as w:
        count = reading.count(w.session, home, actor, declared, f, w.now)
        w.record(
            "list.export",
            detail={
                "kind": declared.name,
                "count": count,
                "form": form,
                "filter": items_list.params(declared, f),
                "chosen": len(f.numbers),
            },
            level=int(actor.clearance) if f.text else None,  # words may name what only they know of
        )
        now = w.now
    head = [str(title) for title, _width in _columns(declared)]
    found = reading.every(db.session(), home, actor, declared, f, now)
    rows = table(home, declared, found)
    name = f"{declared.title}-{now.astimezone(home.zone):%Y%m%d-%H%M}.{form}"
    if form == "csv":
        body = as_csv(head, rows)
    else:
        body = xlsx.write(str(declared.title), head, rows, [width for _title, width in _columns(declared)])
    response = Response(stream_with_context(body), content_type=FORMS[form])
    response.headers["Content-Disposition"] = files.disposition("attachment", name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _fields(kind: Kind) -> list[Field]:
    return [f for f in kind.fields if not isinstance(f, Files)]


def _columns(kind: Kind) -> list[tuple[Any, int]]:
    """(title, width in characters) of every column."""
    own: list[tuple[Any, int]] = [
        (_("编号"), 20),
        (kind.title_label, 48),
        (_("状态"), 10),
        (_("密级"), 8),
        (_("单位"), 16),
        (_("经办人"), 10),
        (_("登记日期"), 12),
        (_("更新日期"), 12),
    ]
    own += [(_("存储库"), 16)] if kind.repositories else []
    return own + [(f.title, 40 if f.widget == "textarea" else 16) for f in _fields(kind)]


def table(home: House, kind: Kind, found: Iterable[Item]) -> Iterator[Sequence[xlsx.Cell]]:
    """The rows, names looked up in batches: one statement for some hundred rows."""
    actor = signin.actor()
    fields = _fields(kind)
    people = [f.name for f in fields if f.widget == "person"]
    source = iter(found)
    while batch := list(islice(source, 500)):
        wanted: list[int | None] = [i.owner_id for i in batch]
        wanted += [i.data.get(n) for n in people for i in batch]
        names().load(persons=wanted)
        for item in batch:
            own: list[xlsx.Cell] = [
                item.number,
                item.title,
                str(kind.state(item.state).title),
                present.level_of(item.level).label,
                names().unit(item.unit_id),
                names().person(item.owner_id) if item.owner_id else "",
                item.created.astimezone(home.zone).date(),
                item.updated.astimezone(home.zone).date(),
            ]
            if kind.repositories:
                own.append(names().repository(item.repository_id) if item.repository_id else "")
            own += [_cell(item, f) if items_list.seen_field(home, actor, item, f) else "" for f in fields]
            yield [guarded(v) for v in own]


def _cell(item: Item, f: Field) -> xlsx.Cell:
    raw = item.data.get(f.name)
    if raw is None or raw == "":
        return ""
    match f.widget:
        case "number":
            return int(raw)
        case "money":
            return float(f.text(raw))
        case "date":
            return date.fromisoformat(raw[:10])
        case "datetime":
            return str(raw).replace("T", " ")
    return present.value(item, f)


def guarded(value: xlsx.Cell) -> xlsx.Cell:
    """A text that a spreadsheet would run as a formula gets a leading ' (OWASP: CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_csv(head: Sequence[str], rows: Iterable[Sequence[xlsx.Cell]]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8 with the mark that makes Excel read Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([guarded(h) for h in head])
    yield codecs.BOM_UTF8
    for n, row in enumerate(rows, 1):
        writer.writerow([v.isoformat() if isinstance(v, date) else v for v in row])
        if n % 200 == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
