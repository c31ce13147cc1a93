"""Marking what was found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search import analysis
from search.snippets import WIDTH, Marks, highlight, snippet


def test_the_original_spelling_is_shown_and_marked() -> None:
    assert highlight("關於後勤處Ａ4纸的通知", Marks(("后勤", "a4"))) == [
        ("關於", False), ("後勤", True), ("處", False), ("Ａ4", True), ("纸的通知", False),
    ]  # fmt: skip


def test_a_word_that_is_nowhere_whole_is_marked_in_parts() -> None:
    assert ("食堂", True) in highlight("职工食堂", Marks(("食堂采购",)))


def test_the_densest_place_is_shown() -> None:
    text = "消防。" + "无关的话，" * 60 + "消防控制室双人值守。" + "别的内容；" * 60
    shown = "".join(piece for piece, _ in snippet(text, Marks(("消防", "值守"))))
    assert "消防控制室双人值守" in shown
    assert shown.startswith("…") and shown.endswith("…")
    assert len(shown) <= WIDTH + 2


def test_a_place_deep_in_a_long_text_is_found() -> None:
    assert ("要点", True) in snippet("字" * 50_000 + "要点" + "字" * 50_000, Marks(("要点",)))


def test_without_a_place_the_beginning_is_shown() -> None:
    assert snippet("甲" * 300, Marks(("乙",))) == [("甲" * WIDTH + "…", False)]
    assert snippet("", Marks(("乙",))) == []


_TEXT = st.text(alphabet=st.sampled_from("后後勤食堂 \nａAb1，…⑴"), max_size=60)


@given(_TEXT, st.lists(st.text(alphabet=st.sampled_from("后勤食堂ab1"), min_size=1, max_size=3), max_size=3))
def test_titles_come_back_whole_and_every_mark_is_a_hit(text: str, terms: list[str]) -> None:
    pieces = highlight(text, Marks(tuple(terms)))
    assert "".join(piece for piece, _ in pieces) == text
    for term in terms:
        assert (term in analysis.fold(text)) <= any(hit for _, hit in pieces)


@given(_TEXT, st.lists(st.text(alphabet=st.sampled_from("后勤食堂ab1"), min_size=1, max_size=3), max_size=3))
def test_the_known_folded_form_gives_the_same_snippet(text: str, terms: list[str]) -> None:
    kept, folded, aligned = analysis.align(text)
    marks = Marks(tuple(terms))
    if aligned:
        assert snippet(kept, marks, folded=folded) == snippet(kept, marks)
