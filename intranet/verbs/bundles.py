"""案卷: what is put into a folder and taken out. The folder takes the highest level inside, what comes later takes the folder's: at no
moment is a folder weaker than what is in it (seeds L37; FEATURES row 61)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..actor import Actor
from ..errors import Conflict, Invalid, Missing
from ..house import House
from ..kinds.base import Kind
from ..models import Item, Link
from ..policy import Permission
from ..prepared import visible
from ..work import Work
from . import items, leveling
from .leveling import IN
from .reading import standing


def put(w: Work, folder_id: int, item_id: int) -> Item:
    """Put an item into a folder; custodians of both only. An item below the folder's level takes it, a folder below the item's takes
    that, or the whole act is refused.

    Raises Missing, Denied, Conflict (in a folder already, closed, disposed of, out on loan while its level would change),
    Invalid(level) where a place is too weak."""
    s, f = items.lock(w, item_id), items.lock(w, folder_id)
    item, kind, folder = s.item, w.house.kinds[s.item.kind], f.item
    if not w.house.kinds[folder.kind].bundles:
        raise Missing()
    for one in (s, f):
        w.house.policy.demand(w.actor, Permission.BUNDLE_PUT, one)
    if not holds(kind):
        raise Invalid({"number": _("只有受控文件和资料可以归入案卷")})
    _open(w, folder)
    if kind.state(item.state).final:
        raise Conflict(_("已销毁或移交的文件不能归卷"), item=item.id)
    if (now_in := leveling.folder_of(w.session, item.id)) is not None:
        where = _("此件已在本案卷中") if now_in == folder.id else _("此件已归入另一案卷，请先移出")
        raise Conflict(where, item=item.id)
    if item.level < folder.level:
        leveling.at_rest(w, item, kind)
        leveling.change(w, item, kind, Level(folder.level), _("随案卷定级"))
    w.session.add(Link(item_id=item.id, other_id=folder.id, relation=IN))
    w.session.flush()
    leveling.lift(w, folder, item)
    _recorded(w, "bundle.put", item, folder)
    return item


def put_by_number(w: Work, folder_id: int, number: str) -> Item:
    """`put` for a number that somebody typed."""
    return put(w, folder_id, _known(w, number))


def into(w: Work, number: str, item: Item) -> None:
    """Put an item that was just registered into the folder of this number."""
    try:
        put(w, _known(w, number), item.id)
    except Invalid as invalid:
        errors = dict(invalid.errors)
        raise Invalid({"folder" if k == "number" else k: v for k, v in errors.items()}) from invalid


def _known(w: Work, number: str) -> int:
    """A number that is hidden and one that does not exist are one answer."""
    found = w.session.scalar(select(Item).where(Item.number == number.strip()))
    if found is None or not w.house.policy.sees(w.actor, standing(w.session, w.house, w.actor, found, w.now)):
        raise Invalid({"number": _("没有这个编号，或您无权知悉")})
    return found.id


def take_out(w: Work, item_id: int) -> Item:
    """Take an item out of its folder. The folder keeps its level: only a decision lowers it.

    Raises Missing (in no folder that the actor may know of), Denied, Conflict (closed)."""
    s = items.lock(w, item_id)
    folder_id = leveling.folder_of(w.session, item_id)
    if folder_id is None:
        raise Missing()
    f = items.lock(w, folder_id)
    for one in (s, f):
        w.house.policy.demand(w.actor, Permission.BUNDLE_PUT, one)
    _open(w, f.item)
    w.session.delete(w.session.get_one(Link, (item_id, folder_id, IN)))
    _recorded(w, "bundle.take_out", s.item, f.item)
    return s.item


def _open(w: Work, folder: Item) -> None:
    if folder.state != w.house.kinds[folder.kind].first.name:
        raise Conflict(_("案卷已结卷，重新立卷后方可归入或移出"), item=folder.id)


def _recorded(w: Work, action: str, item: Item, folder: Item) -> None:
    """In the log of both ends, the other one by its id: whoever reads one may not know of the other."""
    w.record(action, item, detail={"other": folder.id})
    w.record(action, folder, detail={"other": item.id})


def inside(session: Session, house: House, actor: Actor, folder_id: int, now: datetime) -> list[Item]:
    """What is in the folder, as far as the actor may know of it, by number. One statement."""
    query = select(Item).join(Link, Link.item_id == Item.id)
    query = query.where(Link.other_id == folder_id, Link.relation == IN, visible(house.policy, actor))
    return list(session.scalars(query.order_by(Item.number), {"now": now}))


def around(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> Item | None:
    """The folder that an item is in, where the actor may know of it. One statement."""
    query = select(Item).join(Link, Link.other_id == Item.id)
    query = query.where(Link.item_id == item_id, Link.relation == IN, visible(house.policy, actor))
    return session.scalar(query, {"now": now})


def holds(kind: Kind) -> bool:
    """Whether items of this kind go into folders."""
    return kind.dual and not kind.bundles
