"""The verbs of every ledger: add, edit, step, comment, grant. Read top to bottom they are the rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from vault.levels import Level

from ..errors import Conflict, Invalid, Missing
from ..kinds.base import Field, Kind, Move, Value
from ..models import Comment, Grant, Item, Repository, Revision, Unit
from ..models import Person as PersonRow
from ..policy import Permission, Standing
from ..work import Work
from . import copies, declarations, deposits, values
from .numbers import given, take
from .reading import demand_seen, missing, standing


def lock(w: Work, item_id: int) -> Standing:
    """The item, locked for this transaction, with its standing. Raises Missing or Denied(hidden)."""
    item = w.session.get(Item, item_id, with_for_update=True, populate_existing=True)
    if item is None:
        missing(w.session, w.house, w.actor, w.now)
        raise Missing()
    s = standing(w.session, w.house, w.actor, item, w.now)
    demand_seen(w.session, w.house, w.actor, s, w.now)
    return s


def create(
    w: Work,
    kind: Kind,
    raw: Mapping[str, Any],
    *,
    title: str,
    unit_id: int,
    level: Level | None = None,
    repository_id: int | None = None,
    owner_id: int | None = None,
    blobs: Sequence[int] = (),
    only: Iterable[Field] | None = None,
    permission: Permission = Permission.ITEM_ADD,
    number: str | None = None,
    declared: str = "",
) -> Item:
    """Add an item in its first state. `blobs`: ids of sealed files of this actor, not yet of any item. `number`: the one that the
    paper bears already, instead of the next. `declared`: what the sender says of the files (`declarations`).

    Raises Denied, or Invalid with every wrong field."""
    level = Level(kind.default_level) if level is None else level
    w.house.policy.demand(w.actor, permission, (kind, unit_id) if permission is Permission.ITEM_ADD else None)
    errors = marks(w, kind, title, unit_id, level, repository_id)
    errors |= declarations.wrong(w.house.settings, kind, blobs, declared)
    fields = list(kind.form_fields if only is None else only)
    data: dict[str, Value] = {}
    try:
        data = values.parse(w, kind, fields, raw, level)
    except Invalid as invalid:
        errors |= invalid.errors
    if not errors and kind.guard and (why := kind.guard(data)):
        errors[""] = why
    if not errors and (why := below(kind, data, level)):
        errors["level"] = why
    if errors:
        raise Invalid(errors)
    unit = w.session.get_one(Unit, unit_id)
    item = Item(
        kind=kind.name,
        number=take(w, kind, unit, level) if number is None else given(w, number),
        title=title.strip(),
        state=kind.first.name,
        level=int(level),
        unit_id=unit_id,
        owner_id=owner_id if owner_id is not None else w.actor.id,
        previous_id=None,
        repository_id=repository_id,
        created=w.now,
        updated=w.now,
        data={k: v for k, v in data.items() if v is not None},
    )
    w.session.add(item)
    saved(w, kind, item, "create", "")
    if kind.loans:
        copies.register(w, item, int(item.data.get("copies") or 1))
    deposits.adopt(w, item, blobs, declared)
    return item


def marks(
    w: Work, kind: Kind, title: str, unit_id: int, level: Level, repository_id: int | None
) -> dict[str, Any]:
    """What every item must carry: a title, a living unit, a level of the kind not above the own clearance."""
    errors: dict[str, Any] = {}
    if not title.strip():
        errors["title"] = _("请填写此项")
    elif len(title.strip()) > 300:
        errors["title"] = _("不能超过 %(n)s 个字", n=300)
    if w.session.scalar(select(Unit.id).where(Unit.id == unit_id, Unit.active)) is None:
        errors["unit"] = _("请从列表中选择")
    if int(level) not in kind.levels:
        errors["level"] = _("此类台账不使用这一密级")
    elif not w.actor.system and w.actor.known and level > w.actor.clearance:
        errors["level"] = _("不能高于您本人的可接触密级")
    if repository_id is not None:
        known = select(Repository.id).where(Repository.id == repository_id, Repository.active)
        if (
            not kind.repositories
            or w.session.scalar(known) is None
            or (not w.actor.system and repository_id not in w.actor.repositories)
        ):
            errors["repository"] = _("请从列表中选择")
    return errors


def below(kind: Kind, data: Mapping[str, Any], level: int) -> Any:
    """Why this level is too low for what the data say, or None (`Kind.floor`)."""
    least = kind.floor(data) if kind.floor else None
    if least is None or level >= least:
        return None
    return _("录音随其会议或培训定级，密级不得低于“%(level)s”", level=_(Level(least).label))


def saved(w: Work, kind: Kind, item: Item, action: str, reason: str) -> None:
    """What follows every save: filter rows, a revision, an audit row, the index."""
    item.due, item.updated = values.due(w, kind, item), w.now
    flag_modified(item, "updated")  # also where only files changed, within one tick of the clock
    w.session.flush()  # one UPDATE, so that `version` counts saves
    values.keep(w, kind, item)
    w.session.add(
        Revision(
            item_id=item.id,
            version=item.version,
            at=w.now,
            by_id=w.actor.id,
            action=action,
            reason=reason,
            title=item.title,
            state=item.state,
            level=item.level,
            data=dict(item.data),
        )
    )
    w.record(
        f"item.{action}",
        item,
        detail={"state": item.state, "version": item.version} | ({"reason": reason} if reason else {}),
    )
    w.reindex(item.id)


def current(item: Item, version: int | None) -> None:
    if version is not None and version != item.version:
        raise Conflict(_("在您填写期间，这条记录已被他人更新"), item=item.id)


def edit(
    w: Work,
    item_id: int,
    raw: Mapping[str, Any],
    *,
    title: str,
    version: int | None,
    blobs: Sequence[int] = (),
    drop: Sequence[int] = (),
    reason: str = "",
    declared: str = "",
) -> Item:
    """Change title and fields, add and drop files. Raises Conflict when `version` is not the stored one."""
    s = lock(w, item_id)
    item, kind = s.item, w.house.kinds[s.item.kind]
    w.house.policy.demand(w.actor, Permission.ITEM_EDIT, s)
    current(item, version)
    errors = marks(w, kind, title, item.unit_id, Level(item.level), None)
    errors.pop("unit", None)
    errors |= declarations.wrong(w.house.settings, kind, blobs, declared)
    fields = [f for f in kind.edit_fields if w.house.policy.shows(w.actor, s, f)]
    data: dict[str, Value] = {}
    try:
        data = values.parse(w, kind, fields, raw, Level(item.level))
    except Invalid as invalid:
        errors |= invalid.errors
    merged = {k: v for k, v in (dict(item.data) | data).items() if v is not None}
    if not errors and (why := (kind.guard and kind.guard(merged)) or below(kind, merged, item.level)):
        errors[""] = why
    if errors:
        raise Invalid(errors)
    if item.title == title.strip() and item.data == merged and not blobs and not drop:
        return item
    before, item.title, item.data = item.data.get("place"), title.strip(), merged
    saved(w, kind, item, "edit", reason.strip())
    if kind.loans and before != merged.get("place"):
        copies.moved(w, item, int(before or 0), int(merged["place"]))
    deposits.adopt(w, item, blobs, declared)
    deposits.drop(w, item, drop)
    return item


def step(
    w: Work, item_id: int, name: str, raw: Mapping[str, Any], *, version: int | None = None, reason: str = ""
) -> Item:
    """Do one move of the item's life. Raises Denied, Conflict (not in that state), Invalid."""
    s = lock(w, item_id)
    kind = w.house.kinds[s.item.kind]
    move = kind.move(name)
    if move is None or move.code:
        raise Missing()
    return apply(w, s, kind, move, raw, version=version, reason=reason)


