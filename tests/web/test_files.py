"""Bodies: the round trip, names, ranges to the byte, what a browser may do with them, and what damage does."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.extensions import db as database
from intranet.house import House
from intranet.models import Blob, Item
from intranet.verbs import deposits, loans
from intranet.web.files import disposition, shows_inline
from tests.office import Clock, Office
from vault.errors import VaultError
from vault.levels import Level

As = Callable[..., FlaskClient]
LARGE = 5 * (1 << 20) + 7


@pytest.fixture
def held(desk: Office) -> Item:
    body = "一二三四五六七八九十".encode()
    return desk.add("resource", "officer", blobs=(desk.deposit("officer", body, "检查 表（一）.txt"),))


def blob_of(db: Session, item: Item) -> Blob:
    db.rollback()
    return db.scalars(select(Blob).where(Blob.item_id == item.id)).one()


def address(db: Session, item: Item) -> str:
    blob = blob_of(db, item)
    return f"/f/{blob.id}/{blob.filename}"


def test_an_uploaded_file_comes_back_byte_for_byte(as_: As, desk: Office, db: Session) -> None:
    body = bytes(range(256)) * 1500  # larger than what stays in memory, and several sealed chunks
    data = {
        "title": "附件",
        "unit": str(desk.unit("BG")),
        "level": "internal",
        "business": "other",
        "management": "service",
        "medium": "electronic",
        "files": [(io.BytesIO(body), "数据.bin"), (io.BytesIO(b"%PDF-1.7\nx"), "说明.pdf")],
    }
    assert as_("officer").post("/items/resource/new", data=data).status_code == 303
    db.rollback()
    first, second = db.scalars(select(Blob).order_by(Blob.id)).all()
    answer = as_("cook").get(f"/f/{first.id}/{first.filename}")
    assert answer.data == body
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    pdf = as_("cook").get(f"/f/{second.id}/x")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Content-Disposition"].startswith("inline")
    page = as_("cook").get(f"/i/{db.get_one(Item, first.item_id).number}").text
    assert "说明.pdf" in page


def test_a_chinese_name_travels_whole(as_: As, db: Session, held: Item) -> None:
    name = as_("cook").get(address(db, held)).headers["Content-Disposition"]
    assert name.endswith("filename*=UTF-8''%E6%A3%80%E6%9F%A5%20%E8%A1%A8%EF%BC%88%E4%B8%80%EF%BC%89.txt")
    assert 'filename="__ ____.txt"' in name


@pytest.mark.parametrize("name", ['a"b.txt', "a\r\nX: y.txt", "a;b\\c.txt", "%41.txt"])
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    header = disposition("attachment", name)
    assert header.count('"') == 2
    assert "\r" not in header
    assert "\n" not in header


def test_opening_is_recorded_for_whoever_opened(as_: As, desk: Office, db: Session, held: Item) -> None:
    as_("cook").get(address(db, held))
    assert [(r.actor, r.number) for r in desk.audit("body.open")] == [("cook", held.number)]
    as_("cook").head(address(db, held))
    assert len(desk.audit("body.open")) == 1
    assert len(desk.audit("body.head")) == 1


def test_head_says_what_get_would(as_: As, db: Session, held: Item) -> None:
    whole, head = as_("cook").get(address(db, held)), as_("cook").head(address(db, held))
    assert head.data == b""
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name], name


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-", 206, 0, 30),
        ("bytes=3-5", 206, 3, 6),
        ("bytes=29-", 206, 29, 30),
        ("bytes=29-99", 206, 29, 30),
        ("bytes=-1", 206, 29, 30),
        ("bytes=-30", 206, 0, 30),
        ("bytes=-99", 206, 0, 30),
        ("bytes=30-", 416, 0, 0),
        ("bytes=99-", 416, 0, 0),
        ("bytes=5-3", 200, 0, 30),
        ("bytes=0-1,3-4", 200, 0, 30),
        ("chapters=1-2", 200, 0, 30),
        ("bytes=x", 200, 0, 30),
    ],
)
def test_ranges_to_the_byte(
    as_: As, db: Session, held: Item, asked: str, status: int, start: int, end: int
) -> None:
    body = "一二三四五六七八九十".encode()
    answer = as_("cook").get(address(db, held), headers={"Range": asked})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */30"
        return
    assert answer.data == body[start:end]
    assert int(answer.headers["Content-Length"]) == end - start
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/30"


def test_a_part_is_only_of_the_file_one_began_with(as_: As, db: Session, held: Item) -> None:
    tag = as_("cook").get(address(db, held)).headers["ETag"]
    for condition, status in ((tag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-2", "If-Range": condition}
        assert as_("cook").get(address(db, held), headers=headers).status_code == status


def test_an_empty_file_is_an_empty_answer(as_: As, desk: Office, db: Session) -> None:
    blob = desk.deposit("officer", b"", "空.txt")
    item = desk.add("resource", "officer", blobs=(blob,))
    answer = as_("cook").get(address(db, item))
    assert (answer.status_code, answer.data) == (200, b"")


# -- what a browser may do with it -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "body", "inline"),
    [
        ("a.html", b"<!doctype html><script>alert(1)</script>", False),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", None),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(30), True),
        ("a.txt", "<script>甲</script> 一段文字".encode(), None),
        ("a.xml", b"<?xml version='1.0'?><a/>", False),
    ],
)
def test_nothing_runs_in_what_is_shown(
    as_: As, desk: Office, db: Session, name: str, body: bytes, inline: bool | None
) -> None:
    item = desk.add("resource", "officer", blobs=(desk.deposit("officer", body, name),))
    answer = as_("cook").get(address(db, item))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not answer.headers["Content-Type"].startswith(
        ("text/html", "image/svg", "text/xml", "application/xml")
    )
    if inline is not None:
        assert answer.headers["Content-Disposition"].startswith("inline") is inline
    saved = as_("cook").get(address(db, item) + "?download=1")
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_only_a_short_list_is_shown_at_all() -> None:
    assert shows_inline("application/pdf") == "application/pdf"
    assert shows_inline("text/csv").startswith("text/plain")
    for mime in (
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/octet-stream",
        "",
    ):
        assert shows_inline(mime) == ""


# -- who -----------------------------------------------------------------------------------------------------------
def test_hidden_dropped_unowned_and_missing_files_answer_alike(as_: As, desk: Office, db: Session) -> None:
    loose = desk.deposit("officer", b"x")
    hidden = desk.add(
        "document",
        "custodian",
        level=Level.CONFIDENTIAL,
        blobs=(desk.deposit("custodian", b"x", level=Level.CONFIDENTIAL),),
    )
    client = as_("cook")
    missing = client.get("/f/9/x.txt")
    for number in (loose, blob_of(db, hidden).id):
        answer = client.get(f"/f/{number}/x.txt")
        assert answer.status_code == missing.status_code == 404
        assert len(answer.data) == len(missing.data)


@pytest.fixture
def secret(desk: Office) -> Item:
    blob = desk.deposit("custodian", b"secret body", level=Level.SECRET)
    return desk.add("document", "custodian", level=Level.SECRET, blobs=(blob,))


def lend(desk: Office, item: Item, clock: Clock, to: str = "registrar", by: str = "custodian") -> None:
    with desk.w(to) as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today)
    with desk.w(by) as w:
        loans.lend(w, loan.id)


def test_a_secret_body_needs_a_loan_then_a_fresh_proof(
    as_: As, desk: Office, db: Session, clock: Clock, secret: Item
) -> None:
    url = address(db, secret)
    assert as_("registrar").get(url).status_code == 403
    lend(desk, secret, clock)
    read, start = f"/i/{secret.number}/read", {"blob": blob_of(db, secret).id}
    asked = as_("registrar").post(read, data=start)
    assert asked.status_code == 403
    assert f"/factor?next={read}" in asked.text
    assert as_("lead", fresh=True).post(read, data=start).status_code in (403, 404), "a proof is no loan"
    reader = as_("registrar", fresh=True)
    assert reader.get(url).status_code == 403, "it is read in the page only"
    assert reader.post(read, data=start).status_code == 303
    answer = reader.get(f"{read}/{start['blob']}/1.jpg")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Watermark"].startswith(f"{secret.number} registrar 2026-11-23")


def test_the_page_says_what_would_open_it(as_: As, desk: Office, clock: Clock, secret: Item) -> None:
    page = as_("registrar").get(f"/i/{secret.number}").text
    assert "须先借阅" in page
    assert f"/desk/{secret.number}/checkout" in page
    lend(desk, secret, clock)
    page = as_("registrar").get(f"/i/{secret.number}").text
    assert "须先通过二次验证" in page
    assert "/factor?next=" in page
    page = as_("registrar", fresh=True).get(f"/i/{secret.number}").text
    assert "在页面内阅读" in page
    assert "?download=1" not in page


# -- damage --------------------------------------------------------------------------------------------------------
def flip(house: House, blob: Blob, at: int) -> None:
    store = house.vault.store
    body, moment = store._objects[blob.name]
    store._objects[blob.name] = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], moment


def test_an_altered_byte_is_refused_and_told(
    as_: As, desk: Office, db: Session, house: House, held: Item
) -> None:
    flip(house, blob_of(db, held), 20)
    answer = as_("cook").get(address(db, held))
    assert answer.status_code == 500
    assert "已损坏或被改动" in answer.text
    (row,) = desk.audit("body.damaged")
    assert (row.outcome, row.number) == ("alarm", held.number)
    assert [o.payload["code"] for o in desk.outbox("alarm")] == ["damaged"]


def test_damage_further_on_breaks_the_connection_off(
    as_: As, desk: Office, db: Session, house: House
) -> None:
    body = bytes(LARGE)
    item = desk.add("resource", "officer", blobs=(desk.deposit("officer", body, "大.bin"),))
    flip(house, blob_of(db, item), 4 << 20)
    answer = as_("cook").get(address(db, item), buffered=False)
    assert answer.status_code == 200
    got = bytearray()

    def receive() -> None:
        for piece in answer.response:
            got.extend(piece)

    with pytest.raises(VaultError):
        receive()
    assert 0 < len(got) < len(body)
    assert bytes(got) == body[: len(got)], "nothing unproved was sent"
    assert len(desk.audit("body.damaged")) == 1
    answer.close()


def test_a_lost_key_or_store_is_no_alarm(
    as_: As, desk: Office, db: Session, house: House, held: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vault.store import Unavailable

    def away(*_args: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(house.vault.store, "get", away)
    assert as_("cook").get(address(db, held)).status_code == 503
    assert desk.audit("body.damaged") == []


def test_no_session_is_held_while_bytes_travel(
    as_: As, db: Session, held: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use: list[int] = []
    real = deposits.Opened.read

    def watched(self: deposits.Opened, start: int = 0, length: int | None = None):
        for piece in real(self, start, length):
            in_use.append(
                database.engine.pool.checkedout() if hasattr(database.engine.pool, "checkedout") else 0
            )
            yield piece

    url, client = address(db, held), as_("cook")
    database.session.remove()
    monkeypatch.setattr(deposits.Opened, "read", watched)
    assert client.get(url).status_code == 200
    assert in_use
    assert in_use[-1] == 0
