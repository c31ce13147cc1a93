"""What staff ask must come first: a floor on the order, not a tuning set."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.engine import Engine, Entry
from search.engine_whoosh import WhooshEngine
from tests.search.corpus import CHIEF, entries

ASKED = [
    ("食堂管理办法", "职工食堂管理办法"),
    ("宿舍退宿水电费办法", "集体宿舍管理办法"),
    ("电梯困人怎么办投诉", "电梯维保投诉答复"),
    ("MX-3000 操作手册", "电梯维保资料汇编"),
    ("涉密载体销毁通知", "保密管理通知"),
    ("灭火器检查工单", "消防安全维修工单"),
    ("资产盘点报废通知", "固定资产通知"),
    ("会议室预约办法", "会议中心管理办法"),
    ("公车节假日封存的规定办法", "公务用车管理办法"),
    ("iso 9001 消防", "消防安全资料汇编"),
]


@pytest.fixture
def filled(tmp_path: Path) -> Engine:
    made = WhooshEngine(tmp_path / "index")
    made.write(entries())
    return made


def _first(engine: Engine, query: str, limit: int) -> list[str]:
    return ["".join(p for p, _ in hit.title) for hit in engine.search(query, CHIEF, limit=limit).hits]


def test_the_right_entry_is_among_the_first(filled: Engine) -> None:
    ranks = []
    for query, title in ASKED:
        found = _first(filled, query, 10)
        ranks.append(1 / (found.index(title) + 1) if title in found else 0.0)
    assert sum(ranks) / len(ranks) >= 0.8, ranks


def test_a_title_counts_more_than_a_mention(filled: Engine) -> None:
    mention = "本文多次提到访客登记。" * 3
    filled.write(
        [
            Entry(101, "notice", "", "访客登记须知", "进门请出示证件。" * 4, 0, frozenset({"all"})),
            Entry(102, "notice", "", "门卫值班安排", mention, 0, frozenset({"all"})),
        ]
    )
    assert _first(filled, "访客登记", 2) == ["访客登记须知", "门卫值班安排"]


def test_a_rare_word_counts_more_than_a_frequent_one(filled: Engine) -> None:
    assert _first(filled, "机要交通 食堂 通知 联系人", 1)[0].startswith("保密管理")
