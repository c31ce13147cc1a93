"""定密: what is kept changes its level only by two persons, one who proposes and one who approves; other ledgers in one step
(REQUIREMENTS A3; FEATURES rows 52, 54, 68)."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from vault.levels import Level

from ..errors import Conflict, Denied, Invalid
from ..models import Approval, Item
from ..policy import Permission, Standing
from ..work import Work
from . import items, leveling, seconded

WHAT = "level"


def relevel(w: Work, item_id: int, level: Level, *, reason: str, version: int | None = None) -> Item:
    """Change the level in one step, with a reason; lowering it needs somebody other than the owner. Denied for what is kept, which
    `propose` is for."""
    s = items.lock(w, item_id)
    item, kind = s.item, w.house.kinds[s.item.kind]
    w.house.policy.demand(w.actor, Permission.ITEM_LEVEL, s)
    if kind.dual:
        raise Denied(_("密级须由一人提请、另一人审批"), permission=Permission.ITEM_LEVEL.value, thing=s)
    items.current(item, version)
    if level < item.level and item.owner_id == w.actor.id:
        raise Denied(_("降低密级须由经办人以外的人员办理"), permission=Permission.ITEM_LEVEL.value, thing=s)
    errors = items.marks(w, kind, item.title, item.unit_id, level, None)
    errors |= {} if reason.strip() else {"reason": _("请说明理由")}
    leveling.at_rest(w, item, kind)
    if errors:
        raise Invalid(errors)
    leveling.change(w, item, kind, level, reason)
    return item


def propose(w: Work, item_id: int, level: Level, *, reason: str, version: int | None = None) -> Approval:
    """Ask for another level. Nothing changes until somebody else approves.

    Raises Denied, Conflict (out, disposed of, another proposal waits, saved by somebody else), Invalid (no reason, above one's own
    clearance, a rule of the level)."""
    s = items.lock(w, item_id)
    item, kind = s.item, w.house.kinds[s.item.kind]
    w.house.policy.demand(w.actor, Permission.ITEM_LEVEL, s)
    items.current(item, version)
    leveling.at_rest(w, item, kind)
    errors = {} if reason.strip() else {"reason": _("请说明理由")}
    if level == item.level:
        errors["level"] = _("密级没有变化")
    elif level > w.actor.clearance:
        errors["level"] = _("不能高于您本人的可接触密级")
    elif why := leveling.against(w, item, kind, level):
        errors["level"] = why
    if errors:
        raise Invalid(errors)
    payload = {"from": Level(item.level).slug, "to": level.slug}
    return seconded.ask(w, s, WHAT, why=reason, payload=payload)


def decide(w: Work, approval_id: int, approve: bool, said: str = "") -> Approval:
    """Approve or refuse what somebody else proposed; approving changes the level, and everything is asked anew.

    Raises Denied (one's own, not in charge, not cleared for the new level), Conflict, Invalid."""
    approval, s = seconded.locked(w, approval_id, WHAT)
    w.house.policy.demand(w.actor, Permission.APPROVAL_DECIDE, s)
    level = Level.parse(approval.payload["to"])
    if level > w.actor.clearance:
        why = _("不能高于您本人的可接触密级")
        raise Denied(why, permission=Permission.APPROVAL_DECIDE.value, thing=s)
    if approve:
        _carry_out(w, approval, s, level)
    seconded.close(w, approval, s, approve, said)
    return approval


def _carry_out(w: Work, approval: Approval, s: Standing, level: Level) -> None:
    item, kind = s.item, w.house.kinds[s.item.kind]
    if s.hold:  # since it was proposed
        raise Conflict(_("此文件已冻结，解除前不得更改或处置"), item=item.id)
    seconded.asker_stands(w, approval, max(item.level, level))
    leveling.at_rest(w, item, kind)
    leveling.change(w, item, kind, level, approval.why)


def confirm(w: Work, item_id: int, following: date | None, *, version: int | None = None) -> Item:
    """复核：密级不变: the custodian looked at the level and leaves it as it is; asks when to look again (FEATURES row 68).

    Raises Denied, Conflict, Invalid (no later day)."""
    s = items.lock(w, item_id)
    item, kind = s.item, w.house.kinds[s.item.kind]
    w.house.policy.demand(w.actor, Permission.LEVEL_REVIEW, s)
    items.current(item, version)
    if following is None or following <= w.today:
        raise Invalid({"review": _("下次复核日期应在今天之后")})
    item.data = dict(item.data) | {"review": following.isoformat()}
    items.saved(w, kind, item, "review", _("密级不变，下次复核 %(day)s", day=following.isoformat()))
    return item
