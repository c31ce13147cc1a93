"""What the regulations forbid is refused, each with the rule it breaks; and a refused act leaves everything as it was."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from intranet import models
from intranet.errors import Denied
from intranet.extensions import db
from tests.office import Clock, Office
from tests.verbs.forbidden import Case

HERE = Path(__file__).parent
CASES: list[Case] = [
    case
    for file in sorted(HERE.glob("forbidden_*.py"))
    for case in import_module(f"tests.verbs.{file.stem}").CASES
]
#: A refused act may leave an audit row, and a sealed file that no item has: nothing else.
TABLES = (
    models.Item, models.Copy, models.Loan, models.Extension, models.Approval, models.Reading, models.Slip, models.SlipScope, models.Hop, models.ShelfCheck,
    models.Inspection, models.Hold, models.DisposalList, models.DisposalRow, models.Grant, models.Place, models.Counter,
)  # fmt: skip


def _everything() -> dict[str, Any]:
    """Every row of the tables of custody as the database has it."""
    db.session.rollback()
    tables = {model.__tablename__: model.__table__ for model in TABLES}
    return {name: sorted(map(repr, db.session.execute(select(table)))) for name, table in tables.items()}


def _refusals() -> int:
    query = select(func.count()).select_from(models.Audit).where(models.Audit.outcome == "refused")
    return db.session.scalar(query) or 0


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_what_is_forbidden_is_refused_and_changes_nothing(case: Case, desk: Office, clock: Clock) -> None:
    given = case.before(desk, clock)
    was, refused = _everything(), _refusals()
    with pytest.raises(case.error):
        case.act(desk, given)
    assert _everything() == was, case.rule
    assert _refusals() == refused + (case.error is Denied), case.rule  # who tried what is known


def test_no_two_rows_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert all(case.rule.strip() for case in CASES)
