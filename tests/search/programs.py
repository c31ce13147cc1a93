"""Real LibreOffice and Tesseract for the tests that need them, and stand-ins that misbehave."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from search.extract_programs import Programs, find
from tests.search import files


def real(*, office: bool = False, ocr: bool = False) -> Programs:
    """The programs of this machine. Skips the test where one is missing; under CI=true that is a failure."""
    found = find()
    if office and not found.soffice:
        _missing(
            "LibreOffice is missing: apt-get install libreoffice-writer-nogui -calc-nogui -impress-nogui"
        )
    if ocr and not found.recognises:
        _missing("Tesseract is missing: apt-get install tesseract-ocr tesseract-ocr-chi-sim")
    return found


def _missing(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@functools.cache
def old(wanted: str) -> bytes:
    """A document in an old format (doc, rtf, xls, ppt), made by LibreOffice as people make it."""
    soffice = real(office=True).soffice
    ending, make = {"xls": ("xlsx", files.sheet), "ppt": ("pptx", files.slides)}.get(
        wanted, ("docx", files.word)
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"a.{ending}")
        source.write_bytes(make())
        profile = Path(folder, "profile").as_uri()
        command = [soffice, f"-env:UserInstallation={profile}", "--headless", "--convert-to", wanted]
        subprocess.run(
            [*command, "--outdir", folder, str(source)], check=True, capture_output=True, timeout=120
        )
        return Path(folder, f"a.{wanted}").read_bytes()


def script(folder: Path, name: str, *lines: str) -> str:
    """A program of a few lines of shell in a place of its own."""
    program = folder / "stand-in" / "bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    program.chmod(0o700)
    return str(program)


def no_soffice(folder: Path, *lines: str) -> Programs:
    """Something else in the place of LibreOffice."""
    return Programs(soffice=script(folder, "soffice", *lines))


def no_tesseract(folder: Path, *lines: str, languages: frozenset[str] = frozenset({"chi_sim"})) -> Programs:
    """Something else in the place of Tesseract."""
    return Programs(tesseract=script(folder, "tesseract", *lines), languages=languages)
