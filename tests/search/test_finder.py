"""Loosening, slips, pinyin and the order of close answers: what every engine gives through `search.finder`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from search.engine import Access, Engine, Entry, Hit
from search.finder import FEW
from tests.search.corpus import CHIEF, entries

_DAY = 86_400_000_000
_ALL = frozenset({"all"})


def _entry(number: int, title: str, text: str = "", **more: object) -> Entry:
    return Entry(number, "notice", f"N-{number}", title, text, 0, _ALL, **more)  # type: ignore[arg-type]


def _ids(engine: Engine, query: str, **more: object) -> list[int]:
    return [hit.id for hit in engine.search(query, CHIEF, limit=50, **more).hits]  # type: ignore[arg-type]


def _read(known: list[Entry]) -> Callable[[Hit], str]:
    texts = {entry.id: entry.title + entry.text for entry in known}
    return lambda hit: texts[hit.id]


# --------------------------------------------------------------------------------------------------------- loosening


def test_a_piece_that_is_found_is_not_loosened_however_seldom_it_stands(office: Engine) -> None:
    result = office.search("轿厢内，型号", CHIEF)
    assert (result.relaxed, result.total, result.strict) == ("", 5, 5)
    office.write([_entry(101, "须知", "访客须佩戴临时胸牌")])
    assert office.search("临时胸牌", CHIEF).total == 1


def test_few_hits_of_several_words_are_followed_by_those_of_some_words(office: Engine) -> None:
    result = office.search("食堂 消毒 办法", CHIEF, limit=50)
    assert (result.relaxed, result.strict) == ("any", 1)
    assert "".join(piece for piece, _ in result.hits[0].title) == "职工食堂管理办法"
    words = [sum(w in text for w in ("食堂", "消毒", "办法")) for text in map(_read(entries()), result.hits)]
    assert set(words) == {1, 2, 3}
    tight = office.search("食堂 消毒 办法", CHIEF, limit=50, loose=False)
    assert (tight.relaxed, tight.total, tight.strict) == ("", 1, 1)


def test_a_question_is_asked_about_what_stands_between_its_question_words(office: Engine) -> None:
    result = office.search("电梯多久保养一次", CHIEF, limit=50)
    assert result.strict == 5
    assert all("保养一次" in "".join(piece for piece, _ in hit.snippet) for hit in result.hits[:5])
    assert ("多久", True) not in [piece for hit in result.hits for piece in hit.snippet]


def test_a_filter_never_brings_hits_that_were_not_there_without_it(office: Engine) -> None:
    office.write([_entry(number, "餐具消毒登记") for number in range(100, 100 + FEW)])
    everything = office.search("餐具 消毒", CHIEF, limit=100)
    narrowed = office.search("餐具 消毒", CHIEF, {"kind": ["complaint"]}, limit=100)
    assert everything.relaxed == narrowed.relaxed == ""
    assert narrowed.total == 1
    assert {hit.id for hit in narrowed.hits} < {hit.id for hit in everything.hits}


def test_whether_a_query_is_loosened_depends_on_what_one_may_see_only(office: Engine) -> None:
    """Two public entries answer; the secret ones that answer too must not keep the public reader's query tight."""
    office.write([_entry(number, "蓝色雨衣领用") for number in (101, 102)])
    secret = [Entry(n, "notice", "", "蓝色雨衣领用", "", 4, _ALL) for n in range(200, 200 + FEW)]
    office.write([*secret, _entry(103, "蓝色雨伞")])
    low = office.search("蓝色 雨衣", Access(0, _ALL))
    assert (low.strict, low.total, low.relaxed) == (2, 3, "any")
    assert office.search("蓝色 雨衣", CHIEF).relaxed == ""


# ------------------------------------------------------------------------------------------------------------- slips


def test_a_same_sound_slip_is_found_below_what_is_written_so(engine: Engine) -> None:
    engine.write(
        [
            _entry(1, "后勤保障部职责", "仓库"),
            _entry(2, "仓库值班", "归后勤管"),
            _entry(3, "小说《后情》入藏"),
        ]
    )
    result = engine.search("后情", CHIEF)
    assert result.hits[0].id == 3
    assert {hit.id for hit in result.hits} == {1, 2, 3}
    assert (result.relaxed, result.strict, result.instead) == ("sound", 1, (("后情", "后勤"),))
    assert ("后勤", True) in next(hit.title for hit in result.hits if hit.id == 1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("实堂", "食堂"), ("采够", "采购"), ("三工", "山工"), ("管里", "管理"), ("空条", "空调")],
)
def test_sounds_that_many_do_not_tell_apart_are_one(engine: Engine, typed: str, meant: str) -> None:
    engine.write([_entry(1, f"{meant}登记表")])
    assert engine.search(typed, CHIEF).instead == ((typed, meant),)