def apply(
    w: Work,
    s: Standing,
    kind: Kind,
    move: Move,
    raw: Mapping[str, Any],
    *,
    version: int | None = None,
    reason: str = "",
    permission: Permission = Permission.ITEM_MOVE,
) -> Item:
    """The move itself, for `step` and for verbs with moves of their own (`Move.code`)."""
    item = s.item
    w.house.policy.demand(w.actor, permission, s, move=move)
    current(item, version)
    if item.state not in move.sources:
        now_in = kind.state(item.state).title
        raise Conflict(
            _("此记录目前为“%(state)s”，不能“%(step)s”", state=now_in, step=move.title), item=item.id
        )
    errors: dict[str, Any] = {}
    answers: dict[str, Value] = {}
    try:
        answers = values.parse(w, kind, [kind.field(n) for n in move.asks], raw, Level(item.level))
    except Invalid as invalid:
        errors |= invalid.errors
    if move.reason and not reason.strip():
        errors["reason"] = _("请说明理由")
    merged = dict(item.data) | {k: v for k, v in answers.items() if v is not None}
    merged |= {n: w.today.isoformat() for n in move.stamps}
    if not errors and move.guard and (why := move.guard(merged)):
        errors[""] = why
    if errors:
        raise Invalid(errors)
    item.data, item.state, item.previous_id = merged, move.target, w.actor.id
    saved(w, kind, item, move.name, reason.strip())
    return item


