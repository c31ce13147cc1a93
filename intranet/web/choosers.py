"""What the choosers of several pages offer."""

from __future__ import annotations

from ..extensions import db
from ..verbs import office
from .names import names


def units() -> list[tuple[int, str]]:
    """The living units in tree order, indented."""
    found = office.units(db.session())
    return [(u.id, "　" * max(0, u.path.count("/") - 2) + names().unit(u.id)) for u in found]
