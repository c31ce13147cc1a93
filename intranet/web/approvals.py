"""`/approvals/`: a second person's word: given, withheld, or taken back by who asked. What it is about is in `verbs.approvals`."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid
from ..extensions import db
from ..house import house
from ..models import Approval
from ..verbs import approvals, reading
from . import signin
from .items_kept import back, refused

bp = Blueprint("approvals", __name__, url_prefix="/approvals")


@bp.post("/<int:approval_id>/<any(approve, refuse, withdraw):what>")
def decide(approval_id: int, what: str) -> Response:
    """One that the actor may not know of and one that does not exist are the same answer."""
    home, actor = house(), signin.actor()
    row = db.session.get(Approval, approval_id)
    s = reading.by_id(db.session(), home, actor, row.item_id if row else 0, home.clock())
    number = s.item.number
    try:
        with work.begin(home, actor) as w:
            if what == "withdraw":
                approvals.withdraw(w, approval_id)
            else:
                approvals.decide(w, approval_id, what == "approve", request.form.get("said", ""))
    except (Invalid, Conflict) as error:
        return refused(number, "", error)
    said = {"approve": _("已批准"), "refuse": _("已退回，未作更改"), "withdraw": _("已撤回")}
    return back(s, said[what])
