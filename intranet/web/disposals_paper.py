"""A disposal list on paper: the list to be signed by hand, the certificate of a destruction. That it was printed is recorded."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from .. import work
from ..errors import Missing
from ..extensions import db
from ..house import house
from ..models import DisposalList
from ..verbs import disposals, header_copies
from . import page, signin
from .disposals import WORDS, seen
from .items_read import in_full, qr
from .names import names

bp = Blueprint("disposals_paper", __name__, url_prefix="/disposals")


@bp.get("/<list_number>/print")
def sheet(list_number: str) -> Response:
    """The list with its signature boxes, filled as far as it has come."""
    return _paper(seen(list_number), "disposal.html", "disposal.print")


@bp.get("/<list_number>/certificate")
def certificate(list_number: str) -> Response:
    """One certificate for the whole list; there is none for what was not destroyed."""
    found = seen(list_number)
    if found.way != "destroy" or found.state != "done":
        raise Missing
    return _paper(found, "disposal_certificate.html", "disposal.certificate")


def _paper(found: DisposalList, template: str, action: str) -> Response:
    home, actor = house(), signin.actor()
    list_id, number = found.id, found.number
    with work.begin(home, actor) as w:
        w.record(action, detail={"list": number}, level=found.level)
    found = seen(number)
    rows = [r for r in disposals.rows(db.session(), home, actor, list_id, home.clock()) if r.dropped is None]
    names().load(persons=[found.proposed_by, found.decided_by, found.first_by, found.second_by])
    path = url_for("disposals.show", list_number=number)
    return page.render(
        f"print/{template}",
        item=found,
        rows=rows,
        bodies=disposals.bodies(db.session(), list_id),
        back=path,
        qr=qr(path),
        address=f"{home.settings.base_url.rstrip('/')}/disposals/{number}",
        moment_now=home.clock(),
        headers_gone=header_copies.gone_by(home, found.done) if found.done else None,
        in_full=in_full,
        **WORDS,
    )
