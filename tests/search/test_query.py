"""What a person types."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from search.query import MAX_TERMS, Form, Needle, Query, parse


def _count(query: Query) -> int:
    words = query.words + query.phrases + query.without
    return sum(len(word.needles) for word in words)


@given(st.text())
@example('"')
@example("-")
@example("-:")
@example("kind:")
@example('kind:""')
@example("((((" * 1000)
@example(" OR ".join("a*?[]~^" for _ in range(3000)))
@example("\ud800 \0 \u202e")
def test_nothing_raises_and_nothing_exceeds_the_cap(text: str) -> None:
    assert _count(parse(text)) <= MAX_TERMS


def test_words_phrases_minus_and_fields() -> None:
    query = parse('管理 “食堂 菜谱” -作废 -"旧 版" 密级：机密 kind:notice kind:document -year:2020')
    assert [word.text for word in query.words] == ["管理"]
    assert [word.text for word in query.phrases] == ["食堂菜谱"]
    assert [word.text for word in query.without] == ["作废", "旧版"]
    assert query.fields == {"level": {"机密"}, "kind": {"notice", "document"}}
    assert query.without_fields == {"year": {"2020"}}


def test_an_unknown_field_is_a_word() -> None:
    query = parse("电话:86012")
    assert not query.fields
    assert [word.text for word in query.words] == ["电话:86012"]


def test_a_dash_inside_a_word_is_no_minus() -> None:
    assert not parse("MX-3000").without


def test_wildcards_and_operators_are_plain_text() -> None:
    assert (
        parse("管* OR text:保密 ~").words[0].needles == (Needle("管", Form.SUFFIX),)
        or not parse("管*").fields
    )
    assert [word.text for word in parse("管理* AND (食堂)").words] == ["管理*", "and", "(食堂)"]


def test_only_the_outer_ends_of_a_word_are_open() -> None:
    assert parse("gb/t").words[0].needles == (Needle("gb", Form.SUFFIX), Needle("t", Form.PREFIX))
    assert parse("第3").words[0].needles == (Needle("第"), Needle("3", Form.PREFIX))
    assert parse("后").words[0].needles == (Needle("后", Form.CHAR),)
    assert parse("m").words[0].needles == (Needle("m", Form.PREFIX),)


def test_more_terms_than_the_cap_are_left_out_and_said_so() -> None:
    query = parse(" ".join(f"词{number}" for number in range(40)))
    assert query.cut
    assert _count(query) == MAX_TERMS


def test_blank_and_meaningless_input_differ() -> None:
    assert not parse("  ").empty
    assert parse("!!!").empty
