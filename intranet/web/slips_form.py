"""The form of a 文件传递单: what was typed is read without a verdict, kept whatever happens, and offered again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Response
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from vault.levels import Level

from ..errors import Invalid
from ..extensions import db
from ..house import house
from ..kinds.base import Person, UnitRef
from ..models import Copy, Item, Slip
from ..verbs import slip_base
from ..verbs.slip_rows import View
from ..verbs.slips import Facts
from . import page, slips_page
from .names import choices_of, names


@dataclass(frozen=True)
class Typed:
    """As it stood in the form. `then`: keep (a draft) or submit."""

    purpose: str = ""
    persons: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    starts: str = ""
    ends: str = ""
    direct: bool = False
    copy: str = ""
    then: str = "keep"

    def facts(self) -> Facts:
        """Raises Invalid for a date that is none; an id that is none is one that nobody has."""
        return Facts(
            self.purpose, tuple(map(_id, self.persons)), tuple(map(_id, self.units)), _day(self.starts), _day(self.ends),
            self.direct,
        )  # fmt: skip

    def copy_number(self) -> int | None:
        return _id(self.copy) if self.copy else None


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid({"ends": _("请填写日期，例如 2026-11-23")}) from None


def empty(copy: str) -> Typed:
    today = house().clock().astimezone(house().zone).date()
    return Typed(starts=today.isoformat(), ends=(today + timedelta(days=14)).isoformat(), copy=copy[:9])


def read(form: MultiDict[str, str]) -> Typed:
    """What was typed; no more rows than a form of this office can have."""
    return Typed(
        form.get("purpose", ""), tuple(form.getlist("person")[:500]), tuple(form.getlist("unit")[:500]),
        form.get("starts", ""), form.get("ends", ""), form.get("direct") == "1", form.get("copy", "")[:9], form.get("then", "keep"),
    )  # fmt: skip


def of(view: View) -> Typed:
    """The form of a draft."""
    slip = view.slip
    return Typed(
        slip.purpose,
        tuple(str(r.person_id) for r in view.scope if r.person_id is not None),
        tuple(str(r.unit_id) for r in view.scope if r.unit_id is not None),
        slip.starts.isoformat() if slip.starts else "",
        slip.ends.isoformat() if slip.ends else "",
        slip.direct,
        str(view.copy.number),
    )


def show(
    item: Item, typed: Typed, errors: Mapping[str, Any] | None = None, status: int = 200, *, slip: str = ""
) -> Response:
    """The form of a new slip, or of the draft of this number."""
    home = house()
    today = home.clock().astimezone(home.zone).date()
    most = slip_base.longest(home, Level(item.level).slug)
    names().load(units=[item.unit_id])
    return page.render(
        "slips/form.html",
        status=status,
        item=item,
        kind=home.kinds[item.kind],
        typed=typed,
        errors=errors or {},
        labels=slips_page.LABELS,
        copies=[] if slip else free_copies(item.id),
        people=choices_of(Person("person", ""), item.level),
        units=choices_of(UnitRef("unit", "")),
        today=today,
        last=today + timedelta(days=most),
        most=most,
        slip=slip,
    )


def free_copies(item_id: int) -> list[int]:
    """The copies that stand in their place and on which no slip is open. One statement."""
    taken = select(Slip.copy_id).where(Slip.item_id == item_id, Slip.state.in_(slip_base.LIVE))
    query = select(Copy.number).where(Copy.item_id == item_id, Copy.state == "held", Copy.id.not_in(taken))
    return list(db.session.scalars(query.order_by(Copy.number)))