def comment(w: Work, item_id: int, body: str, *, outward: bool = False) -> Comment:
    """Say something on an item."""
    s = lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_COMMENT, s)
    if not body.strip() or len(body) > 5000:
        raise Invalid({"body": _("请填写此项") if not body.strip() else _("不能超过 %(n)s 个字", n=5000)})
    row = Comment(item_id=item_id, author_id=w.actor.id, at=w.now, body=body.strip(), outward=outward)
    w.session.add(row)
    w.record("item.comment", s.item, detail={"outward": outward})
    return row


def grant(
    w: Work, item_id: int, *, person_id: int | None = None, unit_id: int | None = None, until: datetime | None = None, reason: str = ""
) -> Grant:  # fmt: skip
    """Add a person or a unit to those who may know (知悉范围). Clearance still applies to each of them."""
    s = lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_GRANT, s)
    if (person_id is None) == (unit_id is None):
        raise Invalid({"person": _("请选择一名人员或一个单位")})
    if until is not None and until <= w.now:
        raise Invalid({"until": _("截止时间应在将来")})
    if person_id is not None:
        known = select(PersonRow.id).where(
            PersonRow.id == person_id, PersonRow.active, PersonRow.clearance >= s.item.level
        )
        if w.session.scalar(known) is None:
            raise Invalid({"person": _("此人不存在、已停用，或可接触密级不足")})
    elif w.session.get(Unit, unit_id) is None:
        raise Invalid({"unit": _("请从列表中选择")})
    row = Grant(
        item_id=item_id, person_id=person_id, unit_id=unit_id, role="reader", until=until, by_id=w.actor.id, at=w.now,
        reason=reason.strip()[:300],
    )  # fmt: skip
    w.session.add(row)
    w.record("item.grant", s.item, detail={"person": person_id, "unit": unit_id, "until": until})
    w.reindex(item_id)
    if until is not None:
        w.after("index", item_id, delay=until - w.now)
    return row


def revoke(w: Work, item_id: int, grant_id: int) -> None:
    """Take a reader off again."""
    s = lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.ITEM_GRANT, s)
    row = w.session.get(Grant, grant_id)
    if row is None or row.item_id != item_id or row.revoked is not None or row.role != "reader":
        raise Missing()
    row.revoked = w.now
    w.record("item.revoke", s.item, detail={"person": row.person_id, "unit": row.unit_id})
    w.reindex(item_id)
