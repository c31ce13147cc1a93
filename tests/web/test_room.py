"""Reading in the page, by browser: the door, pages, the time that ends it, what may be saved and with which mark."""

from __future__ import annotations

import io
from collections.abc import Callable

import pypdfium2
import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Invalid
from intranet.extensions import db as database
from intranet.models import Approval, Blob, Loan, Reading
from intranet.verbs import loans
from tests.office import Clock, Office, Statements
from tests.reading import blob_of, kept, lend, pdf, picture, sheet
from vault.levels import Level

As = Callable[..., FlaskClient]
SECRET = Level.CONFIDENTIAL


def test_borrow_start_read_close(as_: As, desk: Office, db: Session, clock: Clock) -> None:
    item = kept(desk, SECRET, readers=("lead_cw",))
    browser = as_("lead_cw")
    door = browser.get(f"/i/{item.number}/read").text
    assert f"/desk/{item.number}/checkout" in door and "开始阅读" not in door
    lend(desk, item, "lead_cw")
    assert "开始阅读" in browser.get(f"/i/{item.number}/read").text
    led = browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    address = f"/i/{item.number}/read/{blob_of(item)}"
    assert (led.status_code, led.headers["Location"]) == (303, address)
    page = browser.get(address)
    assert "第 1 页，共 3 页" in page.text and f"{address}/1.jpg" in page.text
    assert f"{address}/2.jpg" not in page.text, "no other page is fetched"
    assert "prefetch" not in page.text and "preload" not in page.text.replace('preload="none"', "")
    for n in (1, 2, 3):
        assert sheet(browser, item, n).width == 1240
    answer = browser.get(f"{address}/1.jpg?z=1")
    assert Image.open(io.BytesIO(answer.data)).width == 1860
    for name, value in {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }.items():
        assert answer.headers[name] == value
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    seen = [r.detail for r in desk.audit("body.page")]
    assert [('"page": 1' in d, '"page": 2' in d, '"page": 3' in d) for d in seen] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (True, False, False),
    ]
    assert browser.get(f"{address}/4.jpg").status_code == 404
    assert browser.post(f"/i/{item.number}/read/close").status_code == 303
    assert browser.get(f"{address}/1.jpg").status_code == 403
    paused = browser.get(address)
    assert paused.status_code == 403 and "阅读时间已结束" in paused.text


def test_the_time_ends_it_and_so_does_the_return(as_: As, desk: Office, db: Session, clock: Clock) -> None:
    item = kept(desk, SECRET, readers=("lead_cw",))
    loan = lend(desk, item, "lead_cw")
    browser, start = as_("lead_cw"), {"blob": blob_of(item)}
    image = f"/i/{item.number}/read/{blob_of(item)}/1.jpg"
    browser.post(f"/i/{item.number}/read", data=start)
    for minutes in (10, 10, 9):
        clock.forward(minutes=minutes)
        assert browser.get(image).status_code == 200
    clock.forward(minutes=1)
    assert browser.get(image).status_code == 403
    browser.post(f"/i/{item.number}/read", data=start)
    assert browser.get(image).status_code == 200
    with desk.w("lead_cw") as w:
        loans.give_back(w, loan.id)
    assert browser.get(image).status_code == 403
    assert "须先借阅" in browser.get(image.removesuffix("/1.jpg")).text


def test_the_factor_runs_out_in_the_middle(as_: As, desk: Office, clock: Clock) -> None:
    item = kept(desk, Level.SECRET, readers=("deputy",))
    lend(desk, item, "deputy")
    browser = as_("deputy", fresh=True)
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    address = f"/i/{item.number}/read/{blob_of(item)}"
    sheet(browser, item)
    clock.forward(minutes=11)
    paused = browser.get(f"{address}?p=2")
    assert paused.status_code == 403
    assert "须先通过二次验证" in paused.text
    assert f"/factor?next={address}?p%3D2" in paused.text or "p%3D2" in paused.text
    assert browser.get(f"{address}/2.jpg").status_code == 403
    assert len(desk.audit("body.page")) == 1


