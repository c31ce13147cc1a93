"""The URL map walked: every address is behind the sign-in or on a short list with a reason; behind it, the policy decides.

The proof is by asking, not by reading: each address is filled with what hangs on a hidden document and asked as nobody, as the
administrator who reads nothing, and as whoever is cleared least. A page added tomorrow is asked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from intranet.models import Audit, Blob, Item
from intranet.verbs import copies, disposal, glass, items, loans, searches, shelf_checks, slips
from intranet.verbs.asking import Question
from intranet.web import signin
from tests.office import Office
from vault.levels import Level

As = Callable[..., FlaskClient]
SIGN = "玄鸟归巢"  # stands in every word of the hidden document, and nowhere else
# Addresses that name one item, what hangs on it, or what is another's own: hidden and missing must be the same 404.
ABOUT_AN_ITEM = {"number", "blob_id", "loan_id", "search_id", "list_number", "approval_id", "slip"}
ENDS = {
    "session.sign_out",
    "session.sign_out_everywhere",
    "people.password",
    "people.switch",
}  # ends the asking


@pytest.fixture
def filled(desk: Office, db: Session) -> dict[str, str]:
    """A value for every argument of every address, each leading to a hidden document."""
    body = desk.deposit("custodian", f"{SIGN}正文".encode(), f"{SIGN}.txt", Level.SECRET)
    hidden = desk.add(
        "document",
        "custodian",
        title=f"{SIGN}方案",
        level=Level.SECRET,
        author=SIGN,
        summary=SIGN,
        blobs=(body,),
    )
    with desk.w("custodian") as w:
        grant = items.grant(w, hidden.id, person_id=desk.person("deputy").id)
    with desk.w("deputy") as w:
        loan = loans.apply(w, hidden.id, purpose=f"{SIGN}用途", until=w.today)
    with desk.w("registrar") as w:
        loans.lend(w, loan.id)
    with desk.w("custodian", fresh=True) as w:
        asked = glass.break_glass(w, hidden.id, reason=f"{SIGN}用途，情况紧急不能等").approval_id
    blob = db.get_one(Blob, body)
    with desk.w("custodian") as w:
        check = shelf_checks.start(w, "SG-1")
        scanned = shelf_checks.scan(w, check.id, hidden.number).line
    with desk.w("registrar") as w:
        copies.register(w, w.session.get_one(Item, hidden.id), 1)
        cycle = slips.Facts(f"{SIGN}传递", (desk.person("deputy").id,), (), w.today, w.today)
        slip = slips.draft(w, hidden.id, cycle, copy=2).number
        slips.submit(w, slip)
        kept, _new = searches.save(w, Question(f"{SIGN}方案"), f"{SIGN}用途", searches.There(), alerts=True)
        search = kept.id
    ending = desk.add("document", "custodian", title=f"{SIGN}方案底稿", level=Level.SECRET)
    with desk.w("registrar") as w:
        listed = disposal.propose(w, "destroy", [ending.id], f"{SIGN}用途").number
    return {
        "list_number": listed, "number": hidden.number, "kind": "document", "name": "propose_destroy", "version": "1", "grant_id": str(grant.id),
        "blob_id": str(blob.id), "filename": "x", "loan_id": str(loan.id), "step": "return",
        "person_id": str(desk.person("deputy").id), "term_id": "1", "repository_id": "1", "what": "",
        "search_id": str(search), "row": "1", "page_no": "1", "approval_id": str(asked),
        "code": "SG-1", "check_id": str(check.id), "line_id": str(scanned.row.id),
        "slip": slip,
    }  # fmt: skip


def addresses(app: Flask, values: dict[str, str]) -> Iterator[tuple[Rule, str, str]]:
    """(rule, method, path) of everything there is."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        choices = re.search(r"<any\(([^)]*)\):what>", rule.rule)
        given = values | {"what": choices[1].split(",")[0].strip()} if choices else values
        path = re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda m, g=given: g[m[1]], rule.rule)  # type: ignore[misc]
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule, method, path


def test_every_open_address_exists_and_says_why(app: Flask) -> None:
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert set(signin.OPEN) <= known
    assert all(len(reason) > 5 for reason in signin.OPEN.values())
    assert known >= signin.SETTING_UP


