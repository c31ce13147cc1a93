"""Folding, terms, pinyin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import analysis, sounds


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("後勤處", "后勤处"),
        ("ＡＢＣ１２３", "abc123"),
        ("Résumé", "resume"),
        ("管理 办\n法", "管理办法"),
        ("第 3 条", "第3条"),
        ("a   b", "a b"),
        ("⑴", "(1)"),
        ("中\u200b国", "中国"),
        ("〔２０２３〕", "〔2023〕"),
    ],
)
def test_texts_that_a_person_takes_for_the_same_fold_to_the_same(typed: str, same: str) -> None:
    assert analysis.fold(typed) == analysis.fold(same) == same


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert analysis.fold(analysis.fold(text)) == analysis.fold(text)


@given(st.text(alphabet=st.one_of(st.sampled_from(" \n\t中国後①ﬁé\u0301⑴…"), st.characters())))
def test_every_folded_character_knows_where_it_came_from(text: str) -> None:
    folded, offsets = analysis.fold_map(text)
    assert folded == analysis.fold(text)
    assert len(offsets) == len(folded) + 1
    assert list(offsets) == sorted(offsets)
    for char, at in zip(folded, offsets, strict=False):
        assert char in text[at].translate(analysis._FOLDING)


@given(st.text(alphabet=st.sampled_from(" \n中国後a，…éＡ⑴")))
def test_an_aligned_text_runs_along_with_its_folded_form(text: str) -> None:
    kept, folded, aligned = analysis.align(text)
    assert folded == analysis.fold(text) == analysis.fold(kept)
    if aligned:
        assert len(kept) == len(folded)
        assert "".join(analysis.fold(char) or " " for char in kept) == folded


def test_a_character_never_seen_before_is_aligned_like_a_known_one() -> None:
    seen = analysis._FOLDING.copy(), set(analysis._FOLDING.odd)
    analysis._FOLDING.clear()
    analysis._FOLDING.odd.clear()
    try:
        assert analysis.align("，⑴Ａ") == ("，⑴Ａ", ",(1)a", False)
    finally:
        analysis._FOLDING.update(seen[0])
        analysis._FOLDING.odd |= seen[1]


def test_terms_are_pairs_and_whole_latin_runs_and_the_ends_of_chinese_runs() -> None:
    assert dict(analysis.count_terms("食堂管理ab12,3")) == {
        "食堂": 1, "堂管": 1, "管理": 1, "食": 1, "理": 1, "ab12": 1, "3": 1,
    }  # fmt: skip


def test_pinyin_follows_the_word_not_the_character() -> None:
    assert sounds.syllables("重庆会计A4") == ["chong", "qing", "kuai", "ji", "a4"]
    assert sounds.initials(sounds.syllables("后勤保障部")) == "hqbzb"


def test_a_number_is_known_without_its_brackets() -> None:
    assert analysis.number_key("后勤发〔2023〕15号") == analysis.number_key("后勤发 2023-15号")
