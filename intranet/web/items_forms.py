"""The form of an item: what was typed, what is offered, files already sealed. Nothing typed or sent is ever lost.

Files are sealed before the item's transaction; when the form is refused they come back as signed ids (`kept`), so that
nobody sends a file twice. `deposits.adopt` takes only files of the same person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from vault.levels import Level

from ..actor import Actor
from ..errors import Denied, Invalid, Unavailable
from ..extensions import db
from ..house import House, house
from ..kinds.base import Checks, Field, Files, Kind, Wrong
from ..models import Blob, Item, Repository, Revision, Unit
from ..policy import Permission
from ..verbs import declarations, deposits, pictures
from . import present, signin, tokens, upload
from .names import names

KEPT = "deposit"


@dataclass
class Form:
    """One form, new or of an item. `raw` holds what the inputs show; `errors` by field, "" for the whole."""

    kind: Kind
    fields: list[Field]
    title: str = ""
    level: int = 0
    unit: int | None = None
    repository: int | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    drop: set[int] = field(default_factory=set)
    version: int | None = None
    reason: str = ""
    declared: str = ""
    folder: str = ""

    @property
    def groups(self) -> list[tuple[str, list[Field]]]:
        """The fields as on the paper form: by group, in the order of the declaration; ungrouped ones first."""
        found: dict[str, list[Field]] = {"": []}
        for f in self.fields:
            found.setdefault(str(f.group), []).append(f)
        return [(title, fields) for title, fields in found.items() if title or fields]

    @property
    def labels(self) -> dict[str, str]:
        own = {
            "title": str(self.kind.title_label),
            "unit": _("所属单位"),
            "level": _("密级"),
            "repository": _("存储库"),
            "reason": _("理由"),
            "declared": _("保密声明"),
            "folder": _("归入案卷"),
        }
        return own | {f.name: str(f.title) for f in self.kind.fields}

    def kept_blobs(self) -> list[tuple[str, Blob]]:
        """(signed id, file) of what is sealed already and waits to be taken over."""
        if not self.kept:
            return []
        mine = select(Blob).where(
            Blob.id.in_(self.kept),
            Blob.item_id.is_(None),
            Blob.state == "stored",
            Blob.by_id == signin.actor().id,
        )
        return [(tokens.sign(_purpose(), b.id), b) for b in db.session.scalars(mine.order_by(Blob.id))]


def _purpose() -> str:
    return f"{KEPT}/{signin.actor().id}"


def read(form: Form) -> Form:
    """Fill a form from the request."""
    sent = request.form
    form.title, form.reason = sent.get("title", ""), sent.get("reason", "")
    form.declared, form.folder = sent.get("declared", ""), sent.get("folder", "").strip()[:80]
    form.unit, form.repository, form.version = number("unit"), number("repository"), number("version")
    form.raw = typed(form.fields)
    form.kept = tokens.numbers(_purpose(), sent.getlist("kept"))
    form.drop = {int(v) for v in sent.getlist("drop") if v.isascii() and v.isdigit() and len(v) < 10}
    try:
        form.level = int(Level.parse(sent.get("level", "")))
    except ValueError:
        form.level = form.kind.default_level
        if sent.get("level"):  # never the default silently: what was meant may be higher
            form.errors["level"] = _("请从列表中选择")
    return form


def number(name: str) -> int | None:
    """A whole number of the request, None where there is none."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def typed(fields: Iterable[Field]) -> dict[str, Any]:
    """What was typed into the inputs of these fields."""
    sent = request.form
    return {f.name: sent.getlist(f.name) if isinstance(f, Checks) else sent.get(f.name, "") for f in fields}


def seal(form: Form) -> None:
    """Seal the files of the request into `form.kept`; what cannot be kept becomes an error of its field.

    One that fails does not take the others with it. Nothing is sealed that might hold a State secret (`declarations`)."""
    sent = {d.name: [p for p in request.files.getlist(d.name) if p.filename] for d in form.kind.files}
    wrong = declarations.wrong(
        house().settings, form.kind, [p for parts in sent.values() for p in parts], form.declared
    )
    if wrong:
        form.errors |= wrong
        for name, parts in sent.items():
            if parts:
                form.errors[name] = _("文件没有收下，声明后请重新选择")
        return
    for declared in form.kind.files:
        parts = sent[declared.name]
        for part in parts if declared.many else parts[:1]:
            try:
                form.kept.append(_sealed(form, declared, part))
            except Invalid as invalid:
                why = next(iter(invalid.errors.values()))
                form.errors[declared.name] = _("%(label)s：%(text)s", label=part.filename, text=why)
            except Unavailable as away:
                form.errors[declared.name] = str(away.why)


