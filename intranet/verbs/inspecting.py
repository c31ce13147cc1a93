"""定期检查: what was found of a copy, and what follows from it. A missing one opens an incident in the same transaction
(REQUIREMENTS A3; seeds L44; FEATURES row 64)."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from vault.levels import Level

from ..errors import Conflict, Invalid, Missing
from ..models import Comment, Copy, Inspection, Item, Place, ShelfCheck
from ..policy import Permission, Standing
from ..work import Work
from . import copies, items, places, placing, relations, whereabouts

FOUND = ("present", "damaged", "misplaced", "missing")


def inspect(
    w: Work, item_id: int, number: int, found: str, *, seen: str = "", keep_here: bool = False, note: str = "", action: str = ""
) -> Inspection:  # fmt: skip
    """What was found of one copy that should stand in its place. `seen`: the code of the place where a misplaced one was found;
    `keep_here`: it stays there, where that place is strong enough.

    Raises Denied, Missing (no such copy), Conflict (it is out), Invalid."""
    s, copy = _copy(w, item_id, number)
    if copy.state != "held":
        raise Conflict(_("第 %(n)s 份目前不在库，不能检查", n=number), item=item_id)
    errors = {} if found in FOUND else {"found": _("请从列表中选择")}
    if found == "damaged" and not note.strip():
        errors["note"] = _("请说明损坏情况")
    if found in ("damaged", "misplaced") and not action.strip() and not keep_here:
        errors["action"] = _("请说明如何处理")
    seen_id = None
    if found == "misplaced":
        try:
            seen_id = places.by_code(w.session, seen).id
        except Missing:
            errors["seen"] = _("请从列表中选择")
        if seen_id == copy.place_id:
            errors["seen"] = _("这就是它的场所，应选“完好在位”")
    if errors:
        raise Invalid(errors)
    if found == "missing":
        return lost(w, s, copy, note=note)
    belongs = copy.place_id
    if keep_here and found == "misplaced":
        placing.put(w, item_id, seen, [number])
        action = action.strip() or _("改放此处")
    copy.inspected = w.today
    return written(w, s.item, copy, found, place_id=belongs, seen_id=seen_id, note=note, action=action)


def all_present(w: Work, item_id: int) -> int:
    """Every copy that is in was seen in its place. How many. Raises Denied, Conflict (none is in)."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_INSPECT, s)
    held = [c for c in copies.of_item(w.session, item_id) if c.state == "held"]
    if not held:
        raise Conflict(_("此文件目前没有在库的份"), item=item_id)
    for copy in held:
        copy.inspected = w.today
        written(w, s.item, copy, "present", place_id=copy.place_id)
    return len(held)


def find(w: Work, item_id: int, number: int, *, note: str, place: str = "") -> Inspection:
    """A missing copy is there again: back into its place, or another that is strong enough. The incident is told, and goes its way.

    Raises Denied, Missing, Conflict (it is not missing), Invalid."""
    s, copy = _copy(w, item_id, number)
    if copy.state != "missing":
        raise Conflict(_("第 %(n)s 份并未登记为下落不明", n=number), item=item_id)
    if not note.strip():
        raise Invalid({"note": _("请说明在何处、如何找回")})
    belongs = copy.place_id
    where = placing.fit(w, s.item, place or w.session.get_one(Place, belongs).code)
    copies.turn(w, copy, "held")
    copy.place_id, copy.inspected = where.id, w.today
    last = select(Inspection.incident_id).where(
        Inspection.copy_id == copy.id, Inspection.found == "missing", Inspection.incident_id.is_not(None)
    )
    incident_id = w.session.scalar(last.order_by(Inspection.id.desc()).limit(1))
    row = written(
        w, s.item, copy, "present", place_id=belongs, seen_id=where.id, note=note, action=_("找回入库"), incident_id=incident_id
    )  # fmt: skip
    whereabouts.settle(w, s.item, "find")
    if incident_id is not None:
        incident = w.session.get_one(Item, incident_id)
        said = _("第 %(n)s 份已找回：%(note)s", n=number, note=row.note)
        w.session.add(Comment(item_id=incident_id, author_id=w.actor.id, at=w.now, body=said))
        w.record("item.comment", incident)
    return row


# -- what shelf checks do too ------------------------------------------------------------------------------------
def lost(w: Work, s: Standing, copy: Copy, *, check: ShelfCheck | None = None, note: str = "") -> Inspection:
    """A copy that should stand in its place does not: it is missing, the file settles, an incident opens. The caller has locked
    the item, and decided."""
    copies.turn(w, copy, "missing")
    how = _("清点时未见") if check is not None else _("定期检查时未见")
    row = missing(w, s.item, copy, how=how, note=note, check=check)
    whereabouts.settle(w, s.item, "lose")
    return row


def missing(
    w: Work, item: Item, copy: Copy, *, how: str, note: str, check: ShelfCheck | None = None
) -> Inspection:
    """What a missing copy leaves behind: an incident, and the line that names it. The caller turns the copy."""
    where = w.session.get_one(Place, copy.place_id)
    incident = _incident(w, item, copy, where, how, note.strip())
    return written(
        w, item, copy, "missing", place_id=where.id, check=check, note=note, incident_id=incident.id
    )


def written(
    w: Work, item: Item, copy: Copy, found: str, *, place_id: int, seen_id: int | None = None, check: ShelfCheck | None = None,
    note: str = "", action: str = "", incident_id: int | None = None,
) -> Inspection:  # fmt: skip
    """The line of an inspection, and its audit row."""
    row = Inspection(
        copy_id=copy.id, check_id=check.id if check else None, at=w.now, by_id=w.actor.id, found=found, place_id=place_id,
        seen_place_id=seen_id, note=note.strip()[:500], action=action.strip()[:500], incident_id=incident_id,
    )  # fmt: skip
    w.session.add(row)
    w.session.flush()
    w.record("item.inspect", item, detail={"copy": copy.number, "found": found})
    return row


def _copy(w: Work, item_id: int, number: int) -> tuple[Standing, Copy]:
    """The item and the copy, locked, once it is decided that the actor may inspect them."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_INSPECT, s)
    found = select(Copy.id).where(Copy.item_id == item_id, Copy.number == number)
    return s, copies.lock(w, w.session.scalar(found) or 0)


def _incident(w: Work, item: Item, copy: Copy, where: Place, how: str, note: str) -> Item:
    """The incident of a missing copy, at the level of the document and in its unit. It names the number, never the title."""
    facts = {"number": item.number, "n": copy.number, "place": where.name, "code": where.code}
    what = _("%(number)s 第 %(n)s 份应存放于“%(place)s”（%(code)s）", **facts)
    raw = {
        "found_at": w.now.astimezone(w.house.zone).strftime("%Y-%m-%dT%H:%M"),
        "where": where.name,
        "what": _("，").join([what, how]) + _("。") + note,
    }
    title = _("%(number)s 第 %(n)s 份下落不明", number=item.number, n=copy.number)
    incident = items.create(
        w, w.house.kinds["incident"], raw, title=title, unit_id=item.unit_id, level=Level(item.level),
        permission=Permission.INCIDENT_REPORT,
    )  # fmt: skip
    relations.link(w, incident, item, "see")
    return incident
