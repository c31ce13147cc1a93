"""Labels: the sheet on the screen, as SVG, as PDF. What may be printed is decided by the verb, and recorded before it is shown."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Invalid
from ..house import house
from ..verbs import labelling
from ..verbs.labelling import Label
from ..work import Work
from . import label_sheet, page, present, signin
from .items_read import seen
from .label_sheet import MONO, Drawn, Words

bp = Blueprint("labels", __name__)
SHEETS = 40  # of one print


@bp.get("/places/<code>/labels")
def of_place(code: str) -> Response:
    """`what`: place (its own label), below (all places within it too), copies (the folders in it)."""
    what = request.args.get("what", "place")
    if what == "copies":
        return _answer(lambda w: labelling.of_copies_in(w, code), f"/places/{code}", code, what)
    return _answer(
        lambda w: labelling.of_places(w, code, below=what == "below"), f"/places/{code}", code, what
    )


@bp.get("/i/<number>/labels")
def of_item(number: str) -> Response:
    """The labels of a file's copies; `copy=2&copy=3`: of these only."""
    chosen = [int(n) for n in request.args.getlist("copy") if n.isascii() and n.isdigit() and len(n) < 5]
    item_id = seen(number).item.id
    return _answer(lambda w: labelling.of_item(w, item_id, chosen), f"/i/{number}", number, "")


def _answer(choose: Callable[[Work], list[Label]], back: str, title: str, what: str) -> Response:
    errors = {}
    try:
        start = labelling.first(request.args.get("start", "1"), label_sheet.PER_SHEET)
    except Invalid:
        start, errors = 1, {"start": _("起始位置应在 1 与 %(n)s 之间", n=label_sheet.PER_SHEET)}
    with work.begin(house(), signin.actor()) as w:
        labels = choose(w)[: SHEETS * label_sheet.PER_SHEET]
    pages = label_sheet.sheets([_drawn(x) for x in labels], start)
    shape = request.args.get("as", "")
    if shape == "pdf" and labels and not errors:
        return _file(
            label_sheet.pdf(pages, _("标签 %(title)s", title=title)), "application/pdf", title, "pdf"
        )
    if shape == "svg" and labels and not errors:
        n = request.args.get("sheet", "1")
        chosen = pages[min(int(n), len(pages)) - 1 if n.isascii() and n.isdigit() and 0 < len(n) < 4 and int(n) else 0]  # fmt: skip
        return _file(str(label_sheet.svg(chosen, alone=True)).encode(), "image/svg+xml", title, "svg")
    return page.render(
        "labels/sheet.html",
        status=422 if errors else 200,
        pages=[label_sheet.svg(one) for one in pages],
        count=len(labels),
        level=max((x.level for x in labels if x.level is not None), default=None),
        files={"pdf": _again("pdf", start), "svg": [_again("svg", start, n + 1) for n in range(len(pages))]},
        back=back,
        title=title,
        what=what,
        start=start,
        typed=request.args.get("start", ""),
        copies=request.args.getlist("copy"),
        per_sheet=label_sheet.PER_SHEET,
        errors=errors,
    )


def _again(shape: str, start: int, sheet: int = 1) -> str:
    """The same labels as a file."""
    given = {k: request.args.getlist(k) for k in ("what", "copy") if k in request.args}
    more = {"as": shape, "start": str(start)} | ({"sheet": str(sheet)} if sheet > 1 else {})
    return url_for(request.endpoint or "", **(request.view_args or {}), **given, **more)  # type: ignore[arg-type]


def _drawn(x: Label) -> Drawn:
    """The words of a label. The level is the office's own word in a frame, never the official mark."""
    base = house().settings.base_url.rstrip("/")
    lines = [Words(x.code, 4.2, MONO, bold=True)]
    if x.n is not None:
        lines.append(Words(_("第 %(n)s 份", n=x.n), 3.6))
    if x.level is not None:
        lines.append(Words(present.level_of(x.level).label, 3.6, box=True))
    if x.name:
        lines.append(Words(x.name, 4.0, bold=True))
    if x.place:
        lines.append(Words(x.place, 3.0, MONO))
    return Drawn(f"{base}{x.path}", lines)


def _file(body: bytes, mime: str, title: str, ending: str) -> Response:
    response = make_response(body)
    response.headers["Content-Type"] = mime
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in title)[:60]
    response.headers["Content-Disposition"] = f'inline; filename="labels-{name}.{ending}"'
    return response
