"""Addresses and forms as no browser sends them: refused or ignored, never an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intranet.kinds.fields import Date, DateTime, Integer, Money, PlaceRef, Text, Wrong
from tests.office import Office

As = Callable[..., FlaskClient]
ODD = (
    "-1", "²", "١٢", "9" * 11, "9" * 30, "a\x00b", "\x00", "'\"><script>", "2026-13-40", "0001-01-01", "9999-12-31", "NaN", "|",
    "²|²", "2026-01-01|5", "2026-01-01T00:00:00|²", "2026-01-01T00:00:00|5", "0001-01-01T00:00:00+14:00|5",
    "9999-12-31T23:59:59-12:00|5", "1|" + "9" * 30, "🙂" * 50, "a" * 3000, "\u202e../../etc/passwd", "%", "_",
)  # fmt: skip
PAGES = {
    "/items/resource/": (
        "q",
        "after",
        "before",
        "level",
        "unit",
        "repository",
        "order",
        "state",
        "business",
        "subclass",
    ),
    "/items/document/": ("after", "order", "retention"),
    "/items/resource/export": ("as", "item", "level", "order"),
    "/items/resource/new": ("title", "place", "issued", "business", "review"),
    "/search": ("q", "page", "level", "unit", "year", "kind", "sort"),
    "/people/": ("q", "unit", "after"),
    "/desk/": ("q",),
    "/audit/": ("actor", "number", "since", "until", "before", "action", "outcome"),
    "/ops/retention": ("last", "daily"),
    "/login": ("next",),
    "/factor": ("next",),
}
WHO = {"/audit/": "auditor", "/ops/retention": "backup"}


@pytest.mark.parametrize("page", PAGES)
def test_no_query_breaks_a_page(as_: As, desk: Office, page: str) -> None:
    """Every parameter odd at once, each with another oddity each time."""
    desk.add("resource", "officer")
    browser, names = as_(WHO.get(page, "custodian")), PAGES[page]
    for turn in range(len(ODD)):
        query = {name: ODD[(turn + 7 * n) % len(ODD)] for n, name in enumerate(names)}
        assert browser.get(page, query_string=query).status_code in (200, 303, 403, 404), (page, query)


@pytest.mark.parametrize("order", ["-updated", "number", "-due", "issued", "-review"])
@pytest.mark.parametrize("way", ["after", "before"])
def test_a_paging_key_that_was_not_ours_is_ignored(as_: As, desk: Office, order: str, way: str) -> None:
    desk.add("resource", "officer", issued="2026-01-01")
    browser = as_("custodian")
    for odd in (o for o in ODD if "|" in o):
        assert browser.get("/items/resource/", query_string={way: odd, "order": order}).status_code == 200, (
            odd
        )


@pytest.mark.parametrize(
    "path",
    [
        "/i/{odd}", "/i/{odd}/edit", "/items/{odd}/", "/f/{odd}/x", "/people/{odd}", "/i/{number}?tab={odd}", "/i/{number}/move/{odd}",
    ],
)  # fmt: skip
def test_no_path_breaks_a_page(as_: As, desk: Office, path: str) -> None:
    number, browser = desk.add("resource", "officer").number, as_("lead")
    for odd in (*ODD, number.lower(), f" {number}", f"{number} ", f"{number}\n", number.replace("Z", "Ｚ")):
        answer = browser.get(path.format(odd=quote(odd, safe=""), number=number))
        assert answer.status_code in (200, 303, 403, 404), (path, odd, answer.status_code)
        if path == "/i/{odd}":
            assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", ["/i/{n}/restore/{id}", "/i/{n}/grant/{id}/revoke", "/desk/loans/{id}/lend", "/people/{id}", "/office/term/{id}/retire", "/office/repository/{id}"]
)  # fmt: skip
def test_an_id_past_any_row_is_no_address(as_: As, desk: Office, path: str) -> None:
    number = desk.add("resource", "officer").number
    for login in ("lead", "admin", "custodian"):
        for id_ in (2**31, 2**63, 10**40, 2**31 - 1):
            assert as_(login).post(path.format(n=number, id=id_)).status_code in (403, 404, 405)


@pytest.mark.parametrize("kind", ["resource", "notice", "document", "workorder"])
def test_no_form_breaks_a_page(as_: As, desk: Office, kind: str) -> None:
    home = desk.house.kinds[kind]
    browser = as_("custodian")
    for odd in ODD:
        data = {f.name: odd for f in home.form_fields} | {
            "title": odd, "unit": odd, "level": odd, "repository": odd, "kept": odd, "drop": odd, "version": odd,
        }  # fmt: skip
        assert browser.post(f"/items/{kind}/new", data=data).status_code in (403, 422), odd
    item = desk.add(kind, "custodian")
    for what in ("edit", "level", "comment", "link", "grant", *(f"move/{m.name}" for m in home.moves)):
        for odd in ODD[:12]:
            data = dict.fromkeys(
                ("title", "level", "body", "number", "relation", "person", "unit", "until", "version"), odd
            )
            data |= {f.name: odd for f in home.fields} | {"reason": odd}
            assert browser.post(f"/i/{item.number}/{what}", data=data).status_code < 500, (what, odd)


def test_the_open_forms_hold(client: FlaskClient) -> None:
    names = (
        "topic",
        "title",
        "statement",
        "where",
        "when",
        "name",
        "contact",
        "channel",
        "kept",
        "code",
        "body",
        "add",
        "agree",
    )
    for odd in ODD:
        assert client.post("/complaints/new", data=dict.fromkeys(names, odd)).status_code == 422, odd
        assert client.post("/track", data=dict.fromkeys(names, odd)).status_code in (422, 423), odd
        assert client.post("/login", data={"login": odd, "password": odd, "next": odd}).status_code in (
            422,
            423,
        ), odd


FIELDS = (
    Integer("n", "n"), Money("m", "m"), Date("d", "d"), DateTime("t", "t"), PlaceRef("p", "p"), Text("x", "x"),
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(ODD),
        st.decimals().map(str),
        st.datetimes().map(lambda d: d.isoformat()),
        st.from_regex(r"[0-9²١.eE+\-sN a]{0,30}"),
    )
)
def test_a_field_keeps_only_what_it_can_give_back(typed: str) -> None:
    """Whatever is typed is a value that indexes and shows, or Wrong: nothing else is ever raised."""
    for field in FIELDS:
        try:
            value = field.parse(typed)
        except Wrong:
            continue
        field.index(value)
        field.text(value)
        assert "\x00" not in str(value)


@pytest.mark.parametrize(
    "typed", ["sNaN", "-sNaN", "1e999999", "1e-999999", "1E+400000000", "9" * 5000, "0." + "1" * 5000]
)
def test_no_amount_of_money_keeps_us_busy(typed: str) -> None:
    with pytest.raises(Wrong):
        Money("m", "m").parse(typed)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "9999年12月31日"])
def test_a_day_at_the_end_of_the_calendar_is_no_date(day: str) -> None:
    with pytest.raises(Wrong):
        Date("d", "d").parse(day)


def test_a_level_that_there_is_not_never_means_the_lowest(as_: As, desk: Office) -> None:
    data = {"title": "方案", "unit": str(desk.unit("BG")), "level": "機密", "author": "甲", "dated": "2026-11-01",
            "retention": "y10", "frequency": "low", "place": str(desk.place("BMS-1"))}  # fmt: skip
    assert as_("custodian").post("/items/document/new", data=data).status_code == 422
    assert as_("custodian").post("/items/document/new", data=data | {"level": "secret"}).status_code == 303


def test_an_error_of_the_database_says_nothing_of_it(
    app: Flask, desk: Office, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from intranet import work

    def broken(self: work.Work) -> None:
        raise OperationalError(
            "insert", {"title": "秘密的标题"}, Exception('connection to "db.inside", user "owner" failed')
        )

    monkeypatch.setattr(work.Work, "append", broken)
    answer = as_("officer").post("/items/notice/new", data={"title": "甲", "unit": str(desk.unit("BG")), "level": "internal",
                                 "publication": "web", "content": "policy", "body": "x"})  # fmt: skip
    assert answer.status_code == 503
    assert "db.inside" not in answer.text and "秘密的标题" not in answer.text


def test_no_statement_carries_its_values_into_an_error(desk: Office) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from intranet.extensions import db

    with pytest.raises(DBAPIError) as raised:
        db.session.execute(text("select * from nowhere where title = :t"), {"t": "机密方案的题名"})
    db.session.rollback()
    assert "nowhere" in str(raised.value) and "机密方案的题名" not in str(raised.value)
