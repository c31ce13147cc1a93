"""The kind of a file by its bytes."""

from __future__ import annotations

import random
import zipfile

import pytest

from search import filetype
from search.filetype import sniff
from search.filetype_containers import DOCX, OFD, PPTX, XLSX, ZIP
from tests.search import files

ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (files.word(), DOCX),
        (files.sheet(), XLSX),
        (files.slides(), PPTX),
        (files.ofd(), OFD),
        (files.odf(), ODT),
        (files.zipped({"a.txt": "x"}), ZIP),
        (files.zipped({"a.docx": files.word()}, zipfile.ZIP_STORED), ZIP),
        (files.zipped({"a.pdf": files.pdf()}, zipfile.ZIP_STORED), ZIP),
    ],
)
def test_what_is_in_a_zip_is_told_apart_even_from_its_beginning(data: bytes, kind: str) -> None:
    assert sniff(data, "x", library=False) == kind
    assert sniff(data[: len(data) * 9 // 10], "x", library=False) == kind


def test_a_macro_document_is_not_called_a_plain_one() -> None:
    types = b"<Types>application/vnd.ms-word.document.macroEnabled.main+xml</Types>"
    data = files.changed(files.word(), {"[Content_Types].xml": types})
    assert sniff(data) == "application/vnd.ms-word.document.macroEnabled.12"


@pytest.mark.parametrize(
    ("stream", "name", "kind"),
    [
        ("WordDocument", "a.doc", "application/msword"),
        ("WordDocument", "a.wps", "application/wps-office.wps"),
        ("Workbook", "a.xls", "application/vnd.ms-excel"),
        ("Workbook", "a.et", "application/wps-office.et"),
        ("PowerPoint Document", "a", "application/vnd.ms-powerpoint"),
        ("EncryptedPackage", "a.docx", "application/encrypted"),
        ("Something", "a.db", "application/x-ole-storage"),
    ],
)
def test_old_office_files_are_told_by_their_streams(stream: str, name: str, kind: str) -> None:
    assert sniff(files.ole(stream), name, library=False) == kind


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"", "a.pdf", "application/x-empty"),
        (b"\n%PDF-1.4", "a.txt", "application/pdf"),
        (b"%PDF-1.4 is how a PDF begins", "a.txt", "application/pdf"),
        (b"A PDF begins with %PDF-1.4", "a.txt", "text/plain"),
        (b"{\\rtf1", "a.doc", "application/rtf"),
        (b"\xff\xd8\xff\xe0", "a", "image/jpeg"),
        (b"BM is a word", "a.txt", "text/plain"),
        (b"  <!DOCTYPE HTML>", "a", "text/html"),
        (b"<?xml version='1.0'?><r/>", "a", "text/xml"),
        (b"MIME-Version: 1.0\n", "a", "message/rfc822"),
        (b"From: a@b\n\nx", "a.eml", "message/rfc822"),
        (b"From: a@b\n\nx", "a.txt", "text/plain"),
        (b"# x", "README.MD", "text/markdown"),
        ("编号,姓名".encode("gbk"), "C:\\表\\a.csv", "text/csv"),
        (b"\x00\x01", "a.txt", "application/octet-stream"),
    ],
)
def test_other_files_are_told_by_their_first_bytes(head: bytes, name: str, kind: str) -> None:
    assert sniff(head, name, library=False) == kind


def test_libmagic_names_what_we_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"MThd\x00\x00\x00\x06" + bytes(40)
    assert sniff(head, library=False) == filetype.UNKNOWN
    monkeypatch.setattr(filetype, "_library", lambda: lambda data, mime: "audio/midi")
    assert sniff(head) == "audio/midi"


def test_without_libmagic_the_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "magic", None)
    filetype._library.cache_clear()
    try:
        assert sniff(b"MThd\x00\x00\x00\x06") == filetype.UNKNOWN
    finally:
        filetype._library.cache_clear()


def test_no_bytes_make_it_raise() -> None:
    chance = random.Random(7)
    for whole in (files.word(), files.ole("WordDocument"), b"PK\x03\x04" * 30):
        for _ in range(100):
            spoilt = bytearray(whole[: chance.randrange(len(whole))])
            for _ in range(min(9, len(spoilt))):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            assert "/" in sniff(bytes(spoilt), "a.docx", library=False)