def test_a_slip_is_taken_only_for_what_this_person_may_see(engine: Engine) -> None:
    engine.write(
        [Entry(1, "document", "D-1", "后勤绝密部署", "后勤", 4, _ALL), _entry(2, "值班安排", "后勤")]
    )
    low = engine.search("后情", Access(0, _ALL))
    assert (low.total, low.instead) == (0, ())
    assert engine.search("后情", CHIEF).total == 2


def test_mistyped_latin_words_are_found_but_model_numbers_are_exact(engine: Engine) -> None:
    engine.write([_entry(1, "打印机", "使用 Kyocera 硒鼓"), _entry(2, "水泵", "型号 MX-3000 与 SQLX300")])
    assert _ids(engine, "kyocrea") == [1]
    assert engine.search("kyocrea", CHIEF).instead == (("kyocrea", "kyocera"),)
    assert _ids(engine, "MX-3001") == []
    assert _ids(engine, "SQLY300") == []
    assert _ids(engine, "mx-3000") == [2]


def test_short_latin_words_are_not_guessed_at(engine: Engine) -> None:
    engine.write([_entry(1, "打印机", "支持 PDF")])
    assert _ids(engine, "pdx") == []


# ------------------------------------------------------------------------------------------------------------ pinyin


@pytest.mark.parametrize(
    "typed", ["houqin", "hq", "hou qin", "HQ", "qinbao", "wxk", "weixiuke", "lxm", "tz2026"]
)
def test_pinyin_finds_titles_names_units_and_numbers(engine: Engine, typed: str) -> None:
    engine.write(
        [
            Entry(1, "notice", "通知-2026", "后勤保障", "", 0, _ALL, names=("维修科", "李小明")),
            _entry(2, "保卫工作", "后勤 维修科"),
        ]
    )
    assert _ids(engine, typed) == [1]


def test_pinyin_narrows_together_with_other_words(engine: Engine) -> None:
    engine.write(
        [
            _entry(1, "食堂采购办法"),
            _entry(2, "食堂消毒办法"),
            _entry(3, "食堂采购合同"),
            _entry(4, "食堂值班"),
        ]
    )
    engine.write([_entry(number, "食堂采购清单") for number in (5, 6)])
    assert set(_ids(engine, "食堂 cg", loose=False)) == {1, 3, 5, 6}


def test_pinyin_does_not_run_across_names_nor_begin_inside_a_syllable(engine: Engine) -> None:
    engine.write([Entry(1, "notice", "", "后勤", "", 0, _ALL, names=("维修科",))])
    assert _ids(engine, "qinwei") == []
    assert _ids(engine, "ouqin") == []


def test_what_is_spelled_so_is_marked_in_the_title(engine: Engine) -> None:
    engine.write([_entry(1, "关于后勤保障的通知")])
    assert engine.search("houqin", CHIEF).hits[0].title == [
        ("关于", False),
        ("后勤", True),
        ("保障的通知", False),
    ]


# ------------------------------------------------------------------------------------------------------------- order


def test_words_close_together_come_before_words_far_apart(engine: Engine) -> None:
    far = "食堂由膳食科负责。" + "其他事项另行规定。" * 30 + "采购由物资科负责。"
    near = "其他事项另行规定。" * 15 + "食堂的采购由物资科负责。" + "其他事项另行规定。" * 15
    engine.write([_entry(1, "甲", far), _entry(2, "乙", near), _entry(3, "丙", far)])
    assert _ids(engine, "食堂 采购")[0] == 2


def test_newness_counts_where_the_entry_says_so_only(engine: Engine) -> None:
    now = 1000 * _DAY
    text = "停水检修，请各单位提前储水。"
    old, new = now - 300 * _DAY, now - 2 * _DAY
    engine.write(
        [
            _entry(1, "停水通知", text, updated=new, fresh=90),
            _entry(2, "停水通知", text, updated=old, fresh=90),
        ]
    )
    assert _ids(engine, "储水", now=now) == [1, 2]
    scores = [hit.score for hit in engine.search("储水", CHIEF, now=now).hits]
    assert scores[0] > scores[1]
    engine.write([_entry(1, "停水通知", text, updated=new), _entry(2, "停水通知", text, updated=old)])
    scores = [hit.score for hit in engine.search("储水", CHIEF, now=now).hits]
    assert scores[0] == scores[1]


def test_a_range_of_time_narrows_hits_and_facets(office: Engine) -> None:
    times = sorted({entry.updated for entry in entries()})
    since, until = times[10], times[20]
    expected = {entry.id for entry in entries() if since <= entry.updated < until}
    result = office.search("", CHIEF, facets=["kind"], limit=50, within=(since, until))
    assert {hit.id for hit in result.hits} == expected
    assert sum(count for _, count in result.facets["kind"]) == len(expected) == result.total
    assert office.search("", CHIEF, within=(None, since)).total == sum(e.updated < since for e in entries())
