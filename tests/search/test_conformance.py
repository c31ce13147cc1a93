"""What every engine must do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.engine import Access, Engine, Entry
from tests.search.corpus import CHIEF, entries

FACETS = ("kind", "unit", "year", "class")


def _titles(
    engine: Engine, query: str, access: Access = CHIEF, limit: int = 50, *, loose: bool = True
) -> list[str]:
    hits = engine.search(query, access, limit=limit, loose=loose).hits
    return ["".join(p for p, _ in hit.title) for hit in hits]


def test_all_words_must_occur(office: Engine) -> None:
    result = office.search("食堂 通知 联系人", CHIEF)
    assert (result.relaxed, result.strict, result.total) == ("any", 1, 12)
    assert _titles(office, "食堂 通知 联系人")[0] == "职工食堂通知"
    assert _titles(office, "食堂 通知 联系人", loose=False) == ["职工食堂通知"]


def test_without_such_an_entry_one_word_is_enough_and_it_is_said(office: Engine) -> None:
    result = office.search("电梯 食堂", CHIEF, limit=50)
    assert result.relaxed == "any"
    assert result.total == 10


def test_a_phrase_is_exact(office: Engine) -> None:
    assert office.search('"公布菜谱，采购"', CHIEF).total == 5
    assert office.search('"菜谱公布"', CHIEF).total == 0
    assert office.search('"食堂每日，采购"', CHIEF).total == 0


def test_minus_takes_away_what_contains_the_word(office: Engine) -> None:
    assert _titles(office, "食堂 -通知 -汇编 -工单 -投诉") == ["职工食堂管理办法"]


def test_fields_narrow(office: Engine) -> None:
    assert set(_titles(office, "食堂 kind:notice")) == {"职工食堂通知"}
    assert set(_titles(office, "类型：notice 电梯")) == {"电梯维保通知"}
    assert office.search("编号:2022 食堂", CHIEF).total == 1
    assert "职工食堂通知" not in _titles(office, "食堂 -kind:notice")


def test_a_field_that_finds_nothing_is_read_as_text(engine: Engine) -> None:
    engine.write([Entry(1, "notice", "", "须知", "单位：行政科负责", 0, frozenset({"all"}))])
    result = engine.search("单位：行政科负责", CHIEF)
    assert (result.total, result.relaxed) == (1, "literal")


def test_a_number_opens_its_record_first(office: Engine) -> None:
    for typed in ("后勤发〔2022〕1号", "后勤发[2022]1号", "后勤发２０２２ 1号"):
        assert office.search(typed, CHIEF).hits[0].id == 1


def test_one_character_has_its_answer(office: Engine) -> None:
    assert set(_titles(office, "梯")) == {t for t in _titles(office, "") if t.startswith("电梯")}
    assert office.search("m", CHIEF).total == 5


def test_nothing_typed_lists_all_and_nonsense_nothing(office: Engine) -> None:
    everything = office.search("", CHIEF, limit=50)
    updated = {entry.id: entry.updated for entry in entries()}
    order = [hit.id for hit in everything.hits]
    assert everything.total == 40
    assert order == sorted(order, key=lambda number: (updated[number], number), reverse=True)
    assert office.search("!!! ？", CHIEF).total == 0


def test_facets_count_what_would_be_found(office: Engine) -> None:
    result = office.search("电梯", CHIEF, facets=FACETS)
    assert sum(count for _, count in result.facets["kind"]) == result.total == 5
    for value, count in result.facets["unit"]:
        assert office.search("电梯", CHIEF, {"unit": [value]}).total == count


def test_values_of_a_facet_are_alternatives_and_facets_add_up(office: Engine) -> None:
    one = office.search("", CHIEF, {"unit": ["后勤处"]}).total
    two = office.search("", CHIEF, {"unit": ["后勤处", "行政科"]}, FACETS)
    both = office.search("", CHIEF, {"unit": ["后勤处"], "kind": ["notice"]}, FACETS)
    assert one < two.total < 40
    assert both.total < one
    assert {value for value, _ in two.facets["unit"]} == {"后勤处", "行政科", "保卫处"}
    assert sum(count for _, count in both.facets["kind"]) == one


def test_values_without_hits_are_not_shown(office: Engine) -> None:
    assert office.search("电梯 kind:notice", CHIEF, facets=["kind"]).facets == {"kind": [("notice", 1)]}


def test_pages_join_without_overlap(office: Engine) -> None:
    for order in ("score", "updated"):
        whole = [hit.id for hit in office.search("规定", CHIEF, limit=50, order=order).hits]
        parts = [
            hit.id
            for offset in range(0, len(whole), 3)
            for hit in office.search("规定", CHIEF, limit=3, offset=offset, order=order).hits
        ]
        assert parts == whole
    assert office.search("规定", CHIEF, offset=1000).hits == []
    assert office.search("规定", CHIEF, limit=0).total == len(whole)


def test_replaced_and_removed_entries_are_gone(office: Engine) -> None:
    old = entries()[0]
    office.write([replace(old, title="全新标题", text="焕然一新")], [2])
    assert _titles(office, "焕然一新") == ["全新标题"]
    assert 1 not in {hit.id for hit in office.search("食堂", CHIEF, limit=50).hits}
    assert 2 not in {number for number, _ in office.ids()}
    assert office.count() == 39


def test_rebuild_replaces_everything(office: Engine) -> None:
    assert office.rebuild(lambda _after: entries()[:7]) == 7
    assert office.count() == 7
    assert dict(office.ids()) == {entry.id: entry.updated for entry in entries()[:7]}


def test_the_fingerprint_of_an_entry_is_kept_and_differs_with_everything_that_it_says(office: Engine) -> None:
    assert dict(office.fingerprints()) == {entry.id: entry.fingerprint() for entry in entries()}
    one = entries()[0]
    others = [
        replace(one, **{name: value})  # type: ignore[arg-type]
        for name, value in {
            "id": 99, "kind": "x", "number": "x", "title": "x", "text": "x", "level": 4, "labels": frozenset({"x"}),
            "facets": {"unit": ("x",)}, "updated": 1, "names": ("x",), "fresh": 9,
        }.items()
    ]  # fmt: skip
    assert len({entry.fingerprint() for entry in (one, *others)}) == 12
    assert replace(one, facets=dict(reversed(one.facets.items()))).fingerprint() == one.fingerprint()
    odd = replace(one, title="\ud800", text="\udfff", names=("\ud800",))
    office.write([odd])
    assert dict(office.fingerprints())[one.id] == odd.fingerprint()


def test_each_write_is_a_new_generation(office: Engine) -> None:
    before = office.search("食堂", CHIEF).generation
    office.write([], [1])
    assert office.search("食堂", CHIEF).generation != before


def test_traditional_full_width_and_capitals_find_the_same(office: Engine) -> None:
    for typed in ("電梯維保", "ｍｘ-3000", "ＩＳＯ"):
        assert office.search(typed, CHIEF).total >= 1
    assert ("电梯维保", True) in office.search("電梯維保", CHIEF).hits[0].title


def test_title_and_snippet_are_marked(office: Engine) -> None:
    hit = office.search("派车单", CHIEF).hits[0]
    assert ("派车单", True) in hit.snippet
    assert ("公务用车", True) in office.search("公务用车", CHIEF).hits[0].title


@pytest.mark.parametrize("typed", ["houqin", "hq", "HouQin", "hou qin", "后勤", "後勤"])
def test_suggestions_by_pinyin_initials_and_characters(engine: Engine, typed: str) -> None:
    engine.write(
        [
            Entry(1, "notice", "X-1", "后勤保障部通知", "", 0, frozenset({"all"})),
            Entry(2, "notice", "X-2", "关于后勤的说明", "", 0, frozenset({"all"})),
            Entry(3, "notice", "X-3", "保卫工作", "后勤", 0, frozenset({"all"})),
        ]
    )
    assert [one.id for one in engine.suggest(typed, CHIEF)] == [1, 2]


def test_suggestions_by_number_and_never_twice_the_same_title(office: Engine) -> None:
    assert office.suggest("后勤发〔2022〕1号", CHIEF)[0].id == 1
    office.write([replace(entries()[0], id=99)])
    titles = ["".join(p for p, _ in one.title) for one in office.suggest("食堂", CHIEF)]
    assert len(titles) == len(set(titles)) == 5
    assert office.suggest("", CHIEF) == office.suggest("!?", CHIEF) == []
    assert len(office.suggest("管理", CHIEF, limit=3)) == 3


def test_who_may_see_nothing_gets_nothing(office: Engine) -> None:
    for access in (Access(4, frozenset()), Access(-1, CHIEF.tokens), Access(4, frozenset({"unit:无"}))):
        result = office.search("食堂", access, facets=FACETS)
        assert (result.total, result.hits, any(result.facets.values())) == (0, [], False)
        assert office.search("", access).total == 0
        assert office.suggest("食堂", access) == []


def test_hidden_ids_are_nowhere(office: Engine) -> None:
    seen = office.search("食堂", CHIEF, facets=["kind"], limit=50)
    hidden = frozenset(hit.id for hit in seen.hits)
    access = replace(CHIEF, hidden=hidden)
    result = office.search("食堂", access, facets=["kind"])
    assert result.total == 0 and not any(result.facets.values())
    assert {one.id for one in office.suggest("食堂", access)} & hidden == set()
    assert office.search("", access).total == 40 - len(hidden)


def test_purging_changes_nothing_that_lives(office: Engine) -> None:
    before = _titles(office, "食堂")
    gone = entries()[0].id
    office.write([], [gone])
    kept = dict(office.ids())
    found = _titles(office, "食堂")
    office.purge()
    office.purge()
    assert dict(office.ids()) == kept
    assert gone not in kept
    assert _titles(office, "食堂") == found
    assert len(before) >= len(found) > 0
