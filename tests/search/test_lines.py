"""Both ways to find a piece in many short lines say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import engine_whoosh_lines
from search.engine_whoosh_lines import Lines, spelled

_lines = st.lists(st.text(alphabet=st.sampled_from("ab后勤 "), max_size=6), min_size=1, max_size=8)
_needle = st.text(alphabet=st.sampled_from("ab后勤"), min_size=1, max_size=3)


@given(_lines, _needle)
def test_going_from_place_to_place_and_comparing_all_at_once_agree(lines: list[str], needle: str) -> None:
    found = [at for at, line in enumerate(lines) if needle in line]
    heads = [lines[at].startswith(needle) for at in found]
    for many in (-1, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine_whoosh_lines, "_MANY", many)
            docs, begins = Lines("\n".join(lines)).find(needle)
        assert (docs.tolist(), begins.tolist()) == (found, heads)


@given(
    st.lists(st.lists(st.sampled_from(["hou", "qin", "ou", "a4"]), max_size=3), min_size=1, max_size=5),
    st.sampled_from(["hou", "ou", "q", "qin", "houq", "h", "a4", "a"]),
)
def test_they_agree_where_a_find_must_begin_at_a_syllable(lines: list[list[str]], needle: str) -> None:
    text = "\n".join(" ".join(line) for line in lines)
    answers = []
    for many in (-1, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine_whoosh_lines, "_MANY", many)
            answers.append([found.tolist() for whole in spelled(text) for found in whole.find(needle)])
    assert answers[0] == answers[1]
