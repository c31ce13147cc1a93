"""Whatever is tried in whatever order: no file ends without an approver and two others, on hold, or while a copy is out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import DomainError
from intranet.models import Blob, BlobHeader, Copy, DisposalList, DisposalRow, Hold, Item, Loan
from intranet.verbs import destruction, disposal, holds, loans
from intranet.work import Work
from tests.office import Office
from vault.levels import Level

PEOPLE = ("registrar", "custodian", "lead", "leader", "deputy", "lead_cw")


def _list(w: Work, item: int) -> int:
    row = select(DisposalRow.list_id).where(DisposalRow.item_id == item)
    return w.session.scalars(row.order_by(DisposalRow.list_id.desc())).first() or 0


def _loan(w: Work, item: int) -> int:
    return (
        w.session.scalars(select(Loan.id).where(Loan.item_id == item).order_by(Loan.id.desc())).first() or 0
    )


ACTS: dict[str, Callable[[Work, int], Any]] = {
    "propose": lambda w, i: disposal.propose(w, "destroy", [i], "期满"),
    "approve": lambda w, i: disposal.approve(w, _list(w, i)),
    "reject": lambda w, i: disposal.reject(w, _list(w, i), "不同意"),
    "withdraw": lambda w, i: disposal.withdraw(w, _list(w, i), "撤回"),
    "keep": lambda w, i: disposal.keep(w, _list(w, i), i, "还要用"),
    "sign": lambda w, i: destruction.sign(w, _list(w, i)),
    "hold": lambda w, i: holds.set_(w, i, "保全"),
    "release": lambda w, i: holds.release(w, i, "结束"),
    "apply": lambda w, i: loans.apply(w, i, purpose="核对", until=w.today + timedelta(days=3)),
    "lend": lambda w, i: loans.lend(w, _loan(w, i)),
    "return": lambda w, i: loans.give_back(w, _loan(w, i)),
    "check": lambda w, i: loans.check(w, _loan(w, i), condition="完好"),
}
MOVES = st.tuples(st.sampled_from(PEOPLE), st.sampled_from(sorted(ACTS)))
#: Toward the end, so that many runs come to it; what is drawn comes between.
WAY = [("registrar", "propose"), ("lead", "approve"), ("custodian", "sign"), ("leader", "sign")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(between=st.lists(st.lists(MOVES, max_size=4), min_size=4, max_size=4))
def test_no_order_of_steps_ends_a_file_against_the_rules(
    desk: Office, db: Session, between: list[list[tuple[str, str]]]
) -> None:
    blob = desk.deposit("custodian", b"body", level=Level.INTERNAL)
    made = desk.add("document", "custodian", level=Level.INTERNAL, blobs=(blob,))
    item, number = made.id, made.number
    for drawn, onward in zip(between, WAY, strict=True):
        for login, act in (*drawn, onward):
            _try(desk, db, item, login, act)
    kept = db.get_one(Item, item)
    assert kept.number == number


def _try(desk: Office, db: Session, item: int, login: str, act: str) -> None:
    db.rollback()
    before = db.get_one(Item, item).state
    held = db.scalars(select(Hold).where(Hold.item_id == item, Hold.released.is_(None))).all()
    out = [c.state for c in db.scalars(select(Copy).where(Copy.item_id == item)) if c.state != "held"]
    try:
        with desk.w(login, fresh=True) as w:
            ACTS[act](w, item)
    except DomainError:
        pass
    db.rollback()
    after = db.get_one(Item, item, populate_existing=True).state
    if after != "destroyed":
        return
    assert (
        len(db.scalars(select(Copy.state).where(Copy.item_id == item, Copy.state == "destroyed")).all()) == 1
    )
    if before == "destroyed":
        return
    assert not held and not out
    row = select(DisposalRow.list_id).where(DisposalRow.item_id == item, DisposalRow.dropped.is_(None))
    found = db.get_one(DisposalList, db.scalars(row).one())
    taking_part = {found.proposed_by, found.decided_by}
    signers = {found.first_by, found.second_by}
    assert None not in taking_part | signers
    assert len(taking_part) == len(signers) == 2
    assert found.decided_by not in signers
    headers = select(BlobHeader).join(Blob, Blob.id == BlobHeader.blob_id).where(Blob.item_id == item)
    assert not db.scalars(headers).all()
