"""My desk: what waits for me, by kind of action, the least time left first."""

from __future__ import annotations

from flask import Blueprint, Response, g

from ..extensions import db
from ..house import house
from ..policy import Permission
from ..verbs import desk as questions
from ..verbs import figures
from . import page, signin

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
    return page.render("desk/desk.html", desk=found, figures=shown)
