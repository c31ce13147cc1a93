"""保管场所 as a tree: rooms, cabinets in them, shelves in those. A place inside another is at least as strong as it, and none may
fall below what stands in it needs (REQUIREMENTS A3; seeds L38-42; FEATURES row 56).

Whoever may not know of what stands in a place learns nothing by trying to change it: such files hold every weakening up, whatever
their level, and the refusal names none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..errors import Conflict, Invalid, Missing
from ..house import House
from ..models import Copy, Item, Place, Unit
from ..policy import Permission
from ..work import Work
from . import care
from .copies import LIVING

FORMS = ("room", "cabinet", "shelf")  # from the outside in
STRENGTHS = (1, 2, 3, 4)
CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,39}")


@dataclass(frozen=True)
class Node:
    """A place in the tree, `depth` places deep."""

    place: Place
    depth: int


def tree(session: Session, *, active: bool = True) -> list[Node]:
    """All places, each before what stands in it; by strength, then code. One statement."""
    rows = list(session.scalars(select(Place).order_by(Place.own.desc(), Place.code)))
    below: dict[int | None, list[Place]] = {}
    for p in rows:
        if p.active or not active:
            below.setdefault(p.parent_id, []).append(p)
    found: list[Node] = []

    def walk(parent: int | None, depth: int) -> None:
        for p in below.get(parent, ()):
            found.append(Node(p, depth))
            walk(p.id, depth + 1)

    walk(None, 0)
    return found


def by_code(session: Session, code: str) -> Place:
    """The place of a code, retired ones too. Raises Missing."""
    found = session.scalar(select(Place).where(Place.code == code.strip().upper()))
    if found is None:
        raise Missing()
    return found


def within(session: Session, place_id: int) -> list[int]:
    """The place and all that stand in it, at any depth. One statement."""
    base = select(Place.id).where(Place.id == place_id).cte(recursive=True)
    inner = base.union(select(Place.id).join(base, Place.parent_id == base.c.id))
    return list(session.scalars(select(inner.c.id)))


def counts(session: Session, house: House, actor: Actor) -> dict[int, int]:
    """How many copies that this person keeps stand in each place by itself. One statement; whoever keeps nothing sees no count."""
    query = (
        select(Copy.place_id, func.count())
        .join(Item, Item.id == Copy.item_id)
        .where(Copy.state.in_(LIVING), care.mine(house.policy, actor))
        .group_by(Copy.place_id)
    )
    return dict(session.execute(query, {"now": house.clock()}).all())  # type: ignore[arg-type]


# -- the verbs --------------------------------------------------------------------------------------------------
def add(
    w: Work, code: str, name: str, strength: int, unit_id: int, *, form: str = "cabinet", parent: str = ""
) -> Place:
    """A further place; `strength` 1-4 as the levels 内部-绝密 need it, raised to that of the place around it.

    Raises Denied, Invalid, Conflict (a code twice)."""
    w.house.policy.demand(w.actor, Permission.PLACE_SET, unit_id)
    code = code.strip().upper()
    errors = {} if CODE.fullmatch(code) else {"code": _("代码由字母、数字、点与横线组成，最多 40 个字符")}
    errors |= {} if name.strip() else {"title": _("请填写此项")}
    errors |= {} if strength in STRENGTHS else {"strength": _("请从列表中选择")}
    errors |= {} if form in FORMS else {"form": _("请从列表中选择")}
    known = w.session.scalar(select(Unit.id).where(Unit.id == unit_id, Unit.active))
    errors |= {} if known else {"unit": _("请从列表中选择")}
    above = _living(w, parent) if parent else None
    if parent and above is None:
        errors["parent"] = _("请从列表中选择")
    elif above is not None and form in FORMS and not _fits(form, above):
        errors["parent"] = _("层架在柜中，柜子在房间内：请选择更大的场所")
    if errors:
        raise Invalid(errors)
    if w.session.scalar(select(Place.id).where(Place.code == code)):
        raise Conflict(_("这个代码已被使用"))
    if above is not None:
        w.house.policy.demand(w.actor, Permission.PLACE_SET, above.unit_id)
    place = Place(
        code=code, name=name.strip()[:120], form=form, own=strength, unit_id=unit_id,
        parent_id=above.id if above else None, strength=max(strength, above.strength if above else 0),
    )  # fmt: skip
    w.session.add(place)
    w.session.flush()
    w.record("office.place", detail={"code": code, "strength": place.strength})
    return place


def rename(w: Work, code: str, name: str) -> Place:
    """Another name; the code stays, it is on the label."""
    place = _set(w, code)
    if not name.strip():
        raise Invalid({"title": _("请填写此项")})
    place.name = name.strip()[:120]
    w.record("place.rename", detail={"code": place.code, "name": place.name})
    return place


def strengthen(w: Work, code: str, strength: int) -> Place:
    """What the place is by itself, stronger or weaker. Weaker only where all that stands in it may still stand there."""
    place = _set(w, code)
    if strength not in STRENGTHS:
        raise Invalid({"strength": _("请从列表中选择")})
    _restand(w, place, own=strength, parent_id=place.parent_id)
    w.record("place.strength", detail={"code": place.code, "strength": place.strength})
    return place


def move(w: Work, code: str, parent: str) -> Place:
    """Into another place, or ("") to stand by itself. Raises Conflict where something in it would stand too weakly."""
    place = _set(w, code)
    above = _living(w, parent) if parent else None
    if parent and above is None:
        raise Invalid({"parent": _("请从列表中选择")})
    if above is not None:
        w.house.policy.demand(w.actor, Permission.PLACE_SET, above.unit_id)
        if above.id in within(w.session, place.id):
            raise Invalid({"parent": _("场所不能放进它自己里面")})
        if not _fits(place.form, above):
            raise Invalid({"parent": _("层架在柜中，柜子在房间内：请选择更大的场所")})
    _restand(w, place, own=place.own, parent_id=above.id if above else None)
    w.record("place.move", detail={"code": place.code, "to": above.code if above else ""})
    return place


def retire(w: Work, code: str) -> Place:
    """No longer offered. Only an empty place retires: nothing in it, no living place within, no file registered there."""
    place = _set(w, code)
    inside = within(w.session, place.id)
    if w.session.scalar(select(Place.id).where(Place.parent_id == place.id, Place.active).limit(1)):
        raise Conflict(_("其中还有在用的场所，请先停用或移出"))
    if blockers := _standing_in(w, inside):
        raise Conflict(_refusal([number for number, _level, seen, _place in blockers if seen]))
    place.active = False
    w.record("place.retire", detail={"code": place.code})
    return place


def restore(w: Work, code: str) -> Place:
    """Offered again, where the place around it is."""
    place = _set(w, code)
    above = w.session.get(Place, place.parent_id) if place.parent_id else None
    if above is not None and not above.active:
        raise Conflict(_("它所在的场所已停用，请先恢复"))
    place.active = True
    w.record("place.restore", detail={"code": place.code})
    return place


# -- what they share --------------------------------------------------------------------------------------------
def _set(w: Work, code: str) -> Place:
    """The place, that the actor may set. All rows are locked: the tree is changed by one at a time."""
    w.house.policy.demand(w.actor, Permission.PLACE_SET)  # before anything is looked up
    w.session.scalars(select(Place).with_for_update().execution_options(populate_existing=True)).all()
    place = by_code(w.session, code)
    w.house.policy.demand(w.actor, Permission.PLACE_SET, place.unit_id)
    return place


def _living(w: Work, code: str) -> Place | None:
    return w.session.scalar(select(Place).where(Place.code == code.strip().upper(), Place.active))


def _fits(form: str, above: Place) -> bool:
    return FORMS.index(above.form) <= FORMS.index(form)


def _restand(w: Work, place: Place, *, own: int, parent_id: int | None) -> None:
    """Reckon the strengths of the place and all within anew; refuse what would let a copy stand below its level."""
    rows: Mapping[int, Place] = {p.id: p for p in w.session.scalars(select(Place))}
    below: dict[int | None, list[Place]] = {}
    for p in rows.values():
        below.setdefault(p.parent_id, []).append(p)
    around = rows[parent_id].strength if parent_id is not None else 0
    after: dict[int, int] = {}

    def reckon(p: Place, by_itself: int, outer: int) -> None:
        after[p.id] = max(by_itself, outer)
        for inner in below.get(p.id, ()):
            reckon(inner, inner.own, after[p.id])

    reckon(place, own, around)
    weaker = [i for i, strength in after.items() if strength < rows[i].strength]
    blockers = [b for b in _standing_in(w, weaker) if not b[2] or b[1] > after[b[3]]]
    if blockers:
        raise Conflict(_refusal([number for number, _level, seen, _place in blockers if seen]))
    place.own, place.parent_id = own, parent_id
    for i, strength in after.items():
        rows[i].strength = strength


def _standing_in(w: Work, places: Sequence[int]) -> list[tuple[str, int, bool, int]]:
    """(number, level, whether the actor may know it, place) of what is kept in these places, or registered there."""
    if not places:
        return []
    seen = care.known(w.house.policy, w.actor).label("seen")
    kinds = [k for k in w.house.kinds.values() if k.loans]
    copies = (
        select(Item.number, Item.level, seen, Copy.place_id)
        .join(Copy, Copy.item_id == Item.id)
        .where(Copy.place_id.in_(places), Copy.state.in_(LIVING))
    )
    at = Item.data["place"].as_integer()
    final = {s.name for k in kinds for s in k.states if s.final}
    registered = select(Item.number, Item.level, seen, at).where(
        Item.kind.in_([k.name for k in kinds]), Item.state.not_in(final), at.in_(places)
    )
    moment = {"now": w.now}
    rows = [*w.session.execute(copies, moment), *w.session.execute(registered, moment)]
    return [(number, level, bool(known), int(place)) for number, level, known, place in rows]


def _refusal(numbers: Iterable[str]) -> str:
    """What may be said: the numbers that the actor may know, else the rule alone."""
    known = sorted(set(numbers))
    if not known:
        return _("按保管规定，此更改不能办理")
    shown = _("、").join(known[:3])
    return _("按保管规定，此更改不能办理：%(numbers)s 等 %(n)s 份文件须先移出", numbers=shown, n=len(known))
