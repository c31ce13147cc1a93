"""The judged queries of judged.txt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """Every judged query, in the order of the file."""
    return tuple(read(FILE.read_text("utf-8").splitlines()))


def read(lines: Iterable[str]) -> list[Judged]:
    """Queries with their grades. Raises `ValueError` with the line that cannot be read."""
    found: list[tuple[str, str, dict[str, int]]] = []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if begins := _QUERY.fullmatch(line):
            found.append((begins["form"], begins["query"], {}))
        elif (given := _GRADE.fullmatch(line)) and found and given["key"] not in found[-1][2]:
            found[-1][2][given["key"]] = int(given["grade"])
        else:
            raise ValueError(f"{FILE.name}:{number}: {line}")
    return [Judged(form, query, grades) for form, query, grades in found]
