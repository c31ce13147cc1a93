"""What became of a file's text stands beside the file, in words, in both languages, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from intranet.models import Blob
from intranet.web.text_words import said
from search.extract_notes import PROBLEMS, REASONS
from tests.office import Office
from vault.levels import Level

As = Callable[..., FlaskClient]
OWN = ("waiting", "item", "level", "sealed")  # notes of the job, not of the reader


@pytest.fixture
def chinese(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"), force_locale("zh"):
        yield


def words(note: str, mime: str = "application/pdf") -> list[str]:
    return [f"{one.text}；{one.todo}" if one.todo else str(one.text) for one in said(note, mime)]


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(
    ("note", "mime", "sentences"),
    [
        ("", "text/plain", ["全文可以检索"]),
        ("waiting", "text/plain", ["正在提取文字，完成后即可检索"]),
        ("level", "text/plain", ["按密级规定，文件内容不进入检索"]),
        ("encrypted", "application/pdf", ["文件设有密码，内容未提取；如需检索，请上传不带密码的版本"]),
        ("damaged", "application/pdf", ["文件损坏或格式有误，内容未提取；请重新导出后上传"]),
        ("damaged+", "application/pdf", ["文件有损坏，只能检索读得出的部分；请重新导出后上传"]),
        ("truncated", "text/csv", ["文字过长，只能检索前 2,000,000 字；请拆分后上传"]),
        (
            "scan:3",
            "application/pdf",
            [
                "3 页（幅）扫描图像不能检索：服务器未启用文字识别；请上传含文字的版本，或请系统管理员启用文字识别"
            ],
        ),
        ("scan:1", "image/png", ["图片中的文字不能检索：服务器未启用文字识别"]),
        ("ocr:3:3", "application/pdf", ["可以检索；其中 3 页（幅）的文字由图像识别得到，可能有误"]),
        ("ocr:1:1", "image/png", ["可以检索；文字由图像识别得到，可能有误"]),
        (
            "ocr:40:52",
            "application/pdf",
            ["52 页（幅）扫描图像只识别了 40 页，文字可能有误；请拆分后上传，或请系统管理员提高限额"],
        ),
        ("ocr:0:2", "application/pdf", ["2 页（幅）扫描图像未能识别；请拆分后上传，或请系统管理员提高限额"]),
        ("empty ocr:1:1", "image/png", ["图像中没有识别出文字"]),
        ("empty", "text/plain", ["文件中没有文字"]),
        (
            "parts:3:eu",
            "application/zip",
            ["其中 3 个文件的内容未提取（设有密码、格式不支持）；请将这些文件单独上传"],
        ),
        ("parts:2:tm", "application/zip", ["其中 2 个文件的内容未提取（过于复杂）；请将这些文件单独上传"]),
        ("of-a-later-version", "text/plain", ["of-a-later-version"]),
    ],
)
def test_a_note_in_words(note: str, mime: str, sentences: list[str]) -> None:
    assert words(note, mime) == sentences


@pytest.mark.usefixtures("chinese")
def test_several_facts_are_several_sentences() -> None:
    assert len(words("truncated ocr:40:52 parts:2:e", "application/zip")) == 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_code_has_words_in_both_languages(app: Flask, language: str) -> None:
    notes = [*PROBLEMS, *OWN, "damaged+", "timeout+", *(f"parts:1:{letter}" for letter in REASONS)]
    with app.test_request_context("/"), force_locale(language):
        for note in notes:
            (sentence,) = words(note)
            bare = note.rstrip("+").partition(":")[0]
            assert sentence != bare, f"{note} has no words"
            assert bool(re.search("[\u4e00-\u9fff]", sentence)) is (language == "zh"), sentence


def test_the_page_shows_it_beside_the_file(as_: As, desk: Office) -> None:
    blob = desk.deposit("officer", b"x", "全部材料.zip")
    item = desk.add("resource", "officer", level=Level.INTERNAL, blobs=(blob,))
    with desk.w("cli:test") as w:
        w.session.get_one(Blob, blob).text_note = "ocr:2:2 parts:1:e"
    page = as_("cook").get(f"/i/{item.number}").text
    assert "其中 2 页（幅）的文字由图像识别得到，可能有误" in page
    assert "其中 1 个文件的内容未提取（设有密码）；请将这些文件单独上传" in page
    english = as_("cook")
    english.set_cookie("language", "en")
    assert (
        "Files inside that were not read: 1 (password); upload these separately"
        in english.get(f"/i/{item.number}").text
    )


def test_nothing_is_said_of_a_text_whose_file_is_destroyed(as_: As, desk: Office) -> None:
    blob = desk.deposit("officer", b"x")
    item = desk.add("resource", "officer", level=Level.INTERNAL, blobs=(blob,))
    with desk.w("cli:test") as w:
        found = w.session.get_one(Blob, blob)
        found.state, found.text_note = "destroyed", ""
    assert "全文可以检索" not in as_("officer").get(f"/i/{item.number}").text
