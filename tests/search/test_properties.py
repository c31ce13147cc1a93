"""Hits, totals and facets equal the brute-force answer, for random entries and persons; recall is 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import analysis
from search.engine import Access, Engine, Entry
from search.engine_bruteforce import BruteForceEngine
from tests.search import corpus

_LABELS = ["all", "unit:甲", "unit:乙", "owner:1"]
_ALPHABET = "后勤食堂後 ab1，\nA"
_text = st.text(alphabet=st.sampled_from(_ALPHABET), max_size=25)
_entry = st.builds(
    Entry,
    id=st.integers(1, 12),
    kind=st.sampled_from(["notice", "document"]),
    number=st.text(alphabet=st.sampled_from("ab1-后"), max_size=5),
    title=st.text(alphabet=st.sampled_from(_ALPHABET), max_size=8),
    text=_text,
    level=st.integers(0, 3),
    labels=st.frozensets(st.sampled_from(_LABELS), max_size=3),
    facets=st.dictionaries(
        st.sampled_from(["unit", "class"]),
        st.lists(st.sampled_from(["甲", "乙", "丙"]), max_size=3).map(tuple),
    ),
    updated=st.integers(0, 5),
    names=st.lists(st.text(alphabet=st.sampled_from("后勤情食堂a"), max_size=4), max_size=2).map(tuple),
    fresh=st.sampled_from([0, 30]),
)
_access = st.builds(
    Access,
    clearance=st.integers(-1, 4),
    tokens=st.frozensets(st.sampled_from(_LABELS), max_size=3),
    hidden=st.frozensets(st.integers(1, 12), max_size=3),
)
_word = st.one_of(
    st.text(alphabet=st.sampled_from("后勤食堂後ab1，A"), min_size=1, max_size=4),
    st.sampled_from(["后情", "hq", "houqin", "qin", "实堂", "bbaa", "abab", "a-1", "hq1"]),
)
_piece = st.one_of(
    _word,
    _word.map("-{}".format),
    st.text(alphabet=st.sampled_from(_ALPHABET), max_size=5).map('"{}"'.format),
    st.sampled_from(
        ["kind:notice", "-kind:notice", "unit:甲", "class:乙", "number:a", "-number:1", "level:2"]
    ),
)
_query = st.one_of(st.lists(_piece, max_size=4).map(" ".join), st.text(max_size=10))
_filters = st.dictionaries(
    st.sampled_from(["kind", "unit", "class", "level"]),
    st.lists(st.sampled_from(["notice", "document", "甲", "乙", "1", "2"]), max_size=2),
    max_size=2,
)
_within = st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(0, 6))
_FACETS = ("kind", "unit", "class", "level")


@pytest.fixture(scope="module")
def index(real: Callable[[], Engine]) -> Iterator[Engine]:
    made = real()
    yield made
    made.close()


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_every_answer_equals_brute_force(index: Engine, data: st.DataObject) -> None:
    agrees(index, data)


def agrees(index: Engine, data: st.DataObject) -> None:
    """Draw entries, persons and queries; the engine answers as brute force does."""
    plain: Engine = BruteForceEngine()
    index.write([], [number for number, _ in index.ids()])
    for add in data.draw(st.lists(st.lists(_entry, max_size=8), min_size=1, max_size=4)):
        fresh = list({entry.id: entry for entry in add}.values())
        gone = data.draw(st.sets(st.integers(1, 12), max_size=3))
        plain.write(fresh, gone)
        index.write(fresh, gone)
    assert sorted(plain.ids()) == sorted(index.ids())
    assert sorted(plain.fingerprints()) == sorted(index.fingerprints())
    for query, access, filters, within in data.draw(
        st.lists(st.tuples(_query, _access, _filters, _within), min_size=1, max_size=8)
    ):
        mine = index.search(query, access, filters, _FACETS, limit=50, within=within, now=6)
        right = plain.search(query, access, filters, _FACETS, limit=50, within=within, now=6)
        assert (mine.total, mine.facets, mine.relaxed) == (right.total, right.facets, right.relaxed)
        assert (mine.strict, mine.instead, mine.marks) == (right.strict, right.instead, right.marks)
        assert {hit.id for hit in mine.hits} == {hit.id for hit in right.hits}
        first = {hit.id for hit in mine.hits[: mine.strict]}
        assert first == {hit.id for hit in right.hits[: right.strict]}
        assert [hit.score for hit in mine.hits] == sorted((hit.score for hit in mine.hits), reverse=True)
        newest = index.search(query, access, filters, limit=50, order="updated")
        expected = plain.search(query, access, filters, limit=50, order="updated")
        assert [hit.id for hit in newest.hits] == [hit.id for hit in expected.hits]
        shown = {hit.id: (hit.title, hit.snippet) for hit in mine.hits}
        assert {number: title for number, (title, _) in shown.items()} == {h.id: h.title for h in right.hits}
        assert index.suggest(query, access) == plain.suggest(query, access)


@pytest.fixture(scope="module")
def full(real: Callable[[], Engine]) -> Iterator[Engine]:
    made = real()
    made.write(corpus.entries())
    yield made
    made.close()


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_every_piece_of_two_characters_or_more_finds_its_entry(full: Engine, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(corpus.entries()))
    whole = data.draw(st.sampled_from([entry.title, entry.number, entry.text]))
    start = data.draw(st.integers(0, len(whole) - 2))
    piece = whole[start : data.draw(st.integers(start + 2, len(whole)))]
    if len(analysis.fold(piece)) < 2 or not any(char.isalnum() for char in piece):
        return  # blanks at the ends say nothing, punctuation alone finds nothing
    # A dash at the beginning says "without"; in quotation marks it is an ordinary character.
    for query in (f'"{piece}"',) if piece[0] in "-－" else (piece, f'"{piece}"'):
        result = full.search(query, corpus.CHIEF, limit=50)
        assert entry.id in {hit.id for hit in result.hits[: result.strict]}, query
