"""移交归档: the package for the archives, their receipt, and the end of our own copy (seeds L47; FEATURES row 71).

The bodies leave once, in the open, for whoever keeps them from now on: that is said in the log of each file before the first byte.
When a second person has confirmed the receipt, our keys die as with a destruction: we no longer keep what others keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .. import work
from ..actor import Actor
from ..errors import Conflict, Invalid
from ..house import House
from ..models import Blob, Copy, DisposalList, DisposalRow, Item, Loan, Slip
from ..policy import Permission, Standing
from ..work import Work
from . import copies, deposits, disposal

SHOWN = 8  # signs of the manifest's hash that the paper receipt repeats


@dataclass(frozen=True)
class Leaving:
    """One file of a package: its register row and its bodies, each opened when its turn comes."""

    item: Item
    bodies: Sequence[deposits.Opened]


@dataclass(frozen=True)
class Package:
    """A package about to be sent: the log rows are committed."""

    list: DisposalList
    files: Sequence[Leaving]


def package(house: House, actor: Actor, list_id: int, *, sealed: bool = False) -> Package:
    """Demand, record each body, then hand out the readers. `sealed`: it leaves closed for the archives' key only.

    Raises Denied (no custodian of each, no fresh factor, one on hold), Conflict (not approved, receipt entered already)."""
    with work.begin(house, actor) as w:
        found, standings = disposal.lock(w, list_id, "approved", way="transfer")
        _all(w, standings, Permission.TRANSFER_PACKAGE)
        if found.first_by is not None:
            raise Conflict(_("接收单已登记，不再打包"))
        bodies: dict[int, list[deposits.Opened]] = {s.item.id: [] for s in standings}
        query = select(Blob).where(Blob.item_id.in_(bodies), Blob.state == "stored").order_by(Blob.id)
        items = {s.item.id: s.item for s in standings}
        for blob in w.session.scalars(query):
            item = items[blob.item_id or 0]
            w.record("body.transfer", item, detail={"blob": blob.id, "list": found.number, "sealed": sealed})
            bodies[item.id].append(deposits.Opened(blob, item, house, blob.header))
        disposal.record(w, "disposal.package", found, standings, sealed=sealed)
    return Package(found, [Leaving(s.item, bodies[s.item.id]) for s in standings])


@dataclass(frozen=True)
class Facts:
    """Of each file of a list: its copies, and how often it was lent and circulated. Who read it stays in our log."""

    copies: Mapping[int, Sequence[Copy]]
    loans: Mapping[int, int]
    slips: Mapping[int, int]


def facts(session: Session, list_id: int) -> Facts:
    """Three statements, whatever is on the list."""
    on = select(DisposalRow.item_id).where(DisposalRow.list_id == list_id, DisposalRow.dropped.is_(None))
    copies_: dict[int, list[Copy]] = {}
    for copy in session.scalars(select(Copy).where(Copy.item_id.in_(on)).order_by(Copy.number)):
        copies_.setdefault(copy.item_id, []).append(copy)
    lent = select(Loan.item_id, func.count()).where(Loan.item_id.in_(on), Loan.copy_id.is_not(None))
    slips = select(Slip.item_id, func.count()).where(Slip.item_id.in_(on))
    return Facts(
        copies_,
        dict(session.execute(lent.group_by(Loan.item_id)).all()),
        dict(session.execute(slips.group_by(Slip.item_id)).all()),
    )


def packaged(w: Work, list_id: int, manifest: str) -> None:
    """The last byte was sent: the SHA-256 of the manifest is kept, to be compared with the receipt. A list that has gone on
    meanwhile keeps the one it has."""
    found = w.session.get_one(DisposalList, list_id, with_for_update=True, populate_existing=True)
    if found.state == "approved" and found.first_by is None:
        found.package = manifest
        w.record("disposal.packaged", detail={"list": found.number, "manifest": manifest}, level=found.level)


def receipt(
    w: Work, list_id: int, *, receiver: str, number: str, received: date | None, check: str
) -> DisposalList:
    """A custodian enters what the archives signed: who received, the number of their receipt, its day, and the first signs of the
    manifest's hash as they stand on it. Once more corrects it, until it is confirmed. Raises Denied, Invalid, Conflict."""
    found, standings = disposal.lock(w, list_id, "approved", way="transfer")
    _all(w, standings, Permission.TRANSFER_RECEIPT)
    if not found.package:
        raise Conflict(_("请先生成移交包，交档案部门签收"))
    errors = {}
    for name, text in (("receiver", receiver), ("number", number)):
        if not text.strip() or len(text.strip()) > 200:
            errors[name] = _("不能超过 %(n)s 个字", n=200) if text.strip() else _("请填写此项")
    if received is None or received > w.today:
        errors["received"] = _("请填写日期，不能晚于今天")
    elif found.decided is not None and received < found.decided.astimezone(w.house.zone).date():
        errors["received"] = _("不能早于批准移交之日")
    typed = check.strip().lower()
    if len(typed) < SHOWN or not found.package.startswith(typed):
        errors["check"] = _("与移交包的清单校验值不符，请核对接收单")
    if errors:
        raise Invalid(errors)
    found.receiver, found.receipt, found.received = receiver.strip(), number.strip(), received
    found.first_signed, found.first_by = w.now, w.actor.id
    disposal.record(w, "disposal.receipt", found, standings, receiver=found.receiver, receipt=found.receipt)
    return found


def confirm(w: Work, list_id: int, *, seen: str | None = None) -> DisposalList:
    """The approver, or another custodian than who entered the receipt, confirms it: the files are transferred, our bodies die.
    Raises Denied, Conflict (no receipt yet, a copy out)."""
    found, standings = disposal.lock(w, list_id, "approved", way="transfer", seen=seen)
    if found.first_by is None:
        raise Conflict(_("尚未登记档案部门的接收单"))
    for s in standings:
        w.house.policy.demand(w.actor, Permission.TRANSFER_CONFIRM, s)
        disposal.all_in(w, s.item)
    found.second_signed, found.second_by = w.now, w.actor.id
    found.state, found.done = "done", w.now
    for s in standings:
        said = _("%(receiver)s，接收单 %(receipt)s", receiver=found.receiver, receipt=found.receipt)
        item = disposal.move(w, s, "transfer", Permission.TRANSFER_CONFIRM, reason=said)
        copies.ended(w, item, item.state)
        count = deposits.destroy(w, item)
        detail = {"files": count, "list": found.number, "receiver": found.receiver, "receipt": found.receipt}
        w.record("item.transferred", item, detail=detail)
    return found


def _all(w: Work, standings: Sequence[Standing], permission: Permission) -> None:
    for s in standings:
        w.house.policy.demand(w.actor, permission, s)
