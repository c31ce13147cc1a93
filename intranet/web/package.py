"""移交包: what the archives get for an approved list of transfer, and what it holds besides the files.

A BagIt bag as one ZIP file, sent as it is made: no file of it ever lies on our disk, in the clear or otherwise. Asked for closed, it is
an age file for the key (or the passphrase) of the archives. It is read without this product: `README.txt` in it says how.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask_babel import gettext as _

from vault import age
from vault.age import NoIdentity, Recipient
from vault.errors import VaultError
from vault.levels import Level

from .. import work
from ..actor import Actor
from ..errors import Conflict, Invalid, Unavailable
from ..extensions import db
from ..house import House, house
from ..kinds.base import Files
from ..models import Copy, Item
from ..policy import BODY_FRESH_LEVEL
from ..verbs import deposits, handover
from . import export, files, present, signin, xlsx
from .bag import Bag, Names, safe_name
from .disposals import seen, show_page
from .items_read import in_full
from .names import names

bp = Blueprint("package", __name__, url_prefix="/disposals")

PASSPHRASE = 12  # signs at least of what closes a package that leaves the house
LIST = "移交清单"
RECEIPT = "移交接收单.html"
README = "README.txt"


@bp.post("/<list_number>/package")
def download(list_number: str) -> Response:
    """The package as a download. Demanded and recorded for each body before the first byte; the hash of the manifest is kept
    when the last one is sent."""
    home, actor = house(), signin.actor()
    found = seen(list_number)
    if found.level >= BODY_FRESH_LEVEL and not actor.fresh:
        return redirect(
            url_for("session.factor", next=url_for("disposals.show", list_number=list_number)), 303
        )  # type: ignore[return-value]
    list_id = found.id
    try:
        recipient = _recipient()
        package = handover.package(home, actor, list_id, sealed=recipient is not None)
    except Invalid as invalid:
        return show_page(seen(list_number), invalid.errors, "package", 422)
    except Conflict as conflict:
        return show_page(seen(list_number), {"": conflict.why}, "package", 409)
    _keys_are_here(home, package)
    content = Content(home, actor, package)
    body: Iterator[bytes] = content.pieces()
    name = f"{safe_name(found.number)}.zip"
    if recipient is not None:
        body, name = age.encrypt(body, [recipient]), f"{name}.age"
    response = Response(stream_with_context(body), content_type="application/octet-stream")
    if recipient is None:
        response.content_type = "application/zip"
    response.headers["Content-Disposition"] = files.disposition("attachment", name)
    response.headers["Cache-Control"] = "no-store"
    return response


def _recipient() -> Recipient | None:
    """Whom the package is closed for; None: it leaves open. Raises Invalid."""
    if not request.form.get("sealed"):
        return None
    key, passphrase = request.form.get("recipient", "").strip(), request.form.get("passphrase", "")
    if bool(key) == bool(passphrase):
        raise Invalid({"recipient": _("请填写档案部门的公钥，或口令，二者填一")})
    if passphrase and len(passphrase) < PASSPHRASE:
        raise Invalid({"passphrase": _("口令至少 %(n)s 个字符", n=PASSPHRASE)})
    try:
        return age.parse_recipient(key) if key else age.ScryptRecipient(passphrase)
    except ValueError:
        raise Invalid({"recipient": _("不是 age 公钥（以 age1 开头）")}) from None


def _keys_are_here(home: House, package: handover.Package) -> None:
    """Better to refuse than to break off in the middle."""
    for level in {o.blob.level for f in package.files for o in f.bodies}:
        if not home.vault.keyring.can_open(Level(level)):
            raise Unavailable(_("当前进程没有打开此密级的密钥，请联系系统管理员"))


@dataclass(frozen=True)
class Sent:
    """A body as it lies in the package."""

    path: str
    original: str
    size: int
    mime: str
    sha256: str


class Content:
    """What goes into the bag. Everything but the bodies is looked up before the first byte: nothing of the database is held
    while they travel."""

    def __init__(self, home: House, actor: Actor, package: handover.Package) -> None:
        self.home, self.actor, self.package = home, actor, package
        self.app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self.list_id, self.number = package.list.id, package.list.number
        self.way, self.reason, self.said = package.list.way, package.list.reason, package.list.said
        self.at = (package.list.decided or package.list.proposed).astimezone(home.zone)
        facts = handover.facts(db.session(), self.list_id)
        people = [package.list.proposed_by, package.list.decided_by]
        names().load(persons=[*people, *(f.item.owner_id for f in package.files)])
        self.proposer, self.approver = (names().person(p) for p in people)
        self.unit = names().unit(package.list.unit_id)
        self.level = present.level_of(package.list.level)
        self.documents = [self._document(f.item, facts) for f in package.files]
        self.bodies = [list(f.bodies) for f in package.files]

    def _document(self, item: Item, facts: handover.Facts) -> dict[str, Any]:
        """One register row in words, as it stays readable."""
        kind = self.home.kinds[item.kind]
        fields = [
            f for f in kind.fields if not isinstance(f, Files) and item.data.get(f.name) not in (None, "", [])
        ]
        copies: Sequence[Copy] = facts.copies.get(item.id, ())
        return {
            "number": item.number,
            "title": item.title,
            "kind": str(kind.title),
            "level": present.level_of(item.level).label,
            "level_code": Level(item.level).slug,
            "unit": names().unit(item.unit_id),
            "handled_by": names().person(item.owner_id),
            "registered": item.created.astimezone(self.home.zone).isoformat(timespec="minutes"),
            "fields": [
                {
                    "name": f.name,
                    "title": str(f.title),
                    "value": item.data[f.name],
                    "text": present.value(item, f),
                }
                for f in fields
            ],
            "copies": [{"number": c.number, "state": c.state} for c in copies],
            "loans": facts.loans.get(item.id, 0),
            "slips": facts.slips.get(item.id, 0),
            "files": [],
        }

    # -- the bag --------------------------------------------------------------------------------------------------
    def pieces(self) -> Iterator[bytes]:
        """The ZIP file. What is damaged breaks it off: a clean end would pass for a whole one."""
        bag = Bag(safe_name(self.number), self.at.replace(tzinfo=None))
        given = Names()
        for document, bodies in zip(self.documents, self.bodies, strict=True):
            folder = f"files/{safe_name(document['number'])}"
            for opened in bodies:
                path = given.take(folder, opened.blob.filename)
                yield from bag.add(path, self._read(opened), opened.blob.size)
                sent = Sent(path, opened.blob.filename, opened.blob.size, opened.blob.mime, bag.digest(path))
                document["files"].append(vars(sent))
        for document in self.documents:
            sheet = render_template("package/document.html", d=document, package=self, in_full=in_full)
            path = given.take("documents", f"{document['number']}.html")
            yield from bag.add(path, [sheet.encode()])
        head, rows = self._table()
        yield from bag.add(f"{LIST}.csv", export.as_csv(head, rows))
        widths = [6, 20, 40, 8, 12, 12, 18, 10, 6, 40, 12, 66]
        yield from bag.add(f"{LIST}.xlsx", [b"".join(xlsx.write(LIST, head, rows, widths))])
        yield from bag.add("metadata.json", [self._metadata()])
        manifest = hashlib.sha256(bag.manifest()).hexdigest()
        yield from bag.finish(self._info(manifest), self._tags(manifest))
        with self.app.app_context(), work.begin(self.home, self.actor) as w:
            handover.packaged(w, self.list_id, manifest)

    def _read(self, opened: deposits.Opened) -> Iterator[bytes]:
        try:
            yield from opened.read()
        except NoIdentity as error:
            raise Unavailable(_("当前进程没有打开此密级的密钥，请联系系统管理员")) from error
        except VaultError as error:
            with self.app.app_context():
                deposits.damaged(self.home, self.actor, opened, f"{type(error).__name__}: {error}"[:200])
            raise

    def _table(self) -> tuple[list[str], list[list[xlsx.Cell]]]:
        """The list of transfer: a row for each body, one for a file without any."""
        head = [
            _("序号"), _("编号"), _("题名"), _("密级"), _("制定人员"), _("制定日期"), _("归属部门"), _("保管期限"), _("份数"),
            _("文件"), _("字节数"), "SHA-256",
        ]  # fmt: skip
        rows: list[list[xlsx.Cell]] = []
        for document in self.documents:
            words = {f["name"]: f["text"] for f in document["fields"]}
            own: list[xlsx.Cell] = [document["number"], document["title"], document["level"]]
            own += [words.get("author", ""), _day(document), document["unit"], words.get("retention", "")]
            own.append(len(document["copies"]))
            for sent in document["files"] or [{"path": "", "size": None, "sha256": ""}]:
                path = f"data/{sent['path']}" if sent["path"] else ""
                row = [len(rows) + 1, *own, path, sent["size"], sent["sha256"]]
                rows.append([export.guarded(v) for v in row])
        return head, rows

    def _metadata(self) -> bytes:
        told = {
            "list": {
                "number": self.number, "unit": self.unit, "reason": self.reason, "level": self.level.slug,
                "proposed_by": self.proposer, "approved_by": self.approver, "approved": self.at.isoformat(timespec="minutes"),
            },
            "documents": self.documents,
        }  # fmt: skip
        return (json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()

    def _info(self, manifest: str) -> dict[str, str]:
        """`bag-info.txt`, with the labels of RFC 8493 §2.2.2 and one of ours."""
        return {
            "Source-Organization": present.office(),
            "External-Identifier": self.number,
            "Bagging-Date": self.at.date().isoformat(),
            "Internal-Sender-Description": self.reason,
            "Manifest-SHA256": manifest,
        }

    def _tags(self, manifest: str) -> dict[str, bytes]:
        told = {
            "package": self,
            "manifest": manifest,
            "signs": manifest[: handover.SHOWN],
            "office": present.office(),
            "count": sum(len(d["files"]) for d in self.documents),
        }
        sheet = render_template("package/receipt.html", **told, in_full=in_full)
        readme = render_template("package/readme.txt", **told)
        return {RECEIPT: sheet.encode(), README: readme.encode()}


def _day(document: dict[str, Any]) -> str:
    return next((str(f["value"]) for f in document["fields"] if f["name"] == "dated"), "")
