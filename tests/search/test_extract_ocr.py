"""Pictures of text: read by the real Tesseract, and what is done with one that hangs, fails, or is not there."""

from __future__ import annotations

import io
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from search import extract as module
from search.extract import extract
from search.extract_programs import find
from tests.search import files
from tests.search.files import CHINESE
from tests.search.programs import no_tesseract, real
from tests.search.test_extract_hostile import children

FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
LINES = ("后勤设备安全检查通知", "联系电话 010-62345678", "定于11月23日开展检查")


def paper(*lines: str) -> Image.Image:
    """A sheet with lines of print."""
    if not Path(FONT).exists():
        pytest.skip("fonts-noto-cjk is missing")
    sheet = Image.new("L", (1240, 700), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(FONT, 40)
    for number, line in enumerate(lines or LINES):
        draw.text((120, 100 + 80 * number), line, 0, font)
    return sheet


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def scans(*pages: Image.Image) -> bytes:
    """A PDF whose pages are pictures."""
    return saved(pages[0], "PDF", resolution=150, save_all=True, append_images=pages[1:])


def grey() -> Image.Image:
    return Image.linear_gradient("L").resize((1240, 700))


def test_chinese_in_a_picture_is_read() -> None:
    found = extract(saved(paper(), "PNG"), "照片.png", programs=real(ocr=True))
    assert (found.note, found.detail) == ("ocr:1:1", "")
    for piece in ("后勤设备安全检查", "010-62345678", "11月23日"):
        assert piece in found.text


def test_a_scanned_page_is_read_and_a_page_of_text_is_not_drawn() -> None:
    """Upside down, as it came out of the scanner."""
    mixed = files.joined_pdf(files.pdf(), scans(paper().rotate(180)))
    found = extract(mixed, "公文.pdf", programs=real(ocr=True))
    assert found.note == "ocr:1:1"
    assert CHINESE in found.text
    assert "后勤设备安全检查" in found.text


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_pictures_of_every_kind_reach_the_program_as_grey_pixels(kind: str, tmp_path: Path) -> None:
    programs = no_tesseract(tmp_path, "head -c 2")
    found = extract(saved(grey(), kind), "a", programs=programs)
    assert (found.text, found.note) == ("P5", "ocr:1:1")


@pytest.mark.parametrize("mode", ["1", "P", "RGBA", "LA", "CMYK", "I;16", "YCbCr"])
def test_pictures_of_every_mode_too(mode: str, tmp_path: Path) -> None:
    """What is light is light in each; all of one shade would be a blank sheet."""
    picture = grey().convert("I").point(lambda shade: shade * 256) if mode == "I;16" else grey()
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    found = extract(saved(picture.convert(mode), kind), "a", programs=no_tesseract(tmp_path, "head -c 2"))
    assert (found.text, found.note) == ("P5", "ocr:1:1")


def test_the_program_gets_no_file_and_one_thread(tmp_path: Path) -> None:
    found = extract(
        saved(grey(), "PNG"), "a.png", programs=no_tesseract(tmp_path, 'echo "$* $OMP_THREAD_LIMIT"')
    )
    assert found.text == "stdin stdout -l chi_sim --psm 3 --dpi 300 -c preserve_interword_spaces=1 1"


def test_a_page_that_turns_out_to_be_latin_is_read_as_english(tmp_path: Path) -> None:
    programs = no_tesseract(
        tmp_path, 'echo "language $4 layout $6"', languages=frozenset({"chi_sim", "eng", "osd"})
    )
    assert extract(saved(grey(), "PNG"), "a.png", programs=programs).text == "language eng layout 1"


def test_each_page_of_a_fax_is_read(tmp_path: Path) -> None:
    fax = saved(grey(), "TIFF", save_all=True, append_images=[grey(), grey()], compression="tiff_deflate")
    found = extract(fax, "a.tif", programs=no_tesseract(tmp_path, "echo page"))
    assert (found.text.split(), found.note) == (["page"] * 3, "ocr:3:3")


def test_blank_pages_are_no_scans(tmp_path: Path) -> None:
    blank = Image.new("L", (1240, 700), 250)
    found = extract(scans(grey(), blank, blank), "a.pdf", programs=no_tesseract(tmp_path, "echo page"))
    assert (found.text, found.note) == ("page", "ocr:1:1")


def test_only_so_many_pages_are_read_and_the_note_says_of_how_many(tmp_path: Path) -> None:
    programs = no_tesseract(tmp_path, "echo page")
    found = extract(scans(grey(), grey(), grey()), "a.pdf", programs=programs, ocr_pages=2)
    assert (found.text.split(), found.note) == (["page"] * 2, "ocr:2:3")
    archive = files.zipped({"a.png": saved(grey(), "PNG"), "b.pdf": scans(grey(), grey())})
    assert extract(archive, "a.zip", programs=programs, ocr_pages=2).note == "ocr:2:3"


def test_a_picture_without_a_word_is_said_to_have_none(tmp_path: Path) -> None:
    found = extract(saved(grey(), "PNG"), "a.png", programs=no_tesseract(tmp_path, "exit 0"))
    assert (found.text, found.note) == ("", "empty ocr:1:1")


def test_documents_that_are_nothing_but_pictures_are_read(tmp_path: Path) -> None:
    noise = saved(Image.effect_noise((300, 300), 90), "PNG")
    programs = no_tesseract(tmp_path, "echo page")
    for document, name in (
        (files.changed(files.ofd(""), {"Doc_0/Res/image_1.png": noise}), "a.ofd"),
        (files.changed(files.word("附图"), {"word/media/image1.png": noise}), "a.docx"),
    ):
        found = extract(document, name, programs=programs)
        assert "page" in found.text
        assert found.note == "ocr:1:1"


def test_a_long_document_with_pictures_is_not_looked_through(tmp_path: Path) -> None:
    noise = saved(Image.effect_noise((300, 300), 90), "PNG")
    document = files.changed(files.word("正文" * 50), {"word/media/image1.png": noise})
    assert extract(document, "a.docx", programs=no_tesseract(tmp_path, "echo page")).note == ""


def test_without_the_program_or_its_chinese_the_note_says_so(tmp_path: Path) -> None:
    assert extract(scans(grey(), grey()), "a.pdf").note == "scan:2"
    for programs, pages in (
        (no_tesseract(tmp_path, "echo page", languages=frozenset({"eng"})), 40),
        (no_tesseract(tmp_path, "echo page"), 0),
    ):
        assert extract(saved(grey(), "PNG"), "a.png", programs=programs, ocr_pages=pages).note == "scan:1"


def test_one_that_hangs_is_ended_and_the_text_of_the_others_is_kept(tmp_path: Path) -> None:
    programs = no_tesseract(tmp_path, "echo half; exec sleep 600")
    mixed = files.joined_pdf(files.pdf(), scans(grey(), grey()))
    found = extract(mixed, "a.pdf", programs=programs, ocr_seconds=0.5)
    assert (found.text, found.note) == (CHINESE, "ocr:0:2")


@pytest.mark.parametrize("line", ["exit 1", "kill -9 $$", "echo half; exit 1"])
def test_one_that_fails_leaves_a_clear_note(line: str, tmp_path: Path) -> None:
    found = extract(saved(grey(), "PNG"), "a.png", programs=no_tesseract(tmp_path, line))
    assert (found.text, found.note) == ("", "ocr:0:1")


def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    """225 million pixels in some kilobytes."""
    bomb = saved(Image.new("1", (15_000, 15_000)), "PNG")
    assert len(bomb) < 100_000
    found = extract(bomb, "a.png", programs=no_tesseract(tmp_path, "echo page"), memory=256 << 20)
    assert (found.text, found.note) == ("", "too_large")


def test_a_spoilt_picture_is_a_damaged_one(tmp_path: Path) -> None:
    programs = no_tesseract(tmp_path, "echo page")
    whole = saved(Image.effect_noise((300, 300), 90), "PNG")
    assert extract(whole[:2000], "a.png", programs=programs).note == "damaged"
    assert extract(b"II*\x00" + b"\xff" * 50, "a.tif", programs=programs).note == "damaged"


def test_a_reader_whose_worker_was_killed_recognises_no_further_page(tmp_path: Path) -> None:
    began = tmp_path / "stand-in" / "began"
    programs = no_tesseract(tmp_path, f"read x < {began}")
    os.mkfifo(began)
    document = tmp_path / "a.pdf"
    document.write_bytes(scans(grey(), grey(), grey()))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from search.extract import extract; from search.extract_programs import Programs\n"
        "extract(open(sys.argv[2], 'rb'), 'a.pdf', programs=Programs('', sys.argv[3], frozenset({'chi_sim'})))"
    )
    command = [sys.executable, "-c", code, module._ROOT, str(document), programs.tesseract]
    worker = subprocess.Popen(command)
    pipe = os.open(began, os.O_WRONLY)  # returns when the first page is being recognised
    (reader,) = children(worker.pid)
    ended = os.pidfd_open(int(reader))
    worker.kill()
    worker.wait()
    os.close(pipe)  # the first page is done; a second one would wait for ever
    told = select.poll()
    told.register(ended, select.POLLIN)
    assert told.poll(20_000)
    os.close(ended)


def test_the_programs_of_this_machine_are_named_with_what_they_know() -> None:
    found = find()
    assert found.recognises is (bool(found.tesseract) and "chi_sim" in found.languages)
