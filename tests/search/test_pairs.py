"""What staff type and the title that must be found for it: pieces of words, pinyin, slips of sound and of the finger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from search.engine import Engine, Entry, Result
from tests.search.corpus import CHIEF

FOLDER = Path(__file__).parent
TYPED = {"substring", "char", "case", "traditional", "width", "prefixes", "pinyin", "initials"}
NUMBERS = {"number"}
SLIPS = {"sound", "typo"}
NEVER = {"never", "model"}


class Pair(NamedTuple):
    """`marks`: the pieces of the title that are marked; none: not looked at."""

    form: str
    query: str
    title: str
    marks: tuple[str, ...]


def _rows(name: str) -> Iterator[list[str]]:
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


PAIRS = [
    Pair(form, query, title, tuple(filter(None, marks.split("|"))))
    for form, query, title, marks in _rows("pairs.tsv")
]
TITLES = {title: number for number, title in _rows("titles.tsv")}


def _entries() -> list[Entry]:
    return [
        Entry(at, "notice", number, title, "见附件。", 0, frozenset({"all"}), updated=at)
        for at, (title, number) in enumerate(TITLES.items(), 1)
    ]


@pytest.fixture
def titled(engine: Engine) -> Engine:
    engine.write(_entries())
    return engine


def _titles(result: Result) -> list[str]:
    return ["".join(text for text, _ in hit.title) for hit in result.hits]


def _typed(result: Result) -> list[str]:
    """Titles of the hits that hold the query as typed."""
    return _titles(result)[: result.strict]


def _answers(engine: Engine, forms: set[str]) -> Iterator[tuple[Pair, Result]]:
    return ((pair, engine.search(pair.query, CHIEF, limit=100)) for pair in PAIRS if pair.form in forms)


def test_there_are_two_hundred_pairs_over_titles_of_the_office() -> None:
    assert len(PAIRS) >= 200
    assert {pair.form for pair in PAIRS} == TYPED | NUMBERS | SLIPS | NEVER
    assert {pair.title for pair in PAIRS} <= TITLES.keys()
    assert [pair for pair, count in Counter((p.query, p.title) for p in PAIRS).items() if count > 1] == []


def test_what_is_typed_is_found_as_typed(titled: Engine) -> None:
    found = _answers(titled, TYPED)
    assert [pair for pair, result in found if pair.title not in _typed(result)] == []


def test_a_number_typed_in_full_comes_first(titled: Engine) -> None:
    found = _answers(titled, NUMBERS)
    assert [pair for pair, result in found if _titles(result)[:1] != [pair.title]] == []


def test_a_slip_is_found(titled: Engine) -> None:
    assert [pair for pair, result in _answers(titled, SLIPS) if pair.title not in _titles(result)] == []


def test_a_slip_stands_below_what_was_typed_exactly(titled: Engine) -> None:
    exact = {pair.query: f"{pair.query}（如此书写）" for pair in PAIRS if pair.form in SLIPS}
    made = _entries()
    made += [
        Entry(len(made) + at, "notice", "", title, "", 0, frozenset({"all"}))
        for at, title in enumerate(exact.values(), 1)
    ]
    titled.write(made)
    wrong = []
    for pair, result in _answers(titled, SLIPS):
        titles = _titles(result)
        if titles[:1] != [exact[pair.query]] or pair.title not in titles:
            wrong.append((pair, titles[:3]))
    assert wrong == []


def test_a_model_number_is_never_a_slip_of_another(titled: Engine) -> None:
    for pair, result in _answers(titled, NEVER):
        assert pair.title not in _typed(result), pair
        assert result.instead == (), pair
        if pair.form == "never":
            assert pair.title not in _titles(result), pair


def test_the_characters_that_were_meant_are_marked(titled: Engine) -> None:
    wrong = []
    for pair, result in _answers(titled, TYPED | SLIPS):
        marked = {
            tuple(text for text, hit in one.title if hit)
            for one in result.hits
            if "".join(text for text, _ in one.title) == pair.title
        }
        if pair.marks and marked != {pair.marks}:
            wrong.append((pair, marked))
    assert wrong == []
