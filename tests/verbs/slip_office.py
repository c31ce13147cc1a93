"""Short words for the tests of the 文件传递单: a file, a slip at each stage, one hop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from intranet.models import Copy, Item, Slip
from intranet.verbs import slip_hops, slips
from tests.office import Office
from vault.levels import Level


def document(
    desk: Office, *, copies: int = 1, level: Level = Level.CONFIDENTIAL, by: str = "custodian"
) -> Item:
    """A 秘密 file of the office; nobody but the custodians and the members of its unit may know of it."""
    return desk.add("document", by, title="冬季供热方案", level=level, copies=str(copies))


def facts(desk: Office, *logins: str, **other: Any) -> slips.Facts:
    """A slip that could start: these people, ten days from today."""
    today = desk.house.clock().astimezone(desk.house.zone).date()
    known: dict[str, Any] = {
        "purpose": "征求意见",
        "persons": tuple(desk.person(login).id for login in logins),
        "starts": today,
        "ends": today + timedelta(days=10),
    }
    return slips.Facts(**known | other)


def drafted(
    desk: Office, item: Item, *logins: str, by: str = "custodian", copy: int | None = None, **other: Any
) -> str:
    with desk.w(by) as w:
        return slips.draft(w, item.id, facts(desk, *logins, **other), copy=copy).number


def pending(desk: Office, item: Item, *logins: str, by: str = "custodian", **other: Any) -> str:
    number = drafted(desk, item, *logins, by=by, **other)
    with desk.w(by) as w:
        slips.submit(w, number)
    return number


def moving(desk: Office, item: Item, *logins: str, by: str = "custodian", **other: Any) -> str:
    number = pending(desk, item, *logins, by=by, **other)
    with desk.w("registrar") as w:
        slips.approve(w, number)
    return number


def give(desk: Office, number: str, giver: str, taker: str) -> str:
    with desk.w(giver) as w:
        slip_hops.give(w, number, desk.person(taker).id)
    return number


def hop(desk: Office, number: str, giver: str, taker: str, *, back: bool = False) -> str:
    give(desk, number, giver, taker)
    with desk.w(taker) as w:
        slip_hops.take(w, number, back=back)
    return number


def do(desk: Office, login: str, verb: Any, number: str, *given: Any, **named: Any) -> Any:
    with desk.w(login) as w:
        return verb(w, number, *given, **named)


def slip_of(desk: Office, number: str) -> Slip:
    from intranet.extensions import db

    db.session.rollback()
    return db.session.query(Slip).filter_by(number=number).one()


def copy_of(desk: Office, number: str) -> Copy:
    from intranet.extensions import db

    return db.session.get_one(Copy, slip_of(desk, number).copy_id)
