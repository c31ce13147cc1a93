"""未获知悉 and 不存在 are one answer: status, body, headers, the work behind it, and what the log says of it (row 55).

Every address of the map that names what hangs on an item is asked twice: of what is hidden, of what is not there. Timing class is
counted in SQL statements, not in seconds: a count is the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from intranet.errors import Denied, Invalid
from intranet.models import Blob, Item
from intranet.verbs import auditing, disposal, items, levels, loans, relations, searches, shelf_checks, slips
from intranet.verbs.asking import Question
from tests.office import Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]
ABOUT = {
    "number",
    "blob_id",
    "loan_id",
    "search_id",
    "approval_id",
    "slip",
    "list_number",
    "check_id",
    "line_id",
}
#: Rounds through places are for custodians: to anybody else all of them are closed alike, those that there are not too.
CHECKS = {"check_id", "line_id"}
#: How each representation is asked for: (method, query, headers).
WAYS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "", {}), ("HEAD", "", {}), ("GET", "", {"HX-Request": "true"}), ("GET", "", {"HX-Request": "true", "HX-Boosted": "true"}),
    ("GET", "?tab=log", {}), ("GET", "?tab=access", {}), ("GET", "?as=csv", {}), ("GET", "?as=xlsx", {}), ("GET", "?download", {}),
    ("GET", "", {"Range": "bytes=0-3"}), ("GET", "", {"If-None-Match": '"x"'}), ("GET", "", {"Accept": "application/json"}),
    ("GET", "", {"Accept-Language": "en"}), ("POST", "", {}), ("POST", "", {"HX-Request": "true"}), ("PUT", "", {}), ("DELETE", "", {}),
]  # fmt: skip


@pytest.fixture
def document(desk: Office) -> Item:
    body = desk.deposit("custodian", b"body", "x.txt", Level.SECRET)
    return desk.add("document", "custodian", level=Level.SECRET, title="泵房方案", blobs=(body,))


@pytest.fixture(params=["document", "complaint", "draft"])
def hidden(request: pytest.FixtureRequest, desk: Office) -> Item:
    if request.param == "document":
        return request.getfixturevalue("document")
    return desk.add("complaint", "") if request.param == "complaint" else desk.add("notice", "officer_cw")


@pytest.fixture
def pairs(desk: Office, db: Session, document: Item) -> dict[str, tuple[str, str]]:
    """For every argument that leads to an item: of a hidden one, and of none."""
    with desk.w("custodian") as w:
        grant = items.grant(w, document.id, person_id=desk.person("deputy").id)
    with desk.w("deputy") as w:
        loan = loans.apply(w, document.id, purpose="查阅", until=w.today)
    with desk.w("custodian") as w:
        kept, _new = searches.save(w, Question("泵房"), "泵房", searches.There(), alerts=False)
        found = kept.id
    round_, ended, checked = (
        desk.add("document", "custodian", level=Level.SECRET, title=f"泵房方案之{n}") for n in "一二三"
    )
    with desk.w("registrar") as w:
        approval = levels.propose(w, checked.id, Level.CONFIDENTIAL, reason="复核").id
        cycle = slips.Facts("传阅", (desk.person("deputy").id,), (), w.today, w.today)
        slip = slips.draft(w, round_.id, cycle).number
        listed = disposal.propose(w, "destroy", [ended.id], "期满").number
        check = shelf_checks.start(w, "SG-1").id
        line = shelf_checks.scan(w, check, checked.number).line.row.id
    blob = db.query(Blob).filter_by(item_id=document.id).one()
    gone = "999999"
    return {
        "number": (document.number, missing(document.number)), "blob_id": (str(blob.id), gone), "loan_id": (str(loan.id), gone),
        "search_id": (str(found), gone), "grant_id": (str(grant.id), gone), "approval_id": (str(approval), gone),
        "slip": (slip, missing(slip)), "list_number": (listed, missing(listed)), "check_id": (str(check), gone), "line_id": (str(line), gone),
    }  # fmt: skip


def missing(number: str) -> str:
    """A number like this one that nobody has."""
    return re.sub(r"\d(?=\D*$)", "8", number[:-1]) + "9"


REST = {"filename": "x", "name": "propose_destroy", "version": "1", "step": "return", "kind": "document"}


def asked(app: Flask, pairs: dict[str, tuple[str, str]]) -> Iterator[tuple[Rule, str, str]]:
    """(rule, path to the hidden one, path to none)."""
    for rule in app.url_map.iter_rules():
        if not rule.arguments & ABOUT:
            continue
        values = [
            {n: pairs[n][i] if n in pairs else REST.get(n, "1") for n in rule.arguments} for i in (0, 1)
        ]
        plain = re.sub(r"<any\(([^,)]*)[^>]*>", r"\1", rule.rule)
        yield rule, *(re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda m, v=v: v[m[1]], plain) for v in values)  # type: ignore[misc]


def told(
    browser: FlaskClient, path: str, method: str, headers: dict[str, str]
) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything a reader gets, without what differs between any two answers: the nonce, the echoed address, the session."""
    answer = browser.open(path, method=method, headers=headers)
    bare = path.partition("?")[0]
    words = sorted({bare, *(x for x in bare.split("/") if len(x) > 8)}, key=len, reverse=True)

    def plain(text: str) -> str:
        text = re.sub(r"nonce-[\w-]+|nonce=\"[\w-]+\"|I[jm][\w=-]+\.[\w-]+\.[\w-]+|[0-9a-f]{16,}", "*", text)
        for word in words:
            if any(c.isdigit() for c in word):
                text = text.replace(word, "*")
        return text

    kept = [
        (k, plain(v)) for k, v in answer.headers.items() if k not in ("Set-Cookie", "Content-Length", "Date")
    ]
    return answer.status_code, plain(answer.data.decode("utf-8", "replace")).encode(), sorted(kept)