def _sealed(form: Form, declared: Files, part: FileStorage) -> int:
    pieces = upload.chunks(part)
    return deposits.deposit(
        house(),
        signin.actor(),
        level=Level(form.level),
        filename=part.filename or "",
        chunks=pictures.clean(pieces) if declared.image else pieces,
        field=declared.name,
    )


# -- what is offered ---------------------------------------------------------------------------------------------
def units(home: House, actor: Actor, kind: Kind) -> list[tuple[int, str]]:
    """The units the actor may add to, in tree order. Raises Denied when there are none."""
    rows = db.session.execute(select(Unit.id, Unit.path).where(Unit.active).order_by(Unit.path)).all()
    allowed = [
        (i, "　" * max(0, path.count("/") - 2) + names().unit(i))
        for i, path in rows
        if home.policy.decide(actor, Permission.ITEM_ADD, (kind, i)).ok
    ]
    if not allowed:
        why = home.policy.decide(actor, Permission.ITEM_ADD, (kind, actor.unit_id or 0)).why
        raise Denied(why, permission=Permission.ITEM_ADD.value)
    return allowed


def levels(home: House, actor: Actor, kind: Kind) -> list[tuple[str, str, str]]:
    """The levels the actor may give, each with what it means for the files."""
    only_register = home.settings.register_only_levels.split()
    return [
        (
            Level(n).slug,
            present.level_of(n).label,
            _("只登记，不收存正文") if Level(n).slug in only_register else "",
        )
        for n in kind.levels
        if n <= actor.clearance
    ]


def repositories(actor: Actor, kind: Kind) -> list[tuple[int, str]]:
    if not kind.repositories:
        return []
    query = select(Repository.id, Repository.title).where(
        Repository.active, Repository.id.in_(sorted(actor.repositories))
    )
    return [(i, t) for i, t in db.session.execute(query.order_by(Repository.code))]


# -- two people saved at once --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Row:
    """One field in which the two versions differ. `who`: both, theirs or mine changed it since I began."""

    name: str
    title: Any
    theirs: str
    mine: str
    who: str


def merge(form: Form, item: Item, base: Revision | None) -> list[Row]:
    """Put what I typed on top of what they saved. Where only they changed a field, theirs is taken over into the form;
    where both did, mine stays in the form and the row says so. The form then stands on the present version."""
    rows: list[Row] = []
    began = base.data if base is not None else item.data
    for f in form.fields:
        theirs, mine = item.data.get(f.name), _parsed(f, form.raw.get(f.name))
        if mine == theirs:
            continue
        if base is not None and mine == began.get(f.name):
            who = "theirs"
        else:
            who = "mine" if theirs == began.get(f.name) else "both"
        rows.append(Row(f.name, f.title, _words(f, theirs), _words(f, mine), who))
        if who == "theirs":
            form.raw[f.name] = theirs
    if form.title.strip() != item.title:
        was = base.title if base is not None else item.title
        who = "theirs" if form.title.strip() == was else "mine" if item.title == was else "both"
        rows.insert(0, Row("title", form.kind.title_label, item.title, form.title.strip(), who))
        if who == "theirs":
            form.title = item.title
    form.version = item.version
    return rows


def _parsed(f: Field, raw: Any) -> Any:
    try:
        return f.parse(raw)
    except Wrong:
        return raw


def _words(f: Field, value: Any) -> str:
    try:
        return present.value({f.name: value}, f)
    except (ValueError, TypeError, ArithmeticError):
        return str(value)  # as typed: it does not fit the field


def kept_value(fields: Sequence[Field], data: Mapping[str, Any]) -> dict[str, Any]:
    """Kept values as the inputs take them, and as `parse` reads them back."""
    return {f.name: present.raw_of(f, data.get(f.name)) for f in fields}
