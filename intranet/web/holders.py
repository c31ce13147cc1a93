"""`/desk/holders`: where is every copy now, since when, with whom. For the custodian, within the own units and clearance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, stream_with_context, url_for
from flask_babel import gettext as _

from vault.levels import Level

from .. import work
from ..extensions import db
from ..house import house
from ..policy import Permission
from ..verbs import holders
from ..verbs.holders import Sought, Where
from . import choosers, export, files, items_read, page, present, signin, xlsx
from .loans import positive
from .names import names

bp = Blueprint("holders", __name__, url_prefix="/desk/holders")
PRINTED = 2000  # rows on paper; more is asked for by a narrower question


def sought() -> Sought:
    """What the address asks for; what makes no sense in it is left out."""
    args = request.args
    slugs = {level.slug: int(level) for level in Level}
    return Sought(
        text=args.get("q", "").strip()[:100],
        out=bool(args.get("out")),
        late=bool(args.get("late")),
        place=positive(args.get("place")),
        unit=positive(args.get("unit")),
        level=slugs.get(args.get("level", "")),
        after=args.get("after", "")[:120],
    )


def params(f: Sought, **changes: str) -> dict[str, str]:
    """The address of a question again, without what is empty."""
    found = {
        "q": f.text,
        "out": "1" if f.out else "",
        "late": "1" if f.late else "",
        "place": str(f.place or ""),
        "unit": str(f.unit or ""),
        "level": Level(f.level).slug if f.level is not None else "",
    }
    return {k: v for k, v in (found | changes).items() if v}


def _demand() -> None:
    house().policy.demand(signin.actor(), Permission.HOLDERS_VIEW)


@bp.get("")
def index() -> Response:
    """A page of the list; asked by htmx, only its rows. One statement, and the words of units, places and choosers."""
    _demand()
    home, actor, f = house(), signin.actor(), sought()
    rows, following = holders.page(db.session(), home, actor, f, home.clock())
    return page.render(
        "holders/index.html",
        "holders/_rows.html",
        rows=rows,
        f=f,
        next=f"{url_for('.index')}?{urlencode(params(f, after=following))}" if following else "",
        tabs=[
            (
                title,
                f"{url_for('.index')}?{urlencode(params(f, out=out, late=late))}",
                (f.out, f.late) == here,
            )
            for title, out, late, here in (
                (_("全部"), "", "", (False, False)),
                (_("不在原处"), "1", "", (True, False)),
                (_("已逾期"), "", "1", (False, True)),
            )
        ],
        get=lambda path, **more: f"{url_for(path)}?{urlencode(params(f, **more))}",
        hidden=[(k, v) for k, v in params(f).items() if k in ("out", "late")],
        units=choosers.units(),
        places=names().places(),
        levels=[(level.slug, present.level_of(level).label) for level in Level if level <= actor.clearance],
        today=home.clock().astimezone(home.zone).date(),
    )


@bp.get("/export")
def download() -> Response:
    """`?as=csv|xlsx` and the list's own filters: exactly what the list shows, recorded before the first row."""
    _demand()
    home, actor, f = house(), signin.actor(), sought()
    form = request.args.get("as", "xlsx")
    form = form if form in export.FORMS else "xlsx"
    now = _recorded("holders.export", f, form=form)
    head = [str(title) for title, _width in _columns()]
    rows = table(holders.every(db.session(), home, actor, f, now))
    title = _("文件去向")
    name = f"{title}-{now.astimezone(home.zone):%Y%m%d-%H%M}.{form}"
    if form == "csv":
        body = export.as_csv(head, rows)
    else:
        body = xlsx.write(title, head, rows, [width for _title, width in _columns()])
    response = Response(stream_with_context(body), content_type=export.FORMS[form])
    response.headers["Content-Disposition"] = files.disposition("attachment", name)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/print")
def on_paper() -> Response:
    """The list on paper, recorded."""
    _demand()
    home, actor, f = house(), signin.actor(), sought()
    now = _recorded("holders.print", f)
    rows = []
    for row in holders.every(db.session(), home, actor, f, now):
        if len(rows) == PRINTED:
            break
        rows.append(row)
    return page.render(
        "print/holders.html",
        rows=rows,
        f=f,
        most=PRINTED,
        level=max((r.item.level for r in rows), default=0),
        back=f"{url_for('.index')}?{urlencode(params(f))}",
        moment_now=now,
        today=now.astimezone(home.zone).date(),
        in_full=items_read.in_full,
        held_by=held_by,
        state_words=state_words(),
    )


def _recorded(action: str, f: Sought, **detail: Any) -> Any:
    """Who takes the list out of the house, and which; the moment of it."""
    with work.begin(house(), signin.actor()) as w:
        count = holders.count(w.session, w.house, w.actor, f, w.now)
        w.record(action, detail={"count": count, "filter": params(f), **detail}, level=int(w.actor.clearance))
        return w.now


def state_words() -> dict[str, tuple[str, str]]:
    """Words and tone of the states of a copy."""
    return {
        "held": (_("在库"), "good"),
        "lent": (_("借出中"), "soon"),
        "circulating": (_("流转中"), "soon"),
        "returned": (_("待核验"), "waiting"),
        "missing": (_("下落不明"), "late"),
    }


def held_by(row: Where) -> str:
    """Where a copy is, in words: with whom, or in which place."""
    if row.copy.state == "missing":
        return _("下落不明，原在 %(place)s", place=names().place(row.copy.place_id))
    if row.copy.state == "returned":
        return _("%(who)s已交回，待核验", who=row.holder) if row.holder else _("已交回，待核验")
    return row.holder or names().place(row.copy.place_id)


def by_what(row: Where) -> str:
    """By which paper it is out."""
    if row.slip is not None:
        return row.slip.number
    return _("借阅 %(n)s", n=row.loan.id) if row.loan is not None else ""


def _columns() -> list[tuple[Any, int]]:
    return [
        (_("编号"), 20), (_("份号"), 8), (_("题名"), 48), (_("密级"), 8), (_("单位"), 16), (_("状态"), 10), (_("现在何处"), 24),
        (_("自何时起"), 12), (_("应还"), 12), (_("凭据"), 20),
    ]  # fmt: skip


def table(found: Iterable[Where]) -> Iterator[Sequence[xlsx.Cell]]:
    """The rows of the export. Units and places are looked up once, whole."""
    zone, words = house().zone, state_words()
    for row in found:
        cells: list[xlsx.Cell] = [
            row.item.number,
            row.copy.number,
            row.item.title,
            present.level_of(row.item.level).label,
            names().unit(row.item.unit_id),
            words.get(row.copy.state, (row.copy.state, ""))[0],
            held_by(row),
            row.copy.since.astimezone(zone).date(),
            row.due or "",
            by_what(row),
        ]
        yield [export.guarded(v) for v in cells]
