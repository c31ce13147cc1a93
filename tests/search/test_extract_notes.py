"""What a note says: made, read again, believed only in its own words."""

from __future__ import annotations

from collections import Counter

import pytest

from intranet.models import Blob
from search.extract_notes import LONGEST, PROBLEMS, REASONS, Fact, Pictures, compose, facts, settled, valid

NONE = Pictures()


@pytest.mark.parametrize(
    ("problem", "pictures", "parts", "text", "note"),
    [
        ("", NONE, {}, True, ""),
        ("empty", NONE, {}, False, "empty"),
        ("damaged", NONE, {}, False, "damaged"),
        ("damaged", NONE, {}, True, "damaged+"),
        ("truncated", NONE, {}, True, "truncated"),
        ("", Pictures(seen=3), {}, False, "scan:3"),
        ("", Pictures(seen=52, done=40, program=True), {}, True, "ocr:40:52"),
        ("empty", Pictures(1, 1, program=True), {}, False, "empty ocr:1:1"),
        ("", NONE, {"damaged": 1, "encrypted": 2}, True, "parts:3:ed"),
        ("timeout", Pictures(2), {"nested": 1}, True, "timeout+ scan:2 parts:1:n"),
    ],
)
def test_a_note_says_what_happened(
    problem: str, pictures: Pictures, parts: dict[str, int], text: bool, note: str
) -> None:
    assert compose(problem, pictures, Counter(parts), has_text=text) == note
    assert valid(note)


def test_no_note_is_longer_than_its_column() -> None:
    """What is longest, with numbers beyond what is counted."""
    longest = max(PROBLEMS, key=len)
    many = Counter(dict.fromkeys(REASONS.values(), 90_000))
    for problem in ("truncated", "timeout"):
        note = compose(problem, Pictures(90_000, 80_000, program=True), many, has_text=True)
        assert len(note) <= LONGEST == Blob.text_note.type.length  # type: ignore[attr-defined]
        assert valid(note)
    assert len(longest) < LONGEST


def test_a_note_is_read_as_it_was_written() -> None:
    assert facts("") == []
    assert facts("timeout+ ocr:40:52 parts:3:ed") == [
        Fact("timeout", part=True),
        Fact("ocr", 40, 52),
        Fact("parts", 3, reasons=("encrypted", "damaged")),
    ]
    assert facts("level") == [Fact("level")]


@pytest.mark.parametrize(
    "note",
    ["<script>", "level", "ocr:1", "ocr:99999:1", "damaged++", "parts:1:<b>", "truncated " * 5, "e" * 41],
)
def test_a_note_of_a_process_taken_over_is_not_believed(note: str) -> None:
    assert not valid(note)


@pytest.mark.parametrize(
    ("note", "verdict"),
    [
        ("", True),
        ("ocr:3:3", True),
        ("empty ocr:3:3", True),
        ("empty", False),  # before pictures were read, a scan was called empty
        ("ocr:2:3", False),
        ("scan:2", False),
        ("ocr:3:3 truncated", False),
        ("damaged+", False),
        ("level", False),
    ],
)
def test_reading_again_is_of_use_where_something_was_left(note: str, verdict: bool) -> None:
    assert settled(note) is verdict
