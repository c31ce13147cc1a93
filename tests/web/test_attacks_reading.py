"""Reading what one may not: through an older save, a log, a desk, a search, a picker, a borrowed file, a form sent twice."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.errors import DomainError
from intranet.models import Blob, Item, Loan
from intranet.policy import Permission
from intranet.verbs import finding, items, levels, loans, people, relations
from intranet.verbs.auditing import Filter, page
from intranet.web.export import guarded
from tests.office import Clock, Office
from vault.levels import Level

As = Callable[..., FlaskClient]
SIGN = "玄鸟归巢"


@pytest.fixture
def secret(desk: Office) -> Item:
    body = desk.deposit("custodian", f"{SIGN}正文".encode(), "方案.txt", Level.SECRET)
    return desk.add(
        "document", "custodian", title=f"{SIGN}方案", level=Level.SECRET, summary=SIGN, blobs=(body,)
    )


# -- older saves -------------------------------------------------------------------------------------------------
def test_what_was_taken_out_of_a_draft_is_not_read_after_publication(as_: As, desk: Office) -> None:
    notice = desk.add("notice", "officer", title="通知", body=f"{SIGN}不应公布")
    with desk.w("officer") as w:
        items.edit(
            w,
            notice.id,
            {"publication": "web", "content": "activity", "body": "可以公布"},
            title="通知",
            version=None,
        )
    desk.step(notice, "officer", "submit")
    desk.step(notice, "lead", "pass_unit")
    desk.step(notice, "reviewer", "publish", ticks=["format", "figures", "wording", "typing", "punctuation"])
    address = f"/i/{notice.number}?tab=history"
    assert SIGN in as_("officer").get(address).text  # whoever wrote it
    for login in ("cook", "temp", "lead_wx"):
        read = as_(login).get(address)
        assert read.status_code == 200 and SIGN not in read.text, login


def test_what_was_taken_out_before_a_level_was_lowered_stays_closed(as_: As, desk: Office) -> None:
    entry = desk.add("resource", "officer", title="台账", level=Level.CONFIDENTIAL, body=f"{SIGN}数字")
    raw = {"business": "other", "management": "administration", "medium": "electronic", "body": "概况"}
    with desk.w("officer") as w:
        items.edit(w, entry.id, raw, title="台账", version=None)
    with desk.w("lead") as w:
        levels.relevel(w, entry.id, Level.INTERNAL, reason="已去除数字")
    assert as_("cook").get(f"/i/{entry.number}?tab=history").status_code == 200
    assert SIGN not in as_("cook").get(f"/i/{entry.number}?tab=history").text
    with desk.w("security") as w:
        people.standing(
            w, desk.person("officer").id, clearance=Level.INTERNAL, roles=[("info_officer", desk.unit("BG"))]
        )
    editor = as_("officer")  # may edit it still, but is no longer cleared for what it was
    assert editor.post(f"/i/{entry.number}/restore/1").status_code == 404


# -- the log -----------------------------------------------------------------------------------------------------
def test_the_auditor_learns_that_there_was_a_search_not_for_what(
    desk: Office, db: Session, secret: Item
) -> None:
    with suppress(DomainError):
        finding.find(db, desk.house, desk.actor("registrar"), f"{SIGN}方案", {"level": ("secret",)})
    rows, _next = page(db, desk.house, desk.actor("auditor"), Filter(action="search.secret"))
    assert len(rows) == 1 and rows[0]["closed"]
    assert SIGN not in json.dumps(rows, default=str, ensure_ascii=False)


def test_no_log_of_one_end_names_the_other_end_of_a_link(desk: Office, db: Session, secret: Item) -> None:
    entry = desk.add("resource", "custodian", title="目录")
    with desk.w("officer") as w, suppress(DomainError):
        relations.relate(w, entry.id, secret.number, "see")
    with desk.w("custodian") as w:
        relations.link(w, w.session.get_one(Item, entry.id), w.session.get_one(Item, secret.id), "see")
    assert [secret.number in row.detail for row in desk.audit("item.link")] == [False]


def test_the_auditor_s_pages_name_nothing_above_the_own_clearance(as_: As, secret: Item) -> None:
    as_("cook").get(f"/i/{secret.number}")
    as_("custodian").get(f"/i/{secret.number}/print")
    for query in (
        "",
        f"?number={secret.number}",
        "?action=item.print",
        "?outcome=refused",
        "?actor=custodian",
    ):
        text = as_("auditor").get(f"/audit/{query}").text
        assert SIGN not in text and secret.number not in text.replace(f'value="{secret.number}"', "").replace(
            query[8:], ""
        ), query


# -- borrowing ---------------------------------------------------------------------------------------------------
def lent(desk: Office, item: Item, borrower: str = "deputy") -> int:
    with desk.w(borrower) as w:
        loan = loans.apply(w, item.id, purpose="查阅", until=w.today)
    with desk.w("registrar") as w:
        loans.lend(w, loan.id)
    return loan.id


def test_a_borrower_whose_clearance_was_lowered_reads_no_title_on_the_desk(
    as_: As, desk: Office, secret: Item
) -> None:
    with desk.w("custodian") as w:
        items.grant(w, secret.id, person_id=desk.person("deputy").id)
    lent(desk, secret)
    assert SIGN in as_("deputy").get("/").text
    with desk.w("security") as w:
        people.standing(w, desk.person("deputy").id, clearance=Level.INTERNAL, roles=[("leader", None)])
    for address in ("/", "/desk/", "/search?q=" + SIGN, "/items/document/", "/items/document/export?as=csv"):
        text = as_("deputy").get(address).data.decode("utf-8", "replace")
        assert f"{SIGN}方案" not in text, address
    assert secret.number in as_("deputy").get("/").text  # what is to be handed back


@pytest.mark.parametrize("after", ["due", "returned", "checked", "withdrawn by grant"])
def test_a_body_closes_with_its_loan(
    as_: As, desk: Office, db: Session, clock: Clock, secret: Item, after: str
) -> None:
    with desk.w("custodian") as w:
        grant = items.grant(w, secret.id, person_id=desk.person("deputy").id)
    loan = lent(desk, secret)
    blob = db.query(Blob).filter_by(item_id=secret.id).one()
    reader = as_("deputy", fresh=True)
    assert reader.post(f"/i/{secret.number}/read", data={"blob": blob.id}).status_code == 303
    page = f"/i/{secret.number}/read/{blob.id}/1.jpg"
    assert reader.get(page).status_code == 200
    if after == "due":
        clock.forward(days=1)
    elif after == "withdrawn by grant":
        with desk.w("custodian") as w:
            items.revoke(w, secret.id, grant.id)
    else:
        with desk.w("deputy") as w:
            loans.give_back(w, loan)
        if after == "checked":
            with desk.w("registrar") as w:
                loans.check(w, loan, condition="完好")
    reader = as_("deputy", fresh=True)
    for method, headers in (
        ("GET", {}),
        ("HEAD", {}),
        ("GET", {"Range": "bytes=0-3"}),
        ("GET", {"If-Range": "x", "Range": "bytes=0-"}),
    ):
        for address in (f"/f/{blob.id}/x", f"/f/{blob.id}/x?download", page):
            answer = reader.open(address, method=method, headers=headers)
            assert (
                answer.status_code == (404 if after == "withdrawn by grant" else 403)
                and SIGN not in answer.text
            )


def test_two_custodians_at_once_lend_once(desk: Office, db: Session, secret: Item) -> None:
    for login in ("deputy", "lead"):
        with desk.w("custodian") as w:
            items.grant(w, secret.id, person_id=desk.person(login).id)
    with desk.w("deputy") as w:
        first = loans.apply(w, secret.id, purpose="查阅", until=w.today).id
    with desk.w("lead") as w:
        second = loans.apply(w, secret.id, purpose="查阅", until=w.today).id
    with desk.w("registrar") as w:
        loans.lend(w, first)
    for custodian, loan in (("custodian", first), ("custodian", second)):
        with pytest.raises(DomainError), desk.w(custodian) as w:
            loans.lend(w, loan)
    db.rollback()
    assert [x.state for x in db.query(Loan).order_by(Loan.id)] == ["lent", "applied"]


# -- what is sent ------------------------------------------------------------------------------------------------
def test_a_level_that_keeps_no_bodies_gets_none_by_a_second_form(as_: As, desk: Office, db: Session) -> None:
    """Sealed with a form of 机密 that came back, then sent again as 绝密 with the file already kept."""
    form = {"title": "", "declared": "none", "unit": str(desk.unit("BG")), "level": "secret", "author": "甲", "dated": "2026-11-01",
            "retention": "y10", "frequency": "low", "place": str(desk.place("BMS-1"))}  # fmt: skip
    browser = as_("registrar")
    back = browser.post("/items/document/new", data=form | {"files": (io.BytesIO(b"body"), "a.txt")})
    assert back.status_code == 422
    kept = back.text.partition('name="kept" value="')[2].partition('"')[0]
    assert kept
    again = browser.post(
        "/items/document/new", data=form | {"title": "方案", "level": "topsecret", "kept": kept}
    )
    assert again.status_code == 422
    db.rollback()
    assert db.query(Item).count() == 0 and all(b.level == Level.SECRET for b in db.query(Blob))


def test_a_complaint_is_opened_to_nobody_else(desk: Office, as_: As) -> None:
    """Not even by a handler who leads the unit as well: who handles it is named by a step (seeds L184)."""
    complaint = desk.add("complaint", "")
    with desk.w("security") as w:
        roles = [("complaint_handler", desk.unit("HQ")), ("lead", desk.unit("HQ"))]
        people.standing(w, desk.person("handler").id, clearance=Level.INTERNAL, roles=roles)
    assert desk.sees("handler", complaint)
    assert not desk.may("handler", Permission.ITEM_GRANT, complaint)
    sent = as_("handler").post(f"/i/{complaint.number}/grant", data={"person": str(desk.person("cook").id)})
    assert sent.status_code == 403
    assert not desk.sees("cook", complaint)


def test_who_complained_is_seen_by_handlers_on_no_other_way(as_: As, desk: Office) -> None:
    complaint = desk.add("complaint", "", name=f"{SIGN}君", contact="13900000000")
    with desk.w("handler") as w:
        items.step(
            w, complaint.id, "accept", {"handler": str(desk.person("handler2").id), "due": "2026-11-30 12:00"}
        )
    assert f"{SIGN}君" in as_("handler").get(f"/i/{complaint.number}").text
    with desk.w("security") as w:  # stays the handler of this one, by name, without the role
        people.standing(w, desk.person("handler2").id, clearance=Level.INTERNAL, roles=[])
    assert desk.sees("handler2", complaint)
    paths = ("", "?tab=history", "?tab=comments", "?tab=log", "/print")
    for address in (*(f"/i/{complaint.number}{p}" for p in paths), "/items/complaint/", "/items/complaint/export?as=csv",
                    f"/search?q={SIGN}", "/"):  # fmt: skip
        text = as_("handler2").get(address).data.decode("utf-8", "replace").replace(f"q={SIGN}", "")
        assert f"{SIGN}君" not in text and "13900000000" not in text, address


@pytest.mark.parametrize(
    "name",
    [
        "a\r\nSet-Cookie: x=1.txt",
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "\u202egnp.exe",
        "<script>.html",
        '"; x="',
    ],
)
def test_no_name_of_a_file_does_harm(as_: As, desk: Office, db: Session, name: str) -> None:
    blob = desk.deposit("officer", b"<svg onload=alert(1)>", name)
    entry = desk.add("resource", "officer", blobs=(blob,))
    kept = db.get_one(Blob, blob).filename
    assert kept.isprintable() and "/" not in kept and "\\" not in kept
    answer = as_("cook").get(f"/f/{blob}/x")
    assert answer.status_code == 200 and "Set-Cookie" not in {h for h, v in answer.headers if "x=1" in v}
    assert answer.headers["Content-Type"].partition(";")[0] not in ("text/html", "image/svg+xml")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "<script>.html" not in as_("cook").get(f"/i/{entry.number}").text


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "{{ 7*7 }}"],
)
def test_nothing_typed_runs_in_a_page(as_: As, desk: Office, text: str) -> None:
    entry = desk.add("resource", "officer", title=text, body=text, keywords=text)
    with desk.w("cook") as w:
        items.comment(w, entry.id, text)
    complaint = desk.add("complaint", "", title=text, statement=text)
    tabs = ("comments", "history", "links")
    addresses = [f"/i/{entry.number}?tab={t}" for t in tabs] + [
        f"/i/{entry.number}/print",
        "/items/resource/",
        f"/search?q={text}",
    ]
    for login, address in [
        *(("lead", a) for a in addresses),
        ("handler", f"/i/{complaint.number}"),
        ("handler", "/items/complaint/"),
    ]:
        page_ = as_(login).get(address).text
        assert (
            "<script>alert" not in page_ and "<img src=x" not in page_ and 'href="javascript:' not in page_
        ), address
        assert "49</" not in page_ or "{{" not in text, address


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(first: str) -> None:
    assert guarded(f'{first}cmd|"/c calc"!A1') == f'\'{first}cmd|"/c calc"!A1'
