"""借阅: what is refused (REQUIREMENTS A3; FEATURES rows 72, 78)."""

from __future__ import annotations

from datetime import timedelta

from intranet.errors import Conflict, Denied
from intranet.models import Item
from intranet.verbs import items, loans
from tests.office import Clock, Office
from tests.verbs.forbidden import Case
from vault.levels import Level


def document(desk: Office, _clock: Clock) -> Item:
    """A confidential file that the finance head may know of."""
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    return item


def applied(desk: Office, clock: Clock, login: str = "lead_cw") -> int:
    item = document(desk, clock)
    with desk.w(login) as w:
        return loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=5)).id


def lend(desk: Office, loan: int, login: str) -> None:
    with desk.w(login) as w:
        loans.lend(w, loan)


CASES = [
    Case(
        "A3 借阅：审批人不得是借阅人",
        "borrower-approves-own-loan",
        lambda desk, clock: applied(desk, clock, "custodian"),
        lambda desk, loan: lend(desk, loan, "custodian"),
        Denied,
    ),
    Case(
        "A3 借阅：只有保管员可以批准借出",
        "reader-lends",
        applied,
        lambda desk, loan: lend(desk, loan, "lead_cw"),
        Denied,
    ),
    Case(
        "A3 L51：一份文件同一时间只在一人手中",
        "copy-lent-twice",
        lambda desk, clock: (lend(desk, loan := applied(desk, clock), "custodian"), loan)[1],
        lambda desk, loan: lend(desk, loan, "custodian"),
        Conflict,
    ),
]
