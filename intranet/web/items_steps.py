"""What is done to one item: a step of its life, a comment, a reader, a level, an older version back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from vault.levels import Level

from .. import work
from ..errors import Conflict, Denied, Invalid, Missing
from ..extensions import db
from ..house import house
from ..kinds.base import Kind, Move
from ..policy import Permission, Standing
from ..verbs import disposal, history, items, levels, relations
from . import items_forms, page, present, signin
from .items_read import seen, show_page, templates


def _done(s: Standing, message: Any, tab: str = "") -> Response:
    """Back to the item; where the step took it out of the actor's sight, to the list."""
    try:
        seen(s.item.number)
    except (Denied, Missing):
        return page.done(url_for("items.index", kind=s.item.kind), message)
    anchor = "#more" if tab else ""
    return page.done(url_for("items.show", number=s.item.number, tab=tab or None) + anchor, message)


# -- steps -------------------------------------------------------------------------------------------------------
def _declared(s: Standing, name: str) -> tuple[Kind, Move]:
    kind = house().kinds[s.item.kind]
    found = kind.move(name)
    if found is None or (found.code and disposal.step_of(kind, name) is None):
        raise Missing
    return kind, found


def move(number: str, name: str) -> Response:
    """The step as a page of its own: what it asks, what it means."""
    s = seen(number)
    kind, found = _declared(s, name)
    house().policy.demand(signin.actor(), Permission.ITEM_MOVE, s, move=found)
    if s.item.state not in found.sources:
        raise Conflict(
            _(
                "此记录目前为“%(state)s”，不能“%(step)s”",
                state=kind.state(s.item.state).title,
                step=found.title,
            )
        )
    return _move_page(s, kind, found, {}, {})


def _move_page(s: Standing, kind: Kind, found: Move, raw: Any, errors: Any, status: int = 200) -> Response:
    return page.render(
        templates(kind, "move.html"),
        status=status,
        item=s.item,
        kind=kind,
        move=found,
        asks=[kind.field(n) for n in found.asks],
        raw=raw,
        reason=request.form.get("reason", ""),
        errors=errors,
        possible=s.item.state in found.sources,
        labels={f.name: str(f.title) for f in kind.fields} | {"reason": _("理由")},
    )


def do_move(number: str, name: str) -> Response:
    s = seen(number)
    kind, found = _declared(s, name)
    raw = items_forms.typed(kind.field(n) for n in found.asks)
    reason, version = request.form.get("reason", ""), items_forms.number("version")
    verb = disposal.step_of(kind, name) if found.code else None
    try:
        with work.begin(house(), signin.actor()) as w:
            if verb is not None:
                verb(w, s.item.id, raw, version=version, reason=reason)
            else:
                items.step(w, s.item.id, name, raw, version=version, reason=reason)
    except Invalid as invalid:
        return _move_page(seen(number), kind, found, raw, invalid.errors, 422)
    except Conflict as conflict:
        return _move_page(seen(number), kind, found, raw, {"": conflict.why}, 409)
    return _done(s, _("已办理：%(step)s", step=found.title))


# -- level -------------------------------------------------------------------------------------------------------
def level(number: str) -> Response:
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.ITEM_LEVEL, s)
    return _level_page(s, {})


def _level_page(s: Standing, errors: Any, status: int = 200) -> Response:
    kind = house().kinds[s.item.kind]
    return page.render(
        templates(kind, "level.html"),
        status=status,
        item=s.item,
        kind=kind,
        levels=items_forms.levels(house(), signin.actor(), kind),
        chosen=request.form.get("level", Level(s.item.level).slug),
        reason=request.form.get("reason", ""),
        errors=errors,
    )


def set_level(number: str) -> Response:
    """Change it, or propose to (`Kind.dual`)."""
    s = seen(number)
    dual = house().kinds[s.item.kind].dual
    try:
        wanted = Level.parse(request.form.get("level", ""))
    except ValueError:
        return _level_page(s, {"level": _("请从列表中选择")}, 422)
    if wanted == s.item.level:
        return _level_page(s, {"level": _("密级没有变化")}, 422)
    try:
        with work.begin(house(), signin.actor()) as w:
            reason, version = request.form.get("reason", ""), items_forms.number("version")
            verb = levels.propose if dual else levels.relevel
            verb(w, s.item.id, wanted, reason=reason, version=version)
    except Invalid as invalid:
        return _level_page(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _level_page(seen(number), {"": conflict.why}, 409)
    if dual:
        return _done(s, _("已提请将密级改为“%(level)s”，待另一人审批", level=present.level_of(wanted).label))
    return _done(s, _("密级已改为“%(level)s”", level=present.level_of(wanted).label))


# -- older versions, links ---------------------------------------------------------------------------------------
def restore(number: str, version: int) -> Response:
    """Make the content of an older save the present one: a new save, nothing is lost."""
    s = seen(number)
    old = history.revision(db.session(), s.item.id, version)
    if old is None or not house().policy.saw(signin.actor(), s, old.state, old.level):
        raise Missing
    raw = items_forms.kept_value(house().kinds[s.item.kind].form_fields, old.data)
    try:
        with work.begin(house(), signin.actor()) as w:
            now = items_forms.number("version")
            reason = _("恢复第 %(n)s 版", n=version)
            items.edit(w, s.item.id, raw, title=old.title, version=now, reason=reason)
    except Invalid as invalid:
        why = _("；").join(str(v) for v in invalid.errors.values())
        return show_page(seen(number), "history", status=422, errors={"restore": why})
    return _done(s, _("已恢复第 %(n)s 版的内容", n=version), "history")


def link(number: str) -> Response:
    s = seen(number)
    form = request.form
    try:
        with work.begin(house(), signin.actor()) as w:
            relations.relate(w, s.item.id, form.get("number", ""), form.get("relation", ""))
    except Invalid as invalid:
        return show_page(seen(number), "links", status=422, errors=invalid.errors, values=form)
    return _done(s, _("已关联"), "links")


# -- what is said, who may know ----------------------------------------------------------------------------------
def comment(number: str) -> Response:
    s = seen(number)
    form = request.form
    try:
        with work.begin(house(), signin.actor()) as w:
            items.comment(w, s.item.id, form.get("body", ""), outward=bool(form.get("outward")))
    except Invalid as invalid:
        return show_page(seen(number), "comments", status=422, errors=invalid.errors, values=form)
    return _done(s, _("已留言"), "comments")


def grant(number: str) -> Response:
    """Let a person or a unit in, until the end of a day or for good."""
    s = seen(number)
    form = request.form
    try:
        until = _end_of(form.get("until", ""))
        with work.begin(house(), signin.actor()) as w:
            items.grant(
                w,
                s.item.id,
                person_id=items_forms.number("person"),
                unit_id=items_forms.number("unit"),
                until=until,
                reason=form.get("reason", ""),
            )
    except Invalid as invalid:
        return show_page(seen(number), "access", status=422, errors=invalid.errors, values=form)
    return _done(s, _("已加入知悉范围"), "access")


def _end_of(text: str) -> datetime | None:
    """The end of a day where the office is."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1), time(), house().zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid({"until": _("请填写日期，例如 2026-11-23")}) from None


def revoke(number: str, grant_id: int) -> Response:
    s = seen(number)
    with work.begin(house(), signin.actor()) as w:
        items.revoke(w, s.item.id, grant_id)
    return _done(s, _("已移出知悉范围"), "access")
