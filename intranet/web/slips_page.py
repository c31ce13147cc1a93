"""What the pages of the 文件传递单 show: words of a state, the life as steps, what the reader of the page may do next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import segno
from flask_babel import lazy_gettext as _
from flask_babel import lazy_pgettext
from markupsafe import Markup

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..models import Slip
from ..policy import Permission
from ..verbs import slip_rows
from ..verbs.slip_rows import View
from .names import names

#: state -> (word, tone)
STATES: Mapping[str, tuple[Any, str]] = {
    "draft": (lazy_pgettext("slip", "草拟"), "neutral"),
    "pending": (lazy_pgettext("slip", "待批"), "waiting"),
    "moving": (lazy_pgettext("slip", "流转中"), "soon"),
    "returned": (lazy_pgettext("slip", "已归还，待检查"), "waiting"),
    "closed": (lazy_pgettext("slip", "已检查关闭"), "good"),
    "rejected": (lazy_pgettext("slip", "已退回"), "late"),
    "withdrawn": (lazy_pgettext("slip", "已撤回"), "neutral"),
    "lost": (lazy_pgettext("slip", "遗失"), "late"),
}
LINE = ("draft", "pending", "moving", "returned", "closed")
#: What a field of a form is called, for the list of errors.
LABELS: Mapping[str, Any] = {
    "copy": _("份号"), "purpose": _("传递目的"), "scope": _("传递范围"), "ends": _("传递周期"), "taker": _("接收人"),
    "result": _("检查结果"), "reason": _("理由"),
}  # fmt: skip
Reached = tuple[datetime | None, int | None]


def state_words(slip: Slip, today: date) -> tuple[Any, str]:
    """Word and tone of a slip now: one whose cycle has ended while it is out is 逾期."""
    if slip.state == "moving" and slip.ends is not None and slip.ends < today:
        return lazy_pgettext("slip", "逾期"), "late"
    return STATES[slip.state]


def life(slip: Slip) -> list[tuple[str, Any, str, Reached]]:
    """(state, word, tone, when and by whom it was reached) of the main line; the side exit as the last where it was taken."""
    reached: dict[str, Reached] = {
        "draft": (slip.created, slip.created_by),
        "moving": (slip.decided, slip.decided_by) if slip.state != "rejected" else (None, None),
        "returned": (slip.returned, slip.returned_by),
        "closed": (slip.checked, slip.checker_id),
        "rejected": (slip.decided, slip.decided_by),
    }
    shown = LINE if slip.state in LINE else (*(s for s in LINE if reached.get(s, (None,))[0]), slip.state)
    return [(s, *STATES[s], reached.get(s, (None, None))) for s in shown]


def context(home: House, actor: Actor, view: View) -> dict[str, Any]:
    """Everything the page of a slip needs; its buttons are what the policy says now."""
    slip, s, today = view.slip, view.s, home.clock().astimezone(home.zone).date()

    def may(permission: Permission) -> bool:
        return home.policy.decide(actor, permission, s).ok

    moves, waits = slip.state == "moving", view.offer
    gives = moves and may(Permission.SLIP_GIVE)
    chosen = slip_rows.takers(db.session(), actor, view, today) if gives and waits is None else []
    custodian = actor.has("custodian", s.item.unit_id)
    names().load(persons=view.persons, units=[s.item.unit_id])
    return {
        "view": view,
        "slip": slip,
        "item": s.item,
        "kind": home.kinds[s.item.kind],
        "today": today,
        "words": state_words(slip, today),
        "life": life(slip),
        "offer": waits,
        "takers": chosen,
        "custodian": custodian,
        "may": {
            "edit": slip.state == "draft" and may(Permission.SLIP_EDIT),
            "withdraw": _withdrawable(view) and may(Permission.SLIP_WITHDRAW),
            "decide": slip.state == "pending" and may(Permission.SLIP_DECIDE),
            "give": gives and waits is None,
            "recall": gives and waits is not None,
            "take": moves and may(Permission.SLIP_TAKE),
            "back": custodian and slip.holder_id is not None,
            "return": moves and waits is None and may(Permission.SLIP_RETURN),
            "recover": moves and may(Permission.SLIP_RECOVER) and not slip_rows.able(db.session(), view),
            "lost": ((moves and (slip.holder_id is not None or custodian)) or slip.state == "returned")
            and may(Permission.SLIP_LOSE),
            "check": slip.state == "returned" and may(Permission.SLIP_CHECK),
        },
        "since": next((h.taken for h in reversed(view.hops) if h.taken), slip.decided),
    }


def _withdrawable(view: View) -> bool:
    return view.slip.state in ("draft", "pending", "moving") and not any(h.taken for h in view.hops)


def qr(base: str, number: str) -> Markup:
    """The address of a slip as an inline picture: no request, no script, prints in black."""
    code = segno.make(f"{base.rstrip('/')}/slips/{number}", error="m", micro=False)
    # made by segno from an address alone, nothing of it is typed by anybody
    return Markup(code.svg_inline(scale=3, border=0, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704
