"""Pages made in a process of their own: the mark is everywhere and legible, and no file gets further than a refusal."""

from __future__ import annotations

import io
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from intranet.rendering import fonts, marked
from intranet.rendering import mark as marks
from intranet.rendering.runner import Body, Busy, Failed, Renderer
from search import extract_programs
from tests.reading import pdf, picture

PROGRAMS = extract_programs.find()
NUMBER, LOGIN = "BG-M-2026-0003", "lead_wx"
MARK = {
    "lines": [f"梁铁生 {LOGIN}", f"{NUMBER} 第 1 份", "2026-11-23 09:00"],
    "foot": f"{NUMBER} 第 1 份 · 梁铁生 ({LOGIN}) · 2026-11-23 09:00",
}
BARE: dict[str, Any] = {"lines": ["x"], "foot": "x"}


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(programs=lambda: PROGRAMS)
    yield made
    made.close()


def body(data: bytes, name: str) -> Body:
    return Body(f"{name}:{hash(data)}", name, len(data), lambda: [data])


def image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    "what",
    [("正文.pdf", pdf(1)), ("夜.png", picture(colour=(8, 8, 8))), ("昼.jpg", picture("JPEG")), ("记录.txt", "第一条\n".encode() * 9)],
    ids=lambda w: w[0],
)  # fmt: skip
def test_the_mark_is_everywhere(renderer: Renderer, what: tuple[str, bytes]) -> None:
    """Tile by tile against the same page without it: on white paper, on a black picture, on a photo, on text."""
    name, data = what
    asked = body(data, name)
    bare = image(renderer.page(asked, 1, 1240, BARE, bare=True).body).convert("L")
    drawn = image(renderer.page(asked, 1, 1240, MARK).body).convert("L")
    assert drawn.height > bare.height, "the foot stands below, it covers nothing"
    side = bare.width // 6
    tiles = [
        (x, y, x + side, y + side)
        for x in range(0, bare.width - side + 1, side)
        for y in range(0, bare.height - side + 1, side)
    ]
    changed = [t for t in tiles if _far(drawn.crop(t), bare.crop(t))]
    assert len(changed) >= 0.9 * len(tiles), f"{len(changed)} of {len(tiles)}"


def _far(one: Image.Image, other: Image.Image) -> bool:
    """More than JPEG alone makes of it: at least 50 pixels differ by an eighth of the range."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) > 24 for a, b in pairs) > 50


@pytest.mark.skipif(not PROGRAMS.recognises, reason="no Tesseract with Chinese data")
@pytest.mark.parametrize("colour", [(255, 255, 255), (10, 10, 10)])
def test_the_mark_is_read_from_a_photograph_of_the_page(
    renderer: Renderer, colour: tuple[int, int, int]
) -> None:
    """By Tesseract: number and login in the foot, and the name in the slanted mark once the page is turned back."""
    made = image(renderer.page(body(picture(colour=colour), "页.png"), 1, 1240, MARK).body)
    foot = made.crop((0, made.height - 37, made.width, made.height))
    said = _recognised(foot.resize((3 * foot.width, 3 * foot.height), Image.Resampling.LANCZOS))
    assert NUMBER in said and LOGIN in said.replace(" ", ""), said
    turned = made.rotate(-24, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=colour)
    slanted = _recognised(turned.convert("L").point(lambda v: 255 if abs(v - colour[0]) < 18 else 0))
    assert "2026" in slanted, slanted


def _recognised(page: Image.Image) -> str:
    out = io.BytesIO()
    page.save(out, "PNG")
    command = [PROGRAMS.tesseract, "-", "-", "-l", "chi_sim+eng", "--psm", "11"]
    done = subprocess.run(command, input=out.getvalue(), capture_output=True, check=True, timeout=120)
    return done.stdout.decode("utf-8", "replace")


def test_without_a_chinese_font_there_is_still_a_mark() -> None:
    made = marks.burn(
        Image.new("RGB", (900, 600), "white"), marks.Mark((LOGIN, NUMBER), NUMBER), fonts.Font()
    )
    assert len(set(made.convert("L").tobytes())) > 10


def test_the_font_of_china_is_taken_from_a_collection() -> None:
    found = fonts.find()
    if found.path.endswith("NotoSansCJK-Regular.ttc"):
        assert found.at(10).getname()[0] == "Noto Sans CJK SC"
    assert fonts.find(("/nowhere",)) == fonts.Font()


# -- kinds of files --------------------------------------------------------------------------------------------------
def test_pages_of_every_kind(renderer: Renderer) -> None:
    frames = [Image.new("RGB", (400, 300), (n * 60, 90, 90)) for n in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])
    assert renderer.count(body(out.getvalue(), "传真.tif")) == 3
    assert renderer.count(body("行\n".encode() * 100, "长.txt")) == 3
    assert renderer.count(body("一二三，四\n".encode("gb18030"), "表.csv")) == 1
    assert renderer.count(body(pdf(4), "四.pdf")) == 4


def test_a_photo_lies_as_the_camera_meant_it_and_tells_no_place(renderer: Renderer) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = image(renderer.page(body(picture("JPEG", exif=exif), "照.jpg"), 1, 600, MARK).body)
    assert made.height > made.width and not made.getexif()


@pytest.mark.skipif(not PROGRAMS.soffice, reason="no LibreOffice")
def test_office_files_become_pages_by_way_of_pdf(renderer: Renderer) -> None:
    from intranet.demo import papers

    for name in ("报告.docx", "明细.xlsx"):
        data = papers.make(name, "题目", "第一条，内容。\n" * 120)
        asked = body(data, name)
        assert renderer.count(asked) >= 2
        made = renderer.marked(asked, MARK)
        assert made.mime == "application/pdf"
        for page in pypdfium2.PdfDocument(made.body):
            assert NUMBER in page.get_textpage().get_text_bounded()
    none = Renderer()
    with pytest.raises(Failed) as failed:
        none.count(body(data, name))
    assert failed.value.note == "legacy"
    none.close()


# -- hostile files ---------------------------------------------------------------------------------------------------
LOCKED = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"3 0 obj<</Filter/Standard/V 1/R 2/O<" + b"00" * 32 + b">/U<" + b"00" * 32 + b">/P -4>>endobj\n"
    b"trailer<</Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\n"
)


def _bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in 110 KB."""
    out = io.BytesIO()
    Image.new("1", (30000, 30000)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "notes"),
    [
        ("空.txt", lambda: b"", {"empty"}),
        ("坏.pdf", lambda: b"%PDF-1.7\nnothing", {"damaged"}),
        ("锁.pdf", lambda: LOCKED, {"encrypted"}),
        ("坏.png", lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), {"damaged"}),
        ("炸.png", _bomb, {"too_large"}),
        ("包.zip", lambda: b"PK\x05\x06" + bytes(18), {"unsupported"}),
        ("乱.bin", lambda: os.urandom(5000), {"unsupported"}),
    ],
)
def test_what_cannot_be_shown_is_said(renderer: Renderer, name: str, make: Any, notes: set[str]) -> None:
    with pytest.raises(Failed) as failed:
        renderer.page(body(make(), name), 1, 1240, MARK)
    assert failed.value.note in notes, failed.value


