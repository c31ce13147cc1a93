"""Adding and editing. A form that is refused comes back with everything typed and every file already sent."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from vault.levels import Level

from .. import work
from ..errors import Conflict, Denied, Invalid, Missing, Unavailable
from ..extensions import db
from ..house import house
from ..models import Item
from ..policy import Permission, Standing
from ..verbs import bundles, deposits, history, items
from . import items_forms, page, signin
from .items_forms import Form
from .items_read import kind_of, seen, templates
from .names import names

STATUS = {Denied: 403, Conflict: 409, Unavailable: 503}


def new(kind: str) -> Response:
    """An empty form; the address may bring values along (`?title=…&place=…`), as a QR code at a door does."""
    declared, actor = kind_of(kind), signin.actor()
    form = Form(declared, list(declared.form_fields), level=declared.default_level, unit=actor.unit_id)
    form.title = request.args.get("title", "")[:300]
    form.raw = {f.name: request.args[f.name] for f in form.fields if f.name in request.args}
    if form.level > actor.clearance:
        form.level = min(declared.levels)
    form.folder = request.args.get("folder", "").strip()[:80]
    if form.folder and bundles.holds(declared):
        _as_folder(form)
    return _new_page(form)


def _as_folder(form: Form) -> None:
    """What goes into a folder begins with its level and its unit. A number that is hidden changes nothing, like one that is none."""
    try:
        folder = seen(form.folder).item
    except (Denied, Missing):
        return
    if house().kinds[folder.kind].bundles:
        form.level, form.unit = max(form.level, folder.level), folder.unit_id


def _new_page(form: Form, status: int = 200) -> Response:
    home, actor = house(), signin.actor()
    return page.render(
        templates(form.kind, "form.html"),
        status=status,
        kind=form.kind,
        form=form,
        item=None,
        files=[],
        rows=[],
        state_secrets_approved=home.settings.state_secrets_approved,
        units=items_forms.units(home, actor, form.kind),
        levels=items_forms.levels(home, actor, form.kind),
        repositories=items_forms.repositories(actor, form.kind),
    )


def add(kind: str) -> Response:
    home, actor, declared = house(), signin.actor(), kind_of(kind)
    form = items_forms.read(Form(declared, list(declared.form_fields)))
    # before a byte is sealed: may this person add here at all?
    home.policy.demand(actor, Permission.ITEM_ADD, (declared, form.unit or actor.unit_id or 0))
    asked = form.level
    if asked not in declared.levels or asked > actor.clearance:
        form.level = min(declared.levels)
    items_forms.seal(form)
    form.level = asked
    try:
        with work.begin(home, actor) as w:
            item = items.create(
                w,
                declared,
                form.raw,
                title=form.title,
                unit_id=form.unit or 0,
                level=Level(form.level),
                repository_id=form.repository,
                blobs=form.kept,
                declared=form.declared,
            )
            if form.folder and bundles.holds(declared):
                bundles.into(w, form.folder, item)
            _nothing_missing(form)
    except Invalid as invalid:
        form.errors = invalid.errors | form.errors
        return _new_page(form, 422)
    except Denied as denied:
        if denied.hidden or not form.folder:
            raise
        form.errors["folder"] = denied.why  # not the custodian of that folder
        return _new_page(form, 403)
    except (Conflict, Unavailable) as error:
        form.errors[""] = error.why
        return _new_page(form, STATUS[type(error)])
    return page.done(
        url_for("items.show", number=item.number), _("已登记，编号 %(number)s", number=item.number)
    )


def _nothing_missing(form: Form) -> None:
    """A file that could not be sealed must not go missing silently: the form comes back, nothing was saved."""
    if form.errors:
        raise Invalid({})


# -- editing -----------------------------------------------------------------------------------------------------
def edit(number: str) -> Response:
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.ITEM_EDIT, s)
    form = _form(s)
    form.title, form.version = s.item.title, s.item.version
    form.raw = items_forms.kept_value(form.fields, s.item.data)
    return _edit_page(form, s.item)


def _form(s: Standing) -> Form:
    home, actor = house(), signin.actor()
    kind = home.kinds[s.item.kind]
    fields = [f for f in kind.edit_fields if home.policy.shows(actor, s, f)]
    return Form(kind, fields, level=s.item.level)


def _edit_page(form: Form, item: Item, status: int = 200, rows: Any = (), last: Any = None) -> Response:
    return page.render(
        templates(form.kind, "form.html"),
        status=status,
        kind=form.kind,
        form=form,
        item=item,
        files=deposits.files(db.session(), item.id),
        rows=list(rows),
        last=last,
        state_secrets_approved=house().settings.state_secrets_approved,
        item_registered_only=Level(item.level).slug in house().settings.register_only_levels.split(),
        units=[],
        levels=[],
        repositories=[],
    )


def save(number: str) -> Response:
    home, actor = house(), signin.actor()
    s = seen(number)
    form = items_forms.read(_form(s))
    form.level = s.item.level
    if home.policy.decide(actor, Permission.ITEM_EDIT, s).ok:
        items_forms.seal(form)
    try:
        with work.begin(home, actor) as w:
            items.edit(
                w,
                s.item.id,
                form.raw,
                title=form.title,
                version=form.version,
                blobs=form.kept,
                drop=sorted(form.drop),
                reason=form.reason,
                declared=form.declared,
            )
            _nothing_missing(form)
    except Invalid as invalid:
        form.errors = invalid.errors | form.errors
        return _edit_page(form, seen(number).item, 422)
    except Conflict:
        return _clash(form, number)
    except Denied as denied:
        if denied.hidden:
            raise
        form.errors[""] = denied.why
        return _edit_page(form, seen(number).item, 403)
    except Unavailable as away:
        form.errors[""] = away.why
        return _edit_page(form, seen(number).item, 503)
    return page.done(url_for("items.show", number=number), _("已保存"))


def _clash(form: Form, number: str) -> Response:
    """Somebody saved first: both versions side by side, mine on top of theirs in the form."""
    item = seen(number).item
    base = history.revision(db.session(), item.id, form.version) if form.version else None
    last = history.revision(db.session(), item.id, item.version)
    rows = items_forms.merge(form, item, base)
    names().load(persons=[last.by_id] if last else [])
    return _edit_page(form, item, 409, rows, last)