@pytest.mark.parametrize("login", ["cook", "auditor"])
def test_hidden_and_missing_are_one_answer_in_every_representation(
    app: Flask, as_: As, pairs: dict[str, tuple[str, str]], login: str
) -> None:
    browser, wrong = as_(login, fresh=True), []
    for rule, there, nowhere in asked(app, pairs):
        for method, query, headers in WAYS:
            if method not in (rule.methods or ()) and method not in ("PUT", "DELETE"):
                continue
            a, b = (told(browser, path + query, method, headers) for path in (there, nowhere))
            refused = (403, 404, 405) if rule.arguments & CHECKS else (404, 405)
            if a != b or a[0] not in refused:
                part = ("status", "body", "headers")[next((i for i in range(3) if a[i] != b[i]), 0)]
                wrong.append(f"{method} {there}{query} {headers}: {part} {a[0]} {b[0]}")
    assert wrong == []


def shape(statements: list[str]) -> list[str]:
    """Statements without what is another in each."""
    return [re.sub(r"\s+", " ", s).split(" FROM ")[0][:40] for s in statements]


def test_hidden_and_missing_cost_the_same_statements(
    app: Flask, as_: As, pairs: dict[str, tuple[str, str]], statements: Statements
) -> None:
    """As many, so that not even a patient clock tells one from the other."""
    browser, wrong = as_("cook", fresh=True), []
    for rule, there, nowhere in asked(app, pairs):
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            counts = []
            for path in (there, nowhere, there, nowhere):  # the first ones build what is kept for the next
                with statements() as seen:
                    browser.open(path, method=method)
                counts.append(len(seen))
            if counts[2] != counts[3]:
                wrong.append(f"{method} {rule.rule}: hidden {counts[2]}, missing {counts[3]}")
    assert wrong == []


def test_every_kind_of_hidden_item_costs_what_none_costs(
    as_: As, hidden: Item, statements: Statements
) -> None:
    browser, counts = as_("cook"), []
    for number in (hidden.number, missing(hidden.number)) * 2:
        with statements() as seen:
            assert browser.get(f"/i/{number}").status_code == 404
        counts.append(len(seen))
    assert counts[2] == counts[3]


