"""文件传递单, the paper of it: draw up -> submit -> approve (seeds L48-50; FEATURES rows 73, 75). What goes on from hand to hand is in
`slip_hops`. Without purpose, scope and cycle nothing starts; whoever drew it up does not approve it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from vault.levels import Level

from ..errors import Conflict, Invalid
from ..models import Copy, Item, Slip, SlipScope, Unit
from ..models import Person as PersonRow
from ..policy import Permission
from ..work import Work
from . import copies, items, numbers, slip_base, whereabouts
from .slip_base import LIVE, Held, overdue

__all__ = ["Facts", "approve", "draft", "edit", "overdue", "reject", "submit", "withdraw"]


@dataclass(frozen=True)
class Facts:
    """What is written on a slip before it starts: for what, who may have it, from when to when, whether from reader to reader."""

    purpose: str = ""
    persons: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    starts: date | None = None
    ends: date | None = None
    direct: bool = False


def draft(w: Work, item_id: int, facts: Facts, *, copy: int | None = None) -> Slip:
    """A new slip for the copy of this number, or the first that stands in its place. Raises Denied, Conflict (out, or on another
    open slip), or Invalid with every wrong field; what is missing is asked for when it is submitted."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.SLIP_DRAFT, s)
    _demand_right(_wrong(w, s.item, facts))
    chosen = _free(w, s.item, copy)
    slip = Slip(
        number=numbers.slip(w, w.session.get_one(Unit, s.item.unit_id)),
        item_id=item_id,
        copy_id=chosen.id,
        purpose="",
        created=w.now,
        created_by=w.actor.id,
    )
    w.session.add(slip)
    _write(w, slip, facts)
    w.record("slip.draft", s.item, detail={"slip": slip.number, "copy": chosen.number})
    return slip


def _free(w: Work, item: Item, number: int | None) -> Copy:
    """A copy in its place on which no slip is open."""
    taken = select(Slip.copy_id).where(Slip.item_id == item.id, Slip.state.in_(LIVE))
    if number is None:
        first = select(Copy.number).where(
            Copy.item_id == item.id, Copy.state == "held", Copy.id.not_in(taken)
        )
        number = w.session.scalar(first.order_by(Copy.number).limit(1))
    chosen = copies.free(w, item, number)
    if w.session.scalar(taken.where(Slip.copy_id == chosen.id)) is not None:
        raise Conflict(_("第 %(n)s 份已有未办结的传递单", n=chosen.number), item=item.id)
    return chosen


def edit(w: Work, number: str, facts: Facts) -> Slip:
    """Whoever drew it up changes it, until it is submitted."""
    held = slip_base.locked(w, number, Permission.SLIP_EDIT, "draft")
    _demand_right(_wrong(w, held.item, facts))
    _write(w, held.slip, facts)
    w.record("slip.edit", held.item, detail={"slip": number})
    return held.slip


def _write(w: Work, slip: Slip, facts: Facts) -> None:
    slip.purpose, slip.direct = facts.purpose.strip(), facts.direct
    slip.starts, slip.ends = facts.starts, facts.ends
    w.session.flush()
    wanted = dict.fromkeys([(None, u) for u in facts.units] + [(p, None) for p in facts.persons])
    for row in slip_base.scope_of(w.session, slip.id):
        if (row.person_id, row.unit_id) in wanted:
            del wanted[row.person_id, row.unit_id]
        else:
            row.dropped = w.now
    w.session.add_all(SlipScope(slip_id=slip.id, person_id=p, unit_id=u) for p, u in wanted)
    w.session.flush()


def facts_of(held: Held) -> Facts:
    slip = held.slip
    persons = tuple(r.person_id for r in held.scope if r.person_id is not None)
    units = tuple(r.unit_id for r in held.scope if r.unit_id is not None)
    return Facts(slip.purpose, persons, units, slip.starts, slip.ends, slip.direct)


def submit(w: Work, number: str) -> Slip:
    """Purpose, scope and cycle are there: it waits for the approval, and is no longer changed."""
    held = slip_base.locked(w, number, Permission.SLIP_EDIT, "draft")
    facts = facts_of(held)
    _demand_right(_missing(facts) | _wrong(w, held.item, facts))
    _in_place(w, held)
    held.slip.state = "pending"
    detail = {"slip": number, "purpose": facts.purpose, "starts": facts.starts, "ends": facts.ends}
    w.record("slip.submit", held.item, detail=detail)
    return held.slip


def _in_place(w: Work, held: Held) -> Copy:
    """The copy of the slip, locked, in its place. Raises Conflict where it (or the whole file) is not to be had."""
    copy = copies.lock(w, held.slip.copy_id)
    kind = w.house.kinds[held.item.kind]
    if held.item.state == "disposal" or kind.state(held.item.state).final:
        raise Conflict(_("待处置或已处置的文件不能传递"), item=held.item.id)
    if copy.state != "held":
        raise Conflict(_("第 %(n)s 份目前不在库", n=copy.number), item=held.item.id)
    return copy