def test_what_a_browser_fetches_ahead_is_not_read(as_: As, desk: Office) -> None:
    item = kept(desk, SECRET, readers=("lead_cw",))
    lend(desk, item, "lead_cw")
    browser = as_("lead_cw")
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    image = f"/i/{item.number}/read/{blob_of(item)}/1.jpg"
    assert browser.get(image, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 503
    assert desk.audit("body.page") == []


FORMS = [{}, {"Range": "bytes=0-9"}, {"If-None-Match": "*"}, {"Range": "bytes=-5", "If-Range": '"x"'}]


@pytest.mark.parametrize("query", ["", "?download=1"])
def test_in_no_form_does_the_file_itself_come_out(as_: As, desk: Office, query: str) -> None:
    """Not whole, not in part, not as a head, not as unchanged; and the refusal says where it is read."""
    item = kept(desk, SECRET, readers=("lead_cw",))
    lend(desk, item, "lead_cw")
    browser, url = as_("lead_cw"), f"/f/{blob_of(item)}/x{query}"
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    for headers in FORMS:
        answer = browser.get(url, headers=headers)
        assert answer.status_code == 403
        assert "只能在页面内阅读" in answer.text and f"/i/{item.number}/read" in answer.text
        assert browser.head(url, headers=headers).status_code == 403
        assert b"%PDF" not in answer.data and "ETag" not in answer.headers
    assert desk.audit("body.open") == desk.audit("body.save") == []


def saved(as_: As, desk: Office, name: str, body: bytes) -> tuple[str, bytes]:
    item = kept(desk, SECRET, (name, body), readers=("lead_cw",))
    lend(desk, item, "lead_cw", download=True)
    browser, url = as_("lead_cw"), f"/f/{blob_of(item)}/x"
    head = browser.head(url)
    assert (head.status_code, head.data) == (200, b"")
    for headers in FORMS:
        answer = browser.get(url, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "ETag" not in answer.headers and "Content-Range" not in answer.headers
    assert len(desk.audit("body.save")) == len(FORMS)
    return item.number, answer.data


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_saved_pdf_has_the_mark_on_every_page(as_: As, desk: Office, rotate: int) -> None:
    number, made = saved(as_, desk, "正文.pdf", pdf(3, rotate=rotate))
    document, bare = pypdfium2.PdfDocument(made), pypdfium2.PdfDocument(pdf(3, rotate=rotate))
    assert len(document) == 3
    for n, page in enumerate(document):
        text = page.get_textpage().get_text_bounded()
        assert number in text and "lead_cw" in text and f"page {n + 1}" in text
        drawn, plain = (
            page.render(scale=1).to_pil().convert("L"),
            bare[n].render(scale=1).to_pil().convert("L"),
        )
        assert differs(drawn, plain) > 0.8
    assert made.count(b"%%EOF") == 1, "no earlier state is left in it"


def differs(one: Image.Image, other: Image.Image, side: int = 100) -> float:
    """The share of tiles in which two pictures of one size are not the same."""
    assert one.size == other.size
    tiles = [
        (x, y, x + side, y + side)
        for x in range(0, one.width - side + 1, side)
        for y in range(0, one.height - side + 1, side)
    ]
    return sum(one.crop(t).tobytes() != other.crop(t).tobytes() for t in tiles) / len(tiles)


def test_a_saved_picture_is_burnt_and_tells_nothing_else(as_: As, desk: Office) -> None:
    exif = Image.Exif()
    exif[0x010F] = "camera"
    _number, made = saved(as_, desk, "照片.jpg", picture("JPEG", exif=exif))
    image = Image.open(io.BytesIO(made))
    assert image.format == "JPEG" and not image.getexif()
    bare = Image.new("L", (800, 600), 250)
    assert differs(image.convert("L").crop((0, 0, 800, 600)), bare) > 0.8


def test_a_saved_text_says_whose_it_is(as_: As, desk: Office) -> None:
    number, made = saved(as_, desk, "正文.txt", "第一条\n第二条\n".encode())
    lines = made.decode().splitlines()
    assert lines[0] == lines[-1] and number in lines[0] and "lead_cw" in lines[0] and "第 1 份" in lines[0]
    assert lines[1:-1] == ["第一条", "第二条"]


def test_what_carries_no_mark_is_not_saved(as_: As, desk: Office) -> None:
    item = kept(desk, SECRET, ("资料.zip", b"PK\x05\x06" + bytes(18)), readers=("lead_cw",))
    lend(desk, item, "lead_cw", download=True)
    answer = as_("lead_cw").get(f"/f/{blob_of(item)}/x")
    assert answer.status_code == 403 and "无法加水印" in answer.text
    assert b"PK\x05" not in answer.data


def test_above_the_level_of_the_setting_nothing_is_saved(as_: As, desk: Office) -> None:
    """DOWNLOAD_LEVEL is 秘密: no loan of a 机密 file says otherwise."""
    item = kept(desk, Level.SECRET, readers=("deputy",))
    with pytest.raises(Invalid):
        lend(desk, item, "deputy", download=True)
    with desk.w("custodian") as w:
        loans.lend(w, w.session.scalars(select(Loan.id)).one())
    assert as_("deputy", fresh=True).get(f"/f/{blob_of(item)}/x").status_code == 403


def test_broken_and_locked_files_are_said_not_shown(as_: As, desk: Office) -> None:
    item = kept(desk, SECRET, ("坏.pdf", b"%PDF-1.7\nnothing"), readers=("lead_cw",))
    lend(desk, item, "lead_cw")
    browser = as_("lead_cw")
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    page = browser.get(f"/i/{item.number}/read/{blob_of(item)}")
    assert page.status_code == 409 and "文件内容有误" in page.text
    assert browser.get(f"/i/{item.number}/read/{blob_of(item)}/1.jpg").status_code == 409


def test_an_altered_byte_is_an_alarm_here_too(as_: As, desk: Office) -> None:
    item = kept(desk, SECRET, readers=("lead_cw",))
    lend(desk, item, "lead_cw")
    browser = as_("lead_cw")
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    store = desk.house.vault.store
    with desk.w("custodian") as w:
        name = w.session.get_one(Blob, blob_of(item)).name
    body, moment = store._objects[name]
    store._objects[name] = body[:30] + bytes([body[30] ^ 1]) + body[31:], moment
    answer = browser.get(f"/i/{item.number}/read/{blob_of(item)}/1.jpg")
    assert answer.status_code == 500 and "已损坏或被改动" in answer.text
    assert [r.outcome for r in desk.audit("body.damaged")] == ["alarm"]


def test_a_recording_is_played_and_each_start_recorded(as_: As, desk: Office) -> None:
    wave = (
        b"RIFF"
        + (36 + 2000).to_bytes(4, "little")
        + b"WAVEfmt "
        + (16).to_bytes(4, "little")
        + b"\x01\0\x01\0"
    )
    wave += (8000).to_bytes(4, "little") + (8000).to_bytes(4, "little") + b"\x01\0\x08\0data"
    wave += (2000).to_bytes(4, "little") + bytes(2000)
    item = kept(desk, SECRET, ("会议.wav", wave), readers=("lead_cw",))
    lend(desk, item, "lead_cw", download=True)
    browser = as_("lead_cw")
    browser.post(f"/i/{item.number}/read", data={"blob": blob_of(item)})
    page = browser.get(f"/i/{item.number}/read/{blob_of(item)}").text
    assert "<audio" in page and "无法加水印" in page
    url = f"/i/{item.number}/read/{blob_of(item)}/sound"
    assert browser.get(url).data == wave
    part = browser.get(url, headers={"Range": "bytes=100-"})
    assert (part.status_code, part.data) == (206, wave[100:])
    assert part.headers["Cache-Control"] == "no-store"
    assert ['"at": 0' in r.detail for r in desk.audit("body.play")] == [True, False]
    assert browser.get(f"/f/{blob_of(item)}/x").status_code == 403, "no mark, no copy"


# -- two persons ---------------------------------------------------------------------------------------------------
def test_two_persons_open_a_file_of_the_highest_level(make: Callable[..., object], clock: Clock) -> None:
    app = make(register_only_levels="")
    desk = Office(app, app.extensions["house"])  # type: ignore[attr-defined,arg-type]
    item = kept(desk, Level.TOPSECRET, ("方案.pdf", pdf(2)), ("附件.pdf", pdf(1)), readers=("leader",))
    lend(desk, item, "leader")
    browser, first, second = desk.client("leader", fresh=True), blob_of(item), blob_of(item, 1)
    assert browser.post(f"/i/{item.number}/read", data={"blob": first}).status_code == 403
    assert f"/i/{item.number}/open" in browser.get(f"/i/{item.number}/read").text
    wrong = browser.post(f"/i/{item.number}/open", data={"blob": first, "why": ""})
    assert wrong.status_code == 422
    asked = browser.post(f"/i/{item.number}/open", data={"blob": first, "why": "核对部署"})
    assert asked.status_code == 303
    database.session.rollback()
    approval = database.session.scalars(select(Approval)).one().id
    address = f"/i/{item.number}/open/{approval}"
    assert browser.post(address, data={"do": "approve"}).status_code == 403, "never one's own"
    other = desk.client("registrar")
    led = other.get(address)
    assert led.status_code == 303 and "/factor?next=" in led.headers["Location"]
    other = desk.client("registrar", fresh=True)
    page = other.get(address).text
    assert "核对部署" in page and "方案.pdf" in page
    assert "查看并办理" in other.get(f"/i/{item.number}").text
    assert other.post(address, data={"do": "refuse", "said": ""}).status_code == 422
    assert other.post(address, data={"do": "approve"}).status_code == 303
    assert browser.post(f"/i/{item.number}/read", data={"blob": second}).status_code == 403, "another file"
    assert browser.post(f"/i/{item.number}/read", data={"blob": first}).status_code == 303
    sheet(browser, item)
    assert browser.get(f"/i/{item.number}/read/{second}/1.jpg").status_code == 403
    browser.post(f"/i/{item.number}/read/close")
    assert browser.post(f"/i/{item.number}/read", data={"blob": first}).status_code == 403, "used once"


# -- break-glass ---------------------------------------------------------------------------------------------------
def test_breaking_the_glass_and_its_review(as_: As, desk: Office, db: Session, clock: Clock) -> None:
    item = kept(desk, SECRET, readers=("lead_cw", "deputy"))
    browser = as_("lead_cw")
    assert "应急打开" in browser.get(f"/i/{item.number}/read").text
    form = f"/i/{item.number}/glass"
    assert "立即收到通知" in browser.get(form).text
    given = {"reason": "管道爆裂须立即查图关阀", "sure": "1"}
    for bad in ({"reason": "急", "sure": "1"}, {"reason": given["reason"]}):
        answer = browser.post(form, data=bad)
        assert answer.status_code == 422 and bad["reason"] in answer.text
    assert browser.post(form, data=given).status_code == 303
    db.rollback()
    reading = db.scalars(select(Reading)).one()
    assert reading.way == "glass"
    sheet(browser, item, 1)
    sheet(browser, item, 2)
    assert "被应急打开" in as_("deputy").get("/").text
    address = f"{form}/{reading.approval_id}"
    assert browser.get(address).status_code == 200
    assert browser.post(address, data={"finding": "good", "said": "好"}).status_code == 403
    reviewer = as_("custodian")
    page = reviewer.get(address).text
    assert given["reason"] in page and "第 1 页" in page and "第 2 页" in page
    assert reviewer.post(address, data={"said": "好"}).status_code == 422
    assert reviewer.post(address, data={"finding": "good", "said": "确属紧急"}).status_code == 303
    assert reviewer.post(address, data={"finding": "bad", "said": "再来"}).status_code == 409
    clock.forward(minutes=15)
    assert browser.get(f"/i/{item.number}/read/{blob_of(item)}/1.jpg").status_code == 403


# -- cost ----------------------------------------------------------------------------------------------------------
def test_how_many_statements_a_page_takes(as_: As, desk: Office, db: Session) -> None:
    item = kept(desk, SECRET, readers=("lead_cw",))
    lend(desk, item, "lead_cw")
    browser, blob = as_("lead_cw"), blob_of(item)
    browser.post(f"/i/{item.number}/read", data={"blob": blob})
    counted = Statements(db.get_bind())  # type: ignore[arg-type]
    for url, most in (
        (f"/i/{item.number}/read", 20),
        (f"/i/{item.number}/read/{blob}", 20),
        (f"/i/{item.number}/read/{blob}/1.jpg", 22),
    ):
        browser.get(url)
        with counted() as seen:
            assert browser.get(url).status_code == 200
        assert len(seen) <= most, (url, len(seen), seen)
