"""The judged queries of judged.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("judged.txt")
FORMS = ("word", "words", "question", "plain", "law", "article", "phrase", "variant")

_QUERY = re.compile(rf"\? (?P<form>{'|'.join(FORMS)}) (?P<query>\S.*)")
_GRADE = re.compile(r"(?P<grade>[12]) (?P<key>[^\s/]+/[^\s/]+)")


@dataclass(frozen=True, slots=True)
class Judged:
    """A query and the grade of every article that is relevant to it: 2 answers it, 1 helps."""

    form: str
    query: str
    grades: Mapping[str, int]


@cache
def judged() -> tuple[Judged, ...]:
    """Every judged query, in the order of the file. Raises `ValueError` with the line that cannot be read."""
    return tuple(_read(FILE.read_text("utf-8").splitlines()))


def _read(lines: list[str]) -> Iterator[Judged]:
    grades: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if begins := _QUERY.fullmatch(line):
            grades = {}
            yield Judged(begins["form"], begins["query"], grades)
        elif (given := _GRADE.fullmatch(line)) and given["key"] not in grades:
            grades[given["key"]] = int(given["grade"])
        else:
            raise ValueError(f"{FILE.name}:{number}: {line}")