def test_ten_thousand_pages_are_paged_like_ten(renderer: Renderer) -> None:
    asked = body(pdf(10_000), "万页.pdf")
    assert renderer.count(asked) == 10_000
    assert renderer.page(asked, 9_999, 1240, MARK).pages == 10_000
    with pytest.raises(Failed) as failed:
        renderer.page(asked, 10_001, 1240, MARK)
    assert failed.value.note == "page"


def test_a_page_of_a_square_mile_is_drawn_small(renderer: Renderer) -> None:
    made = image(renderer.page(body(pdf(1, size=(14_000, 14_400)), "大.pdf"), 1, 1860, MARK).body)
    assert made.width <= 1900


def test_a_file_over_its_memory_is_refused_unopened() -> None:
    small = Renderer(memory=64 << 20)
    opened: list[int] = []

    def pieces() -> list[bytes]:
        opened.append(1)
        return [b"x"]

    with pytest.raises(Failed) as failed:
        small.count(Body("k", "x.pdf", 17 << 20, pieces))
    assert failed.value.note == "too_large" and not opened


# -- the process -----------------------------------------------------------------------------------------------------
def test_the_next_page_comes_from_the_same_process_and_its_end_is_its_own() -> None:
    """The body is opened once; after `idle` seconds the process is gone, and with it what it held."""
    quick = Renderer(idle=1)
    opened: list[int] = []
    data = pdf(3)

    def pieces() -> list[bytes]:
        opened.append(1)
        return [data]

    asked = Body("k", "x.pdf", len(data), pieces)
    for n in (1, 2, 3):
        quick.page(asked, n, 600, MARK)
    assert len(opened) == 1
    (room,) = quick._rooms.values()
    until = time.monotonic() + 20
    while not room.over and time.monotonic() < until:
        room._child.wait(20)
    assert room.over
    quick.page(asked, 1, 600, MARK)
    assert len(opened) == 2
    quick.close()


def test_closing_a_session_ends_the_process() -> None:
    made = Renderer()
    made.page(body(pdf(1), "x.pdf"), 1, 600, MARK)
    (key, room), *_ = made._rooms.items()
    made.forget(key)
    assert room.over and not made._rooms
    made.close()


def test_the_child_reaches_neither_network_nor_files() -> None:
    """What `search.extract_sandbox` promises is asked for here too: the line is in the program."""
    from pathlib import Path

    import intranet.rendering.child as child

    text = Path(child.__file__).read_text()
    assert "confine((*_READ" in text and "RLIMIT_FSIZE, 0" in text and "RLIMIT_CORE, 0" in text


def test_nobody_waits_for_ever_where_pages_are_many() -> None:
    one = Renderer(at_once=1, patience=0.05)
    held, go = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        held.set()
        go.wait(20)
        yield pdf(1)

    asked = Body("slow", "x.pdf", len(pdf(1)), slow)
    other = threading.Thread(target=lambda: one.count(asked))
    other.start()
    assert held.wait(20)
    with pytest.raises(Busy):
        one.count(body(pdf(1), "y.pdf"))
    go.set()
    other.join()
    one.close()


def test_nothing_in_clear_is_left_on_a_disk(renderer: Renderer) -> None:
    from pathlib import Path

    renderer.page(body(pdf(1), "x.pdf"), 1, 600, MARK)
    folders = [p for p in Path("/tmp").glob("render-*") if p.is_dir()]
    assert all(not list(p.iterdir()) for p in folders if os.access(p, os.R_OK))


def test_the_overlay_stands_upright_on_turned_pages() -> None:
    """The words of the mark are where the foot is to be seen, whatever /Rotate says."""
    for turned in (0, 90, 180, 270):
        made, _mime = marked.pdf(
            pdf(1, size=(500, 800), rotate=turned),
            marks.Mark(tuple(MARK["lines"]), str(MARK["foot"])),
            fonts.find(),
        )
        page = pypdfium2.PdfDocument(made)[0]
        seen = page.render(scale=1).to_pil().convert("L")
        strip = seen.crop((0, seen.height - 16, seen.width // 2, seen.height))
        assert min(strip.tobytes()) < 120, turned
