"""Reminders reach the desk, only of what their reader may know, and are put away by their reader."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from intranet.extensions import db
from intranet.models import Item, Message, Person
from tests.office import Clock, Office


def tell(desk: Office, login: str, item: Item, clock: Clock, code: str = "clock.due") -> int:
    with desk.w("cli:test") as w:
        person = w.session.scalars(select(Person.id).where(Person.login == login)).one()
        row = Message(person_id=person, item_id=item.id, at=clock(), code=code, key=f"{login}:{item.id}")
        w.session.add(row)
        w.session.flush()
        return row.id


def test_a_reminder_is_shown_until_it_is_put_away(
    desk: Office, clock: Clock, as_: Callable[..., FlaskClient]
) -> None:
    order = desk.add("workorder", "cook", title="后厨地漏返水")
    tell(desk, "cook", order, clock)
    browser = as_("cook")
    assert "要求完成" in browser.get("/").text
    browser.post("/messages/seen")
    assert "要求完成" not in browser.get("/").text


def test_nobody_puts_away_what_another_was_told(
    desk: Office, clock: Clock, as_: Callable[..., FlaskClient]
) -> None:
    order = desk.add("workorder", "cook", title="后厨地漏返水")
    message = tell(desk, "cook", order, clock)
    as_("warden").post("/messages/seen", data={"id": message})
    db.session.rollback()
    assert db.session.get_one(Message, message).read is None


def test_a_reminder_does_not_tell_of_what_may_not_be_known(
    desk: Office, clock: Clock, as_: Callable[..., FlaskClient]
) -> None:
    order = desk.add("workorder", "cook", title="后厨地漏返水")
    tell(desk, "warden", order, clock)
    assert order.number not in as_("warden").get("/").text
