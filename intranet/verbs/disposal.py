"""处置清单: files are ended together, by several persons (REQUIREMENTS A3 End of life; seeds L47; FEATURES row 69).

A custodian proposes, a lead or leader who is neither the proposer nor handles a file of it approves; then two others destroy
(`destruction`), or the archives receive (`handover`). Whoever may not know of each file of a list does not know of the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from ..errors import Conflict, Denied, Invalid, Missing
from ..kinds.base import Kind
from ..models import Copy, DisposalList, DisposalRow, Inspection, Item, Slip, Unit
from ..policy import Permission, Standing
from ..work import Work
from . import copies, disposals, items
from .numbers import in_series

NUMBER = "CZ-{unit}-{year}-{seq:04}"
WAYS = {"destroy": "propose_destroy", "transfer": "propose_transfer"}
OPEN_SLIPS = ("draft", "pending", "moving", "returned")
MOST = 200  # files of one list: as many as two people can look through before they sign


# -- proposing -----------------------------------------------------------------------------------------------------
def propose(
    w: Work, way: str, item_ids: Iterable[int], reason: str, *, version: int | None = None
) -> DisposalList:
    """A new list. Raises Denied (no custodian of one of them, or it is on hold), Invalid (no way, reason or file), Conflict (one
    is not in with all its copies, or on another list). `version`: of a list of one file, the save that the proposer has seen."""
    chosen = sorted(set(item_ids))
    standings = [items.lock(w, item_id) for item_id in chosen]
    for s in standings:
        w.house.policy.demand(w.actor, Permission.DISPOSAL_PROPOSE, s)
    errors: dict[str, Any] = {}
    if way not in WAYS:
        errors["way"] = _("请从列表中选择")
    if not 0 < len(chosen) <= MOST:
        errors["items"] = _("不能超过 %(n)s 件", n=MOST) if chosen else _("请至少选择一件")
    if not reason.strip() or len(reason.strip()) > 500:
        errors["reason"] = _("不能超过 %(n)s 个字", n=500) if reason.strip() else _("请说明理由")
    if errors:
        raise Invalid(errors)
    units = {s.item.unit_id for s in standings}
    unit = w.session.get_one(Unit, units.pop() if len(units) == 1 else w.actor.unit_id)
    found = DisposalList(
        number=in_series(w, "disposal", NUMBER, unit),
        way=way,
        reason=reason.strip(),
        unit_id=unit.id,
        level=max(s.item.level for s in standings),
        proposed=w.now,
        proposed_by=w.actor.id or 0,
    )
    w.session.add(found)
    w.session.flush()
    for s in standings:
        move(w, s, WAYS[way], Permission.DISPOSAL_PROPOSE, reason=found.reason, version=version)
        all_in(w, s.item)
        w.session.add(DisposalRow(list_id=found.id, item_id=s.item.id))
    record(w, "disposal.propose", found, standings, reason=found.reason)
    return found


def withdraw(w: Work, list_id: int, reason: str) -> DisposalList:
    """The proposer takes the list back before it is decided. A hold does not hinder: nothing is ended by it."""
    found, standings = lock(w, list_id, "proposed")
    if found.proposed_by != w.actor.id:
        raise Denied(
            _("只有提请人可以撤回"), permission=Permission.DISPOSAL_PROPOSE.value, thing=standings[0]
        )
    _close(w, found, standings, "withdrawn", reason)
    return found


# -- deciding ------------------------------------------------------------------------------------------------------
def approve(w: Work, list_id: int, said: str = "", *, seen: str | None = None) -> DisposalList:
    """A lead or leader of each file's unit, not the proposer, handling none of them. Raises Denied, Conflict. `seen`: what the
    page showed (`disposals.seal`)."""
    found, standings = lock(w, list_id, "proposed", seen=seen)
    for s in standings:
        w.house.policy.demand(w.actor, Permission.DISPOSAL_DECIDE, s)
        all_in(w, s.item)
    found.state, found.decided, found.decided_by, found.said = (
        "approved",
        w.now,
        w.actor.id,
        said.strip()[:500],
    )
    record(w, "disposal.approve", found, standings, reason=found.said)
    return found


def reject(w: Work, list_id: int, reason: str) -> DisposalList:
    """The whole list is turned down, also one that was approved before: each file is kept. With a reason."""
    found, standings = lock(w, list_id, "proposed", "approved")
    for s in standings:
        w.house.policy.demand(w.actor, Permission.DISPOSAL_KEEP, s)
    _close(w, found, standings, "rejected", reason)
    return found


def keep(w: Work, list_id: int, item_id: int, reason: str) -> DisposalList:
    """One file is taken off and stays (不予处置). What was signed before was another list: the signature falls, and so does the
    package. With its last file the list is rejected."""
    found, standings = lock(w, list_id, "proposed", "approved")
    chosen = next((s for s in standings if s.item.id == item_id), None)
    if chosen is None:
        raise Missing
    w.house.policy.demand(w.actor, Permission.DISPOSAL_KEEP, chosen)
    if len(standings) == 1:
        _close(w, found, standings, "rejected", reason)
        return found
    _keep(w, found, [chosen], _reason(reason))
    found.first_signed = found.first_by = None
    found.package = ""
    record(w, "disposal.keep", found, [chosen], reason=reason.strip())
    return found


def _close(w: Work, found: DisposalList, standings: list[Standing], state: str, reason: str) -> None:
    reason = _reason(reason)
    _keep(w, found, standings, reason)
    found.state, found.decided, found.decided_by, found.said = state, w.now, w.actor.id, reason
    record(w, f"disposal.{'reject' if state == 'rejected' else 'withdraw'}", found, standings, reason=reason)


def _reason(text: str) -> str:
    if not text.strip() or len(text.strip()) > 500:
        raise Invalid({"reason": _("不能超过 %(n)s 个字", n=500) if text.strip() else _("请说明理由")})
    return text.strip()


def _keep(w: Work, found: DisposalList, standings: list[Standing], reason: str) -> None:
    for s in standings:
        # Said by policy or by being the proposer already: staying is no end, so that not even a hold stops it.
        move(w, s, "keep", Permission.ITEM_VIEW, reason=reason)
        row = w.session.get_one(DisposalRow, (found.id, s.item.id))
        row.dropped = w.now


# -- what the parts of the machine share -------------------------------------------------------------------------------
def lock(
    w: Work, list_id: int, *states: str, way: str = "", seen: str | None = None
) -> tuple[DisposalList, list[Standing]]:
    """The list in one of these states, locked with its files; each standing says who proposed, approved and signed already.
    Raises Missing where not each file may be known, Conflict where it is elsewhere by now or no longer what was `seen`."""
    found = w.session.get(DisposalList, list_id, with_for_update=True, populate_existing=True)
    if found is None or not disposals.known(w.session, w.house, w.actor, list_id, w.now):
        raise Missing
    if found.state not in states or (way and found.way != way):
        raise Conflict(_("这份清单已办理过此步骤，或不在此环节"))
    rows = select(DisposalRow.item_id).where(DisposalRow.list_id == list_id, DisposalRow.dropped.is_(None))
    standings = [
        replace(
            items.lock(w, item_id),
            asker=found.proposed_by,
            approver=found.decided_by,
            signer=found.first_by,
            leaving=found.way == "transfer" and found.state == "approved",
        )
        for item_id in sorted(w.session.scalars(rows))
    ]
    if seen is not None and seen != disposals.seal(found, [s.item for s in standings]):
        raise Conflict(_("清单在您查看期间有变动，请重新查看后再签字"))
    return found, standings


def move(
    w: Work,
    s: Standing,
    name: str,
    permission: Permission,
    *,
    reason: str,
    version: int | None = None,
    **asked: str,
) -> Item:
    """One declared step of one file, for a list."""
    kind = w.house.kinds[s.item.kind]
    step = kind.move(name)
    if step is None:
        raise Missing
    return items.apply(w, s, kind, step, asked, reason=reason, version=version, permission=permission)


def all_in(w: Work, item: Item) -> None:
    """Raises Conflict unless every copy is in its place and none is about to go round. A lost one hinders until the incident that
    it opened is closed."""
    open_slip = select(Slip.number).where(Slip.item_id == item.id, Slip.state.in_(OPEN_SLIPS))
    if (slip := w.session.scalar(open_slip.limit(1))) is not None:
        raise Conflict(_("%(number)s 有未办结的文件传递单 %(slip)s", number=item.number, slip=slip))
    for copy in copies.of_item(w.session, item.id):
        if copy.state in copies.OUT:
            raise Conflict(
                _("%(number)s 第 %(n)s 份不在库，收回核验后方可处置", number=item.number, n=copy.number)
            )
        if copy.state == "missing" and not _settled(w, copy):
            raise Conflict(
                _("%(number)s 第 %(n)s 份下落不明，事件办结后方可处置", number=item.number, n=copy.number)
            )


def _settled(w: Work, copy: Copy) -> bool:
    opened = select(Inspection.incident_id).where(
        Inspection.copy_id == copy.id, Inspection.incident_id.is_not(None)
    )
    incident = w.session.scalar(opened.order_by(Inspection.id.desc()).limit(1))
    item = w.session.get(Item, incident) if incident is not None else None
    return item is not None and w.house.kinds[item.kind].state(item.state).final


def record(w: Work, action: str, found: DisposalList, standings: Iterable[Standing], **detail: Any) -> None:
    """One audit row for each file, so that its own log tells what the list did."""
    for s in standings:
        w.record(action, s.item, detail={"list": found.number, "way": found.way} | detail)


# -- from the page of one file -----------------------------------------------------------------------------------------
def _one(way: str) -> Any:
    def step(w: Work, item_id: int, _raw: Mapping[str, Any], *, version: int | None, reason: str) -> None:
        propose(w, way, [item_id], reason, version=version)

    return step


def _keep_one(w: Work, item_id: int, _raw: Mapping[str, Any], *, version: int | None, reason: str) -> None:
    row = select(DisposalRow.list_id).where(DisposalRow.item_id == item_id, DisposalRow.dropped.is_(None))
    keep(w, w.session.scalar(row) or 0, item_id, reason)


#: Steps that a declaration marks with `code`, offered on the page of a file: a list of one.
STEPS = {"propose_destroy": _one("destroy"), "propose_transfer": _one("transfer"), "keep": _keep_one}


def step_of(kind: Kind, name: str) -> Any:
    """The verb of such a step, None where there is none."""
    return STEPS.get(name) if kind.loans else None