def test_nobody_comes_further_than_the_sign_in(
    app: Flask, client: FlaskClient, filled: dict[str, str]
) -> None:
    told = []
    for rule, method, path in addresses(app, filled):
        if rule.endpoint in signin.OPEN:
            continue
        answer = client.open(path, method=method)
        led = answer.status_code == 303 and answer.headers["Location"].startswith("/login?next=")
        if not (led if method == "GET" else answer.status_code == 401) or SIGN in answer.text:
            told.append(f"{method} {path}: {answer.status_code}")
    assert told == []


@pytest.mark.parametrize("login", ["admin", "backup", "temp", "auditor", "cook"])
def test_whoever_may_not_know_learns_nothing_anywhere(
    app: Flask, desk: Office, as_: As, filled: dict[str, str], login: str
) -> None:
    """Not by a word in any answer; and what names the item itself is simply not there."""
    browser, told = as_(login, fresh=True), []
    # what one asked oneself stands in one's own row of the log: so the questions with the word in them come last
    for query in ("", f"?as=csv&item={filled['number']}", f"?q={SIGN}"):
        for rule, method, path in addresses(app, filled):
            if rule.endpoint in ENDS or (query and method == "POST"):
                continue
            answer = browser.open(path + query, method=method)
            text = answer.data.decode("utf-8", "replace")
            wanted = (
                answer.status_code == 404 if set(rule.arguments) & ABOUT_AN_ITEM else answer.status_code < 500
            )
            # the question comes back in its box and in links, but never with what stands beside it
            spoken = (
                any(f"{SIGN}{word}" in text for word in ("方案", "用途", "正文", ".txt", "传递"))
                if SIGN in query
                else SIGN in text
            )
            named = filled["number"] in text and filled["number"] not in path + query
            if not wanted or spoken or named:
                told.append(
                    f"{method} {path}{query}: {answer.status_code} {'names it' if spoken or named else ''}"
                )
    assert told == []


def test_only_one_s_own_duty_opens_a_page_of_duty(app: Flask, as_: As, filled: dict[str, str]) -> None:
    """The officers' pages: whoever has not the duty gets 403, not an empty page."""
    duties: dict[str, set[str]] = {
        "audit": {"auditor"}, "ops": {"backup", "admin"}, "office": {"admin"},
    }  # fmt: skip
    for login in ("admin", "backup", "auditor", "security", "lead", "temp"):
        browser = as_(login)
        for rule, method, path in addresses(app, filled):
            part = rule.endpoint.partition(".")[0]
            if part in duties and login not in duties[part]:
                assert browser.open(path, method=method).status_code == 403, (login, method, path)


def test_no_form_is_taken_without_its_token(
    app: Flask, as_: As, client: FlaskClient, filled: dict[str, str], db: Session
) -> None:
    """As in service, where the check is on: nothing is done, nothing is recorded, whoever sends it."""
    app.config["WTF_CSRF_ENABLED"] = True
    posts = [(rule, path) for rule, method, path in addresses(app, filled) if method == "POST"]
    assert len(posts) > 25
    for browser in (client, as_("custodian", fresh=True), as_("admin"), as_("auditor")):
        db.rollback()
        rows = db.query(Audit).count()
        for _rule, path in posts:
            answer = browser.post(path, data={"title": "x", "csrf_token": "made up"})
            assert answer.status_code == 422 and "页面停留过久" in answer.text, path
        db.rollback()
        assert db.query(Audit).count() == rows


def test_reading_is_never_a_change(app: Flask, as_: As, filled: dict[str, str], db: Session) -> None:
    """A link, a picture or a prefetch makes browsers send GET: it may leave a trace, never alter an item, loan or person."""

    def state() -> list[Any]:
        db.rollback()
        tables = (
            "item",
            "loan",
            "slip",
            "hop",
            "copy",
            '"grant"',
            "role",
            "comment",
            "link",
            "term",
            "place",
            "reading",
            "approval",
            "repository",
            "saved_search",
            "copy",
            "shelf_check",
            "inspection",
        )
        return [db.connection().exec_driver_sql(f"select * from {t} order by 1").all() for t in tables]

    before = state()
    for login in ("custodian", "admin", "security", "auditor"):
        browser = as_(login, fresh=True)
        for _rule, method, path in addresses(app, filled):
            if method == "GET":
                browser.get(path)
    assert state() == before
