"""The programs that read what we cannot: LibreOffice for old Office formats, Tesseract for pictures of text."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

CHINESE, ENGLISH, UPRIGHT = "chi_sim", "eng", "osd"  # data sets of Tesseract; the last tells which way is up
_SECONDS = 20


class Programs(NamedTuple):
    """Where they are, "" for none. `languages`: the data sets that Tesseract has."""

    soffice: str = ""
    tesseract: str = ""
    languages: frozenset[str] = frozenset()

    @property
    def recognises(self) -> bool:
        """Whether pictures of Chinese text can be read: without Chinese data the result would be noise."""
        return bool(self.tesseract) and CHINESE in self.languages


NO_PROGRAMS = Programs()


def find() -> Programs:
    """What is on the PATH now."""
    tesseract = shutil.which("tesseract") or ""
    return Programs(shutil.which("soffice") or "", tesseract, _languages(tesseract))


def prefix(program: str) -> str:
    """The folder under which a program has its own files: `/usr` for `/usr/bin/x`."""
    return os.path.dirname(os.path.dirname(os.path.realpath(program)))  # noqa: PTH120 - plain strings


def _languages(tesseract: str) -> frozenset[str]:
    if not tesseract:
        return frozenset()
    try:
        said = subprocess.run(
            [tesseract, "--list-langs"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # where version 3 says it
            check=True,
            timeout=_SECONDS,
            encoding="utf-8",
            errors="replace",
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(line.strip() for line in said.splitlines()[1:])
