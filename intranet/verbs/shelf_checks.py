"""清点: one place and those within it, folder by folder; what was not seen by the end is missing (seeds L44, L51; FEATURES row 65).

Only what the checker keeps and may know of is expected. A number that leads to nothing, to nothing they may know, or to nothing in
their care is the same stray.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing
from ..house import House
from ..models import Copy, Inspection, Item, Place, ShelfCheck
from ..policy import Permission, Policy
from ..work import Work
from . import care, copies, inspecting, items, places, placing

ADDRESS = re.compile(r"/i/([^/?#\s]+)(?:\?(?:[^#\s]*&)?copy=(\d{1,4}))?")
TYPED = re.compile(r"(\S+?)(?:[\s#＃/]+第?(\d{1,4})份?)?")
STRAYS = 100


@dataclass(frozen=True)
class Line:
    """One copy on the sheet of a check; `row` is None while it is only expected."""

    item: Item
    copy: Copy
    row: Inspection | None = None


@dataclass(frozen=True)
class Sheet:
    """A check as this person may see it. `missing` is filled once it is closed, `expected` until then."""

    check: ShelfCheck
    place: Place
    seen: list[Line] = field(default_factory=list)
    extra: list[Line] = field(default_factory=list)
    missing: list[Line] = field(default_factory=list)
    expected: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Scanned:
    """What became of one scan: seen, again, extra, stray."""

    what: str
    text: str
    line: Line | None = None


def start(w: Work, code: str) -> ShelfCheck:
    """Begin a round, or go on with one's own. Raises Denied, Missing, Conflict (one's other round is still open)."""
    w.house.policy.demand(w.actor, Permission.PLACE_CHECK)
    place = places.by_code(w.session, code)
    w.house.policy.demand(w.actor, Permission.PLACE_CHECK, place.unit_id)
    if not place.active:
        raise Conflict(_("此场所已停用"))
    mine = current(w.session, w.actor)
    if mine is not None and mine.place_id == place.id:
        return mine
    if mine is not None:
        raise Conflict(_("您还有一次清点没有结束，请先结束或放弃"), check=mine.id)
    check = ShelfCheck(place_id=place.id, by_id=w.actor.id, started=w.now, strays=[])
    w.session.add(check)
    w.session.flush()
    w.record("place.check_start", detail={"place": place.code})
    return check


def current(session: Session, actor: Actor) -> ShelfCheck | None:
    """The round that the actor has open. One statement."""
    query = select(ShelfCheck).where(ShelfCheck.by_id == actor.id, ShelfCheck.closed.is_(None))
    return session.scalar(query.order_by(ShelfCheck.id.desc()).limit(1))


def scan(w: Work, check_id: int, text: str) -> Scanned:
    """One folder: the address of its code, or its number as typed (`BG-N-2026-0001 2`: copy 2). Twice is told, not counted.

    Raises Denied, Missing, Conflict (closed), Invalid (nothing typed, which copy)."""
    check = _mine(w, check_id)
    number, n = parsed(text)
    query = select(Item).where(Item.number.in_([number, number.upper()]), care.mine(w.house.policy, w.actor))
    found = w.session.scalars(query, {"now": w.now}).first()
    if found is None:
        return _stray(w, check, text)
    s = items.lock(w, found.id)
    w.house.policy.demand(w.actor, Permission.ITEM_INSPECT, s)
    inside = set(places.within(w.session, check.place_id))
    rows = {r.copy_id: r for r in _rows(w.session, check)}
    copy = _which(copies.of_item(w.session, found.id), n, found.number)
    line, here = rows.get(copy.id), copy.state == "held" and copy.place_id in inside
    if line is not None and line.found != "struck":
        return Scanned("again", text, Line(found, copy, line))
    if line is None:
        line = Inspection(copy_id=copy.id, check_id=check.id, by_id=w.actor.id, place_id=copy.place_id)
        w.session.add(line)
    line.at, line.found = w.now, "present" if here else "misplaced"
    line.seen_place_id = None if here else check.place_id
    w.session.flush()
    return Scanned("seen" if here else "extra", text, Line(found, copy, line))


def strike(w: Work, check_id: int, line_id: int) -> None:
    """Take a line back that was scanned by mistake; it stays, struck out."""
    check = _mine(w, check_id)
    line = w.session.get(Inspection, line_id)
    if line is None or line.check_id != check.id or line.found == "struck":
        raise Missing()
    line.found = "struck"


def drop(w: Work, check_id: int) -> ShelfCheck:
    """Give the round up: nothing was found by it."""
    check = _mine(w, check_id)
    check.closed, check.dropped = w.now, True
    w.record("place.check_drop", detail={"place": w.session.get_one(Place, check.place_id).code})
    return check


def close(
    w: Work, check_id: int, missing: int, *, actions: Mapping[int, tuple[bool, str]] | None = None
) -> ShelfCheck:
    """The end of the round: what was seen is inspected, what is extra dealt with, what was not seen is missing. `missing`: how many
    the checker was shown; `actions`: of an extra line (whether it stays here, what was done).

    Raises Denied, Missing, Conflict (closed; another number is missing by now), Invalid (too weak a place for an extra one)."""
    check = _mine(w, check_id)
    actions = dict(actions or {})
    sheet = view(w.session, w.house, w.actor, check)
    if len(sheet.expected) != missing:
        raise Conflict(_("未见的份数已有变化，请重新核对后再结束"))
    levels = [line.item.level for line in [*sheet.seen, *sheet.extra, *sheet.expected]]
    for line in sheet.seen:
        line.copy.inspected = max(line.copy.inspected, w.today)
        w.record("item.inspect", line.item, detail={"copy": line.copy.number, "found": "present"})
    for line in sheet.extra:
        _deal_with(w, sheet, line, *actions.get(line.row.id if line.row else 0, (False, "")))
    for line in sorted(sheet.expected, key=lambda x: x.item.id):
        s = items.lock(w, line.item.id)
        w.house.policy.demand(w.actor, Permission.ITEM_INSPECT, s)
        inspecting.lost(w, s, copies.lock(w, line.copy.id), check=check)
    check.closed = w.now
    found = {"seen": len(sheet.seen), "extra": len(sheet.extra), "missing": len(sheet.expected)}
    detail = {"place": sheet.place.code, **found}
    w.record("place.check", detail=detail, level=max(levels, default=None))
    return check


def _deal_with(w: Work, sheet: Sheet, line: Line, stays: bool, said: str) -> None:
    """A copy that belongs elsewhere: back to its place, or (a held one, where this place is strong enough) it stays here."""
    if line.row is None:
        return
    if stays and line.copy.state == "held":
        placing.put(w, line.item.id, sheet.place.code, [line.copy.number])
        line.row.action = said.strip()[:500] or _("改放此处")
    else:
        line.row.action = said.strip()[:500] or _("放回原处")
    if line.copy.state == "held":
        line.copy.inspected = max(line.copy.inspected, w.today)
    w.record("item.inspect", line.item, detail={"copy": line.copy.number, "found": "misplaced"})


# -- reading ----------------------------------------------------------------------------------------------------
def of_id(session: Session, house: House, actor: Actor, check_id: int) -> ShelfCheck:
    """A check, open to its checker and, once it is closed, to the custodians of the place. Raises Denied, Missing."""
    house.policy.demand(actor, Permission.PLACE_CHECK)
    check = session.get(ShelfCheck, check_id)
    if check is None:
        raise Missing()
    place = session.get_one(Place, check.place_id)
    if check.by_id != actor.id and not (
        check.closed and house.policy.decide(actor, Permission.PLACE_CHECK, place.unit_id).ok
    ):
        raise Missing()
    return check


def view(session: Session, house: House, actor: Actor, check: ShelfCheck) -> Sheet:
    """The sheet, only with what the actor keeps and may know of. Four statements."""
    at = {"now": house.clock()}
    sheet = Sheet(check, session.get_one(Place, check.place_id))
    there = {"present": sheet.seen, "misplaced": sheet.extra, "missing": sheet.missing}
    done: set[int] = set()
    lines = _lines(house.policy, actor).where(Inspection.check_id == check.id).order_by(Inspection.id.desc())
    for row, copy, item in session.execute(lines, at):
        if row.found in there:
            there[row.found].append(Line(item, copy, row))
            done.add(copy.id)
    if check.closed is None:
        inside = places.within(session, check.place_id)
        query = (
            select(Copy, Item)
            .join(Item, Item.id == Copy.item_id)
            .where(Copy.place_id.in_(inside), Copy.state == "held")
            .where(care.mine(house.policy, actor), care.in_use(house.policy))
            .order_by(Copy.place_id, Item.number, Copy.number)
        )
        sheet.expected.extend(
            Line(item, copy) for copy, item in session.execute(query, at) if copy.id not in done
        )
    return sheet


def _lines(policy: Policy, actor: Actor) -> Select[tuple[Inspection, Copy, Item]]:
    query = select(Inspection, Copy, Item).join(Copy, Copy.id == Inspection.copy_id)
    return query.join(Item, Item.id == Copy.item_id).where(care.mine(policy, actor))


def of_place(session: Session, place_id: int, limit: int = 20) -> list[ShelfCheck]:
    """The rounds through a place, the newest first; those given up left out."""
    query = select(ShelfCheck).where(ShelfCheck.place_id == place_id, ShelfCheck.dropped.is_(False))
    return list(session.scalars(query.order_by(ShelfCheck.id.desc()).limit(limit)))


def results(session: Session, house: House, actor: Actor, checks: list[int]) -> dict[int, dict[str, int]]:
    """What each of these rounds found, of what the actor keeps. One statement."""
    query = _lines(house.policy, actor).with_only_columns(Inspection.check_id, Inspection.found)
    found: dict[int, dict[str, int]] = {}
    for check, what in session.execute(query.where(Inspection.check_id.in_(checks)), {"now": house.clock()}):
        counted = found.setdefault(check, {})
        counted[what] = counted.get(what, 0) + 1
    return found


# -- parts ------------------------------------------------------------------------------------------------------
def parsed(text: str) -> tuple[str, int | None]:
    """(number, copy) of what was scanned or typed. Raises Invalid."""
    text = text.replace("\x00", "").strip()[:300]
    if "/p/" in text:
        raise Invalid({"code": _("这是场所的二维码，请扫描文件夹上的")})
    found = ADDRESS.search(text) or TYPED.fullmatch(text)
    if found is None:
        raise Invalid({"code": _("请扫描或输入文件编号")})
    return unquote(found[1])[:80], int(found[2]) if found[2] else None


def _mine(w: Work, check_id: int) -> ShelfCheck:
    """The actor's own open round, locked."""
    w.house.policy.demand(w.actor, Permission.PLACE_CHECK)
    check = w.session.get(ShelfCheck, check_id, with_for_update=True, populate_existing=True)
    if check is None:
        raise Missing()
    if check.by_id != w.actor.id:
        raise Denied(_("没有这条记录，或您无权知悉"), hidden=True, permission=Permission.PLACE_CHECK.value)
    if check.closed is not None:
        raise Conflict(_("这次清点已经结束"))
    place = w.session.get_one(Place, check.place_id)
    w.house.policy.demand(w.actor, Permission.PLACE_CHECK, place.unit_id)
    return check


def _rows(session: Session, check: ShelfCheck) -> list[Inspection]:
    return list(session.scalars(select(Inspection).where(Inspection.check_id == check.id)))


def _which(there: list[Copy], n: int | None, number: str) -> Copy:
    """The copy that is meant. Raises Invalid where that cannot be told."""
    if n is not None:
        copy = next((c for c in there if c.number == n), None)
        if copy is None:
            raise Invalid({"code": _("%(number)s 没有第 %(n)s 份", number=number, n=n)})
        return copy
    living = [c for c in there if c.state in copies.LIVING] or there
    if len(living) != 1:
        raise Invalid({"code": _("此文件有多份，请在编号后加空格与份号，例如 %(number)s 2", number=number)})
    return living[0]


def _stray(w: Work, check: ShelfCheck, text: str) -> Scanned:
    """Something that leads nowhere for this checker."""
    text = " ".join(text.split())[:120]
    if text in check.strays:
        return Scanned("again", text)
    if len(check.strays) < STRAYS:
        check.strays = [*check.strays, text]
        flag_modified(check, "strays")
    return Scanned("stray", text)
