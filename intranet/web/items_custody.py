"""What the page of a kept item shows of its custody: its folder, words that are waited for, its copies, what is inside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Approval
from ..policy import Permission, Standing
from ..verbs import bundles, copying, levels, seconded
from . import words
from .names import names


@dataclass(frozen=True)
class Asked:
    """One that waits: `may`: the actor decides it; `mine`: the actor asked for it."""

    approval: Approval
    said: str
    may: bool
    mine: bool


def panel(home: House, actor: Actor, s: Standing) -> dict[str, Any]:
    """The card of the level: review, what waits for a word, the folder. Two statements."""
    session, now = db.session(), home.clock()
    decide = home.policy.decide
    found = [
        Asked(
            a,
            words.of_approval(a),
            decide(actor, Permission.APPROVAL_DECIDE, replace(s, asker=a.asked_by)).ok,
            a.asked_by == actor.id,
        )
        for a in seconded.pending(session, s.item.id, levels.WHAT, copying.WHAT)
    ]
    shown = [a for a in found if a.may or a.mine]
    names().load(persons=[a.approval.asked_by for a in shown])
    kind = home.kinds[s.item.kind]
    return {
        "asked": shown,
        "folder": bundles.around(session, home, actor, s.item.id, now) if bundles.holds(kind) else None,
        "may_put": decide(actor, Permission.BUNDLE_PUT, s).ok,
        "may_review": decide(actor, Permission.LEVEL_REVIEW, s).ok
        and any(f.name == "review" for f in kind.fields)
        and not kind.state(s.item.state).final,
        "in_a_year": (now.astimezone(home.zone).date() + timedelta(days=365)).isoformat(),
    }


def tab(home: House, actor: Actor, s: Standing, name: str) -> dict[str, Any]:
    """The tab of copies, or of what is inside a folder. One statement."""
    session, item = db.session(), s.item
    if name == "inside":
        open_ = item.state == home.kinds[item.kind].first.name
        return {
            "inside": bundles.inside(session, home, actor, item.id, home.clock()),
            "may_fill": open_ and home.policy.decide(actor, Permission.BUNDLE_PUT, s).ok,
            "fills": [
                (k, url_for("items.new", kind=k.name, folder=item.number))
                for k in home.kinds.values()
                if bundles.holds(k) and home.policy.decide(actor, Permission.ITEM_ADD, (k, item.unit_id)).ok
            ],
        }
    holders = home.policy.decide(actor, Permission.ITEM_LOG, s).ok
    lines = copying.lines(session, item.id, holders=holders)
    names().load(persons=[line.holder for line in lines])
    state = home.kinds[item.kind].state(item.state)
    may = home.policy.decide(actor, Permission.COPY_ADD, s).ok
    return {
        "lines": lines,
        "sees_holders": holders,
        "at_hand": [
            (n, _("第 %(n)s 份", n=n))
            for n in (line.copy.number for line in lines if line.copy.state == "held")
        ],
        "may_copy": may and not state.final and item.state != "disposal",
        "copy_asks": item.level >= copying.APPROVED_FROM,
    }
