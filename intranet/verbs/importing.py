"""Bringing in what an office already has: files and trees become entries, with their versions linked.

One transaction a file, so a run that was killed is simply run again: what came in is recognised by the fingerprint of its
content. A file of the same title, date and folder with other content is a new revision of its entry, never a second one.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import and_, exists, or_, select

from search import extract_charset
from vault.levels import Level

from ..actor import Actor
from ..errors import DomainError, Unavailable
from ..extensions import db
from ..house import House
from ..kinds.base import Kind
from ..kinds.resource import DEFAULT_MANAGEMENT
from ..models import Blob, Item, ItemValue, Term
from ..work import Work, begin
from . import declarations, deposits, import_names, items, office, relations

BLOCK = 1 << 20
SUBCLASS = "subclass"


@dataclass(frozen=True)
class Options:
    """What all entries of one run share. `business`: code of the seven-class list, which gives the management class; `declared`:
    what the operator says of the files (`verbs.declarations`)."""

    kind: str
    unit_id: int
    level: Level
    business: str = "other"
    pattern: str = "*"
    declared: str = ""


@dataclass(frozen=True)
class Found:
    """A file to bring in, or (with `why`) one that stays out. `shown`: its path below the root."""

    path: Path
    shown: str
    folder: str = ""
    why: str = ""


@dataclass
class Report:
    """What came of a run (INTERFACES: `import … --json`)."""

    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    left_out: list[dict[str, str]] = field(default_factory=list)

    def leave(self, path: str, reason: object) -> None:
        self.left_out.append({"path": path, "reason": str(reason)})


def find(root: Path, pattern: str = "*") -> list[Found]:
    """The files below `root` in order of their names, and what is left out. Nothing outside `root` is ever reached."""
    if not root.is_dir():
        return [_judge(root, root.name, root.parent)]
    return [f for f in _walk(root, root) if f.why or fnmatch.fnmatch(Path(f.shown).name, pattern)]


def _walk(folder: Path, root: Path) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as error:
        yield Found(folder, _shown(folder, root), why=_("无法读取：%(why)s", why=error.strerror))
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.name in ("__MACOSX", "Thumbs.db", "desktop.ini"):
            yield Found(path, _shown(path, root), why=_("隐藏文件"))
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root)
        else:
            yield _judge(path, _shown(path, root), root)


def _shown(path: Path, root: Path) -> str:
    return import_names.readable(str(path.relative_to(root)))


def _judge(path: Path, shown: str, root: Path) -> Found:
    folder = shown.rpartition("/")[0]
    try:
        real = path.resolve(strict=True)
        if path.is_symlink() and not real.is_relative_to(root.resolve()):
            return Found(path, shown, folder, _("链接指向目录之外"))
        if not real.is_file():
            return Found(path, shown, folder, _("不是普通文件"))
        if real.stat().st_size == 0:
            return Found(path, shown, folder, _("空文件"))
    except OSError as error:
        return Found(path, shown, folder, _("无法读取：%(why)s", why=error.strerror))
    return Found(path, shown, folder)


class Importer:
    """One run. `take` brings in one file and counts it; a refused file is reported, the others go on."""

    def __init__(self, house: House, actor: Actor, options: Options) -> None:
        self.house, self.actor, self.options = house, actor, options
        self.kind: Kind = house.kinds[options.kind]
        self.report = Report()
        self._taken: dict[
            tuple[str, str, str, str], str
        ] = {}  # what makes an entry the same -> path that gave it

    def take(self, found: Found) -> None:
        """Bring in one file. Raises Unavailable only (store or database away): then nothing more would succeed."""
        if found.why:
            self.report.leave(found.shown, found.why)
            return
        wrong = declarations.wrong(self.house.settings, self.kind, [found], self.options.declared)
        if wrong:
            self.report.leave(found.shown, next(iter(wrong.values())))
            return
        limit = self.house.settings.max_upload_mb
        try:
            if found.path.stat().st_size > limit << 20:
                self.report.leave(found.shown, _("超过 %(n)s MB", n=limit))
                return
            self._bring(found)
        except Unavailable:
            raise
        except OSError as error:
            self.report.leave(found.shown, _("无法读取：%(why)s", why=error.strerror))
        except DomainError as error:
            self.report.leave(found.shown, error)

    def _bring(self, found: Found) -> None:
        name = import_names.named(found.path.name)
        if self._known(deposits.fingerprint(self.house, _blocks(found.path))):
            self.report.unchanged += 1
            return
        same = (name.title, name.issued, found.folder, name.ending)
        if (before := self._taken.setdefault(same, found.shown)) != found.shown:
            self.report.leave(found.shown, _("与 %(path)s 题名、日期相同而内容不同", path=before))
            return
        blob = deposits.deposit(
            self.house, self.actor, level=self.options.level, filename=import_names.readable(found.path.name),
            chunks=_blocks(found.path),
        )  # fmt: skip
        text = self._text(found.path, name)
        with begin(self.house, self.actor) as w:
            standing = self._same(w, name, found.folder)
            if standing is None:
                item = self._add(w, name, found.folder, text, blob)
            else:
                item = self._renew(w, standing, name, text, blob)
            if text:
                deposits.read_already(w, blob)
            self._versions(w, item, name)
        if standing is None:
            self.report.imported += 1
        else:
            self.report.updated += 1

    def _known(self, fingerprint: str) -> bool:
        """Whether this content is already a file of an entry of this ledger. Only read: it takes no writer's place."""
        session = db.session()
        session.rollback()
        query = (
            select(Blob.id)
            .join(Item, Item.id == Blob.item_id)
            .where(Blob.fingerprint == fingerprint, Blob.state == "stored", Item.kind == self.kind.name)
        )
        return session.scalar(query.limit(1)) is not None

    def _text(self, path: Path, name: import_names.Named) -> str:
        """The body that a text file gives; empty for others, and above the level whose words may stand in clear."""
        most = Level.parse(self.house.settings.search_body_level)
        declared = next((f for f in self.kind.fields if f.name == "body"), None)
        longest = getattr(declared, "max", 0)
        if (
            name.ending not in import_names.TEXTS
            or self.options.level > most
            or path.stat().st_size > longest * 4
        ):
            return ""
        text = extract_charset.decode(path.read_bytes())
        body = import_names.body(text or "")
        return body if len(body) <= longest else ""

    def _same(self, w: Work, name: import_names.Named, folder: str) -> Item | None:
        """The entry of the same title, date and folder, made of a file of the same sort."""
        for item in w.session.scalars(self._titled(name.title)):
            if (item.data.get("issued") or "") != name.issued or (item.data.get(SUBCLASS) or "") != _code(
                folder
            ):
                continue
            held = deposits.files(w.session, item.id)
            if any(import_names.named(b.filename).ending == name.ending for b in held if b.state == "stored"):
                return item
        return None

    def _titled(self, title: str):  # type: ignore[no-untyped-def]  # Select of Item
        mine = and_(Item.kind == self.kind.name, Item.unit_id == self.options.unit_id, Item.title == title)
        return select(Item).where(mine).order_by(Item.id)

    def _add(self, w: Work, name: import_names.Named, folder: str, text: str, blob: int) -> Item:
        raw = self._raw(name, text) | {SUBCLASS: self._subclass(w, folder)}
        return items.create(
            w, self.kind, {k: v for k, v in raw.items() if v}, title=name.title, unit_id=self.options.unit_id,
            level=self.options.level, blobs=[blob], declared=self.options.declared,
        )  # fmt: skip

    def _raw(self, name: import_names.Named, text: str) -> dict[str, str]:
        return {
            "business": self.options.business,
            "management": DEFAULT_MANAGEMENT[self.options.business],
            "medium": "electronic",
            "form_kind": "text",
            "source": "document",
            "issued": name.issued,
            "body": text,
        }

    def _renew(self, w: Work, item: Item, name: import_names.Named, text: str, blob: int) -> Item:
        """Other content under the same name: a new revision, the file before it goes off the entry."""
        old = [
            b
            for b in deposits.files(w.session, item.id)
            if import_names.named(b.filename).ending == name.ending
        ]
        raw = dict(item.data) | ({"body": text} if text else {})
        return items.edit(
            w, item.id, raw, title=item.title, version=item.version, blobs=[blob],
            drop=[b.id for b in old if b.state == "stored"], reason=str(_("重新导入，内容有更新")),
            declared=self.options.declared,
        )  # fmt: skip

    def _subclass(self, w: Work, folder: str) -> str:
        """The folder as a word of the office's own list; one that the office knows keeps its title."""
        code = _code(folder)
        if code:
            query = select(Term).where(Term.vocabulary == SUBCLASS, Term.code == code)
            term = w.session.scalar(query)
            if term is None or not term.active:
                title = term.title if term is not None else code
                office.add_term(w, SUBCLASS, code, title, parent=self.options.business)
        return code

    def _versions(self, w: Work, item: Item, name: import_names.Named) -> None:
        """Link the versions of one title to their neighbours in time, newer to older."""
        if not name.issued:
            return
        dated = exists().where(
            ItemValue.item_id == Item.id, ItemValue.field == "issued", ItemValue.date.is_not(None)
        )
        others = [
            o
            for o in w.session.scalars(self._titled(name.title).where(or_(dated, Item.id == item.id)))
            if o.id != item.id and o.data.get("issued") != name.issued
        ]
        older = max((o for o in others if o.data["issued"] < name.issued), key=_issued, default=None)
        newer = min((o for o in others if o.data["issued"] > name.issued), key=_issued, default=None)
        if older is not None:
            relations.link(w, item, older, "version")
        if newer is not None:
            relations.link(w, newer, item, "version")


def _issued(item: Item) -> str:
    return str(item.data["issued"])


def _code(folder: str) -> str:
    return " ".join(folder.split())[:80]


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
