"""What text the extractor finds in every format, each file read in a child of its own."""

from __future__ import annotations

import io

import pytest

from search.extract import extract
from tests.search import files
from tests.search.files import CHINESE

BOTH_CELLS = "姓名"


@pytest.mark.parametrize(
    ("data", "name", "also"),
    [
        (files.pdf(), "a.pdf", ""),
        (files.word(), "a.docx", BOTH_CELLS),
        (files.sheet(), "a.xlsx", "台账"),
        (files.slides(), "a.pptx", "表格单元"),
        (files.odf(), "a.odt", BOTH_CELLS),
        (files.odf(kind="spreadsheet"), "a.ods", BOTH_CELLS),
        (files.ofd(), "a.ofd", "标题在此"),
        (CHINESE.encode(), "a.txt", ""),
        (CHINESE.encode("utf-8-sig"), "a.md", ""),
        (CHINESE.encode("utf-16"), "a.txt", ""),
        (f"{CHINESE}\t1\r\n".encode("utf-16-le"), "a.csv", ""),
        (f"编号,{CHINESE}\r\n".encode("gb18030"), "a.csv", "编号"),
        (files.page(), "a.html", "A&B"),
        (files.page(charset="gb2312"), "a.htm", "网页标题"),
        (files.mail(), "a.eml", "邮件主题"),
        (files.zipped({"通知.txt": CHINESE}), "a.zip", "通知.txt"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else None,
)
def test_chinese_survives_in_every_format(data: bytes, name: str, also: str) -> None:
    found = extract(data, name)
    assert (found.note, found.detail) == ("", "")
    assert CHINESE in found.text
    assert also in found.text


def test_the_bytes_decide_and_not_the_name() -> None:
    assert CHINESE in extract(files.word(), "附件").text
    assert CHINESE in extract(files.pdf(), "公文.docx").text


def test_a_file_object_and_chunks_give_the_same_as_bytes() -> None:
    data = files.odf()
    whole = extract(data, "a.odt")
    assert extract(io.BytesIO(data), "a.odt") == whole
    assert extract((data[at : at + 7] for at in range(0, len(data), 7)), "a.odt") == whole


def test_word_keeps_headers_rows_and_text_boxes_and_drops_deletions() -> None:
    text = extract(files.word(), "a.docx").text
    assert "页眉文字" in text and "页脚文字" in text
    assert [line.split() for line in text.splitlines() if "姓名" in line] == [["姓名", "张三"]]
    boxed = extract(files.word_with_box("机关红头", "删去的字"), "a.docx").text
    assert boxed.count("机关红头") == 1
    assert "删去的字" not in boxed
    assert boxed.startswith("GB-9704")


def test_slides_come_with_the_speakers_notes() -> None:
    assert extract(files.slides(), "a.pptx").text.split("\n") == [CHINESE, "表格单元", "备注文字"]


def test_a_row_of_a_sheet_is_a_line_without_empty_cells() -> None:
    assert extract(files.sheet("甲"), "a.xlsx").text == "台账\n甲\t0.5\tTrue"


def test_opendocument_leaves_out_what_was_deleted() -> None:
    assert extract(files.odf(), "a.odt").text.split() == [*CHINESE.split(), "姓名", "张三"]


def test_ofd_pages_come_in_the_order_of_their_numbers() -> None:
    pages = [f"第{n}页" for n in range(12)]
    assert extract(files.ofd(*pages), "a.ofd").text.split() == ["标题在此", *pages]


def test_html_hides_scripts_and_styles() -> None:
    text = extract(files.page(), "a.html").text
    assert "hidden" not in text and "color" not in text


def test_a_mail_says_its_body_once_and_opens_attachments_one_level() -> None:
    inner = files.zipped({"里层.txt": "里层内容"})
    found = extract(
        files.mail(attachments={"附件.docx": files.word("附件正文"), "包.zip": inner, "x.bin": b"\0\1"}),
        "a.eml",
    )
    assert found.text.count(CHINESE) == 1
    assert "附件.docx" in found.text and "附件正文" in found.text
    assert "里层.txt" in found.text and "里层内容" not in found.text
    assert (found.note, found.detail) == ("parts:2:nu", "包.zip: nested; x.bin: unsupported")


def test_an_archive_gives_the_text_of_its_files_and_says_which_gave_none() -> None:
    parts = {"a.xlsx": files.sheet("表内"), "b.pptx": files.slides("片内"), "c.pdf": files.encrypted_pdf()}
    found = extract(files.zipped(parts), "a.zip")
    assert "表内" in found.text and "片内" in found.text
    assert (found.note, found.detail) == ("parts:1:e", "c.pdf: encrypted")


def test_names_in_an_archive_made_by_chinese_windows_are_readable() -> None:
    assert "中文名.txt" in extract(files.gbk_named_zip("中文名.txt", b"x"), "a.zip").text


def test_text_is_cut_at_the_limit_and_says_so() -> None:
    found = extract(b"0123456789" * 10, "a.txt", max_chars=25)
    assert (found.text, found.note) == ("0123456789012345678901234", "truncated")
    cut = extract(files.zipped({"a.txt": "甲" * 50, "b.txt": "乙"}), "a.zip", max_chars=30)
    assert cut.note == "truncated" and "乙" not in cut.text


def test_control_characters_do_not_reach_the_index() -> None:
    text = extract("a\x1bb\fc\r\nd\u3000 \r\n\n\n\n\ne".encode(), "a.txt").text
    assert text == "ab\nc\nd\n\ne"


def test_a_text_with_a_few_bad_bytes_is_still_a_text() -> None:
    long = CHINESE * 20
    assert extract(long.encode() + b"\x1a\x00", "a.txt").text == long
    damaged = long.encode("gb18030")
    damaged = damaged[:200] + b"\xff" + damaged[200:]
    assert extract(damaged, "a.txt").text.startswith(CHINESE)


@pytest.mark.parametrize(
    ("data", "name", "note", "words"),
    [
        (b"", "a.txt", "empty", "no bytes"),
        (files.scan_pdf(), "扫描.pdf", "scan:1", ""),
        (files.picture(), "a.png", "scan:1", ""),
        (files.encrypted_pdf(), "a.pdf", "encrypted", "PDF"),
        (files.ole("EncryptedPackage"), "a.docx", "encrypted", "Office"),
        (files.encrypted_odf(), "a.odt", "encrypted", "OpenDocument"),
        (files.locked_zip(), "a.zip", "encrypted", "ZIP"),
        (files.changed(files.ofd(), {"Encryptions.xml": "<a/>"}), "a.ofd", "encrypted", "OFD"),
        (files.pdf()[:500], "a.pdf", "damaged", "PDF"),
        (files.word()[:20000], "a.docx", "damaged", "ZIP"),
        (files.changed(files.odf(), {"content.xml": "<a><b></a>"}), "a.odt", "damaged", "XML"),
        (files.ole("WordDocument"), "a.doc", "legacy", "LibreOffice"),
        (files.ole("WordDocument"), "a.wps", "legacy", "LibreOffice"),
        (files.ole("Workbook"), "a.xls", "legacy", "LibreOffice"),
        (files.ole("PowerPoint Document"), "a.ppt", "legacy", "LibreOffice"),
        (b"\x00\x01\x02\x03", "a.bin", "unsupported", "no reader"),
    ],
)
def test_a_file_without_readable_text_says_why(data: bytes, name: str, note: str, words: str) -> None:
    found = extract(data, name)
    assert found.note == note
    assert words in found.detail
