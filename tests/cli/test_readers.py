"""`doctor` on what reads files: programs there or not, working or not, and what waits for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from intranet.models import Blob
from search import extract_private, extract_programs
from search.extract_programs import NO_PROGRAMS, Programs
from tests.office import Office
from tests.search.programs import no_soffice, real


def readers(app: Flask, monkeypatch: pytest.MonkeyPatch, programs: Programs) -> tuple[bool, str]:
    monkeypatch.setattr(extract_programs, "find", lambda: programs)
    row = json.loads(app.test_cli_runner().invoke(args=["doctor", "--json"]).stdout)["checks"]["readers"]
    return row["ok"], row["says"]


def test_programs_that_are_not_there_are_no_fault(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, says = readers(app, monkeypatch, NO_PROGRAMS)
    assert ok, says
    assert says.startswith("LibreOffice no; tesseract no;")


def test_tesseract_without_chinese_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, says = readers(app, monkeypatch, Programs(tesseract="/x", languages=frozenset({"eng"})))
    assert ok
    assert "no data for Chinese (tesseract-ocr-chi-sim)" in says


def test_the_real_ones_work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, says = readers(app, monkeypatch, real(office=True, ocr=True))
    assert ok
    assert says.startswith("LibreOffice works; tesseract yes;")


def test_one_that_does_not_work_is_a_fault(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ok, says = readers(app, monkeypatch, no_soffice(tmp_path, "exit 77"))
    assert not ok
    assert says.startswith("LibreOffice does not work: damaged")


def test_without_a_place_in_memory_it_is_not_tried(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extract_private, "PLACES", ())
    ok, says = readers(app, monkeypatch, no_soffice(tmp_path, "exit 77"))
    assert ok
    assert says.startswith("LibreOffice no folder in memory (/dev/shm)")


def test_files_that_a_new_program_could_read_are_counted(
    app: Flask, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for note in ("legacy", "scan:3", "truncated scan:1", "scan:2", "encrypted", ""):
        blob = desk.deposit("officer", b"x")
        desk.add("resource", "officer", blobs=(blob,))
        with desk.w("cli:test") as w:
            w.session.get_one(Blob, blob).text_note = note
    sees = Programs(tesseract="/x", languages=frozenset({"chi_sim"}))
    assert "3 files could be read now: reindex --texts" in readers(app, monkeypatch, sees)[1]
    assert "reindex" not in readers(app, monkeypatch, NO_PROGRAMS)[1]