def approve(w: Work, number: str) -> Slip:
    """A second person lets it start: the copy is set aside for it, everybody of the scope may know of the file from now on."""
    held = slip_base.locked(w, number, Permission.SLIP_DECIDE, "pending")
    slip = held.slip
    facts = facts_of(held)
    if errors := _missing(facts) | _wrong(w, held.item, facts, decided=True):
        raise Conflict(next(iter(errors.values())), item=held.item.id)
    copy = _in_place(w, held)
    copies.turn(w, copy, "circulating")
    slip.state, slip.decided, slip.decided_by = "moving", w.now, w.actor.id
    slip_base.let_in(w, held)
    whereabouts.settle(w, held.item, "lend")
    w.record("slip.approve", held.item, detail={"slip": number, "copy": copy.number, "ends": slip.ends})
    return slip


def reject(w: Work, number: str, reason: str) -> Slip:
    """A second person says no, with a reason."""
    held = slip_base.locked(w, number, Permission.SLIP_DECIDE, "pending")
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    slip = held.slip
    slip.state, slip.decided, slip.decided_by = "rejected", w.now, w.actor.id
    slip.said = reason.strip()[:300]
    w.record("slip.reject", held.item, detail={"slip": number, "reason": slip.said})
    return slip


def withdraw(w: Work, number: str) -> Slip:
    """Taken back by whoever drew it up or by the custodian, as long as the copy has not left the custodian's hands."""
    held = slip_base.locked(w, number, Permission.SLIP_WITHDRAW, "draft", "pending", "moving")
    slip = held.slip
    if any(h.taken for h in held.hops):
        raise Conflict(_("文件已传出，须归还并检查后关闭，不能撤回"), item=held.item.id)
    if slip.state == "moving":
        if (waits := held.offer) is not None:
            waits.refused = w.now
        copies.turn(w, copies.lock(w, slip.copy_id), "held")
        slip_base.shut_out(w, held)
        whereabouts.settle(w, held.item, "return")
    slip.state = "withdrawn"
    w.record("slip.withdraw", held.item, detail={"slip": number})
    return slip


# -- what must be on it ---------------------------------------------------------------------------------------------
def _demand_right(errors: dict[str, Any]) -> None:
    if errors:
        raise Invalid(errors)


def _missing(facts: Facts) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    if not facts.purpose.strip():
        errors["purpose"] = _("请填写传递目的")
    if not facts.persons and not facts.units:
        errors["scope"] = _("请选择传递范围：至少一名人员或一个单位")
    if facts.starts is None or facts.ends is None:
        errors["ends"] = _("请填写传递周期的起止日期")
    return errors


def _wrong(w: Work, item: Item, facts: Facts, *, decided: bool = False) -> dict[str, Any]:
    """What is written and cannot stand. `decided`: a cycle may have begun while it waited for the approval."""
    errors: dict[str, Any] = {}
    if len(facts.purpose.strip()) > 500:
        errors["purpose"] = _("不能超过 %(n)s 个字", n=500)
    if why := _wrong_cycle(w, item, facts, decided):
        errors["ends"] = why
    if why := _wrong_scope(w, item, facts):
        errors["scope"] = why
    return errors


def _wrong_cycle(w: Work, item: Item, facts: Facts, decided: bool) -> Any:
    level = Level(item.level)
    most = slip_base.longest(w.house, level.slug)
    starts, ends = facts.starts, facts.ends
    if starts is not None and ends is not None and ends < starts:
        return _("结束日期不能早于开始日期")
    if (ends is not None and ends < w.today) or (starts is not None and starts < w.today and not decided):
        return _("传递周期不能在过去")
    if starts is not None and starts > w.today + timedelta(days=most):
        return _("开始日期过远")
    if starts is not None and ends is not None and (ends - starts).days > most:
        return _("“%(level)s”文件的传递周期不得超过 %(n)s 天", level=level.label, n=most)
    return ""


def _wrong_scope(w: Work, item: Item, facts: Facts) -> Any:
    """One answer for whoever is unknown, has left, or is not cleared."""
    persons, units = set(facts.persons), set(facts.units)
    cleared = select(func.count()).where(
        PersonRow.id.in_(persons), PersonRow.active, PersonRow.clearance >= item.level
    )
    if persons and w.session.scalar(cleared) != len(persons):
        return _("范围中有人不存在、已停用，或可接触密级不足")
    living = select(func.count()).where(Unit.id.in_(units), Unit.active)
    if units and w.session.scalar(living) != len(units):
        return _("请从列表中选择")
    return ""