# -- the log is no oracle ------------------------------------------------------------------------------------------
def test_the_auditor_s_own_refusal_does_not_tell_whether_the_number_exists(
    as_: As, desk: Office, db: Session, pairs: dict[str, tuple[str, str]], app: Flask
) -> None:
    """Whoever asks for a number and then looks at their own row in the log: both rows are closed, and alike."""
    browser, actor = as_("auditor", fresh=True), desk.actor("auditor")
    for rule, *paths in asked(app, pairs):
        if rule.arguments & CHECKS:
            continue
        for method in sorted({"GET", "POST"} & set(rule.methods or ())):
            rows = []
            for path in paths:
                browser.open(path, method=method)
                db.rollback()
                row = auditing.page(db, desk.house, actor, auditing.Filter(actor="auditor"))[0][0]
                rows.append({k: v for k, v in row.items() if k not in ("seq", "hash", "prev")})
            assert rows[0] == rows[1], (method, rule.rule)
            assert rows[0]["closed"] and rows[0]["outcome"] == "refused"


# -- names and numbers -----------------------------------------------------------------------------------------------
def test_a_title_that_is_taken_by_a_hidden_item_is_free(as_: As, desk: Office, document: Item) -> None:
    """Registering, renaming: no clash tells of what one may not know."""
    notice = desk.add("notice", "officer", title="通知")
    with desk.w("officer") as w:
        items.edit(w, notice.id, dict(notice.data), title=document.title, version=None)
    assert desk.add("resource", "officer", title=document.title).title == document.title


@pytest.mark.parametrize("relation", ["see", "version"])
def test_relating_to_a_hidden_number_is_relating_to_none(
    as_: As, desk: Office, document: Item, relation: str
) -> None:
    entry = desk.add("resource", "officer", title="目录")
    browser, answers = as_("officer"), []
    for number in (document.number, missing(document.number)):
        answer = browser.post(f"/i/{entry.number}/link", data={"number": number, "relation": relation})
        answers.append((answer.status_code, plain_page(answer.text.replace(number, "*"))))
    assert answers[0] == answers[1] and answers[0][0] == 422
    with desk.w("officer") as w, pytest.raises(Invalid, match="没有这个编号"):
        relations.relate(w, entry.id, document.number, relation)


def test_the_next_number_is_told_only_to_whoever_is_cleared_for_the_level(desk: Office) -> None:
    """A gap-free number tells how many came before it in its series. A series is of one level, and whoever may register at a
    level is cleared for it: how many there are is theirs to know. Below, no number moves when one above is taken."""
    first = desk.add("document", "custodian", level=Level.INTERNAL).number
    for _n in range(3):
        desk.add("document", "custodian", level=Level.SECRET)
    second = desk.add("document", "custodian", level=Level.INTERNAL).number
    assert int(second[-4:]) == int(first[-4:]) + 1
    assert first[:-4] == second[:-4]
    for level in (Level.SECRET, Level.TOPSECRET):
        with pytest.raises((Invalid, Denied)):
            desk.add("document", "officer", level=level)


def test_counts_and_facets_do_not_move_with_what_is_hidden(as_: As, desk: Office) -> None:
    """Page totals, state counts, facets, desk, export: byte for byte the same before and after."""
    desk.add("resource", "officer", title="泵房说明")
    browser = as_("cook")
    paths = (
        "/items/document/",
        "/items/document/export?as=csv",
        "/items/resource/?q=泵房",
        "/search?q=泵房",
        "/",
    )
    before = [plain_page(browser.get(p).text) for p in paths]
    desk.add("document", "custodian", level=Level.SECRET, title="泵房方案")
    desk.add("resource", "officer", level=Level.CONFIDENTIAL, title="泵房机密数据")
    assert [plain_page(browser.get(p).text) for p in paths] == before


def plain_page(text: str) -> str:
    return re.sub(r"nonce-?[=\"\w-]*|I[jm][\w=-]+\.[\w-]+\.[\w-]+|[0-9a-f]{16,}", "", text)
