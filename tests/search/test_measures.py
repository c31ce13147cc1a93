"""The measures of the relevance suite, worked out by hand, and the baseline on texts of one line."""

from __future__ import annotations

import re

import pytest

from search.engine import Entry
from tests.search.judged import read
from tests.search.measures import ndcg, recall
from tests.search.plain_bm25 import PlainBM25

GRADES = {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("ranked", "value"),
    [
        (["a", "b"], 1.0),
        # (3 / log2 2 + 1 / log2 4) / (3 / log2 2 + 1 / log2 3) = 3.5 / 3.630930
        (["a", "x", "b"], 0.963940),
        # (1 / log2 2 + 3 / log2 3) / 3.630930 = 2.892789 / 3.630930
        (["b", "a"], 0.796708),
        # 1 / log2 4 = 0.5
        (["x", "y", "b"], 0.137706),
        (["x"] * 10 + ["a", "b"], 0.0),
        ([], 0.0),
    ],
)
def test_ndcg(ranked: list[str], value: float) -> None:
    assert ndcg(ranked, GRADES) == pytest.approx(value, abs=1e-6)


def test_ndcg_is_whole_when_the_first_ten_are_as_good_as_ten_can_be() -> None:
    grades = {str(number): 2 for number in range(20)}
    assert ndcg([str(number) for number in range(19, 9, -1)], grades) == 1.0
    assert ndcg([str(number) for number in range(5)], grades, depth=5) == 1.0


def test_recall_counts_whatever_helps_among_the_first() -> None:
    assert recall(["x", "b"], GRADES) == 0.5
    assert recall(["b", "x", "a"], GRADES) == 1.0
    assert recall(["b", "x", "a"], GRADES, depth=2) == 0.5
    assert recall(["b", "b"], GRADES) == 0.5
    assert recall(["x"] * 100 + ["a"], GRADES) == 0.0
    assert recall([], {}) == ndcg([], {}) == 0.0


def _index(*texts: str) -> PlainBM25:
    return PlainBM25(
        Entry(number, "resource", "", "", text, 0, frozenset({"all"})) for number, text in enumerate(texts)
    )


def test_the_baseline_prefers_the_rare_pair_the_frequent_and_the_short() -> None:
    index = _index("食堂采购与检查", "食堂采购与留样", "食堂采购与检查以及宿舍检查", "门卫")
    assert index.search("食堂留样")[0] == 1
    assert index.search("检查") == [2, 0]
    assert index.search("采购") == [0, 1, 2]
    assert index.search("采购", limit=1) == [0]


def test_the_baseline_takes_any_pair_and_whole_latin_runs() -> None:
    index = _index("電梯MX型", "电梯", "mxa")
    assert index.search("电梯 ＭＸ") == [0, 1]
    assert index.search("梯電") == index.search("…") == index.search("") == []


def test_a_line_of_the_judgments_that_cannot_be_read_is_named() -> None:
    good = ["# a", "? word 试用期", "2 劳动法/第一条", ""]
    assert [(one.form, one.grades) for one in read(good)] == [("word", {"劳动法/第一条": 2})]
    for bad in ("3 劳动法/第二条", "2 劳动法/第一条", "2 劳动法", "? kind 试用期", "试用期"):
        with pytest.raises(ValueError, match=re.escape(f"judged.txt:5: {bad}")):
            read([*good, bad])
    with pytest.raises(ValueError, match=re.escape("judged.txt:1: 2 劳动法/第一条")):
        read(good[2:])
