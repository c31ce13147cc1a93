"""A question is read from an address and written as one; dates are days where the office is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from intranet.verbs import asking
from intranet.verbs.asking import FACETS, Question

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # already the 24th in Shanghai
words = st.text(max_size=12)


def micro(year: int, month: int, day: int) -> int:
    return round(datetime(year, month, day, tzinfo=SHANGHAI).timestamp() * 1_000_000)


@given(
    st.lists(st.tuples(st.sampled_from([*FACETS, "q", "since", "until", "sort", "page"]), words), max_size=12)
)
def test_whatever_an_address_says_becomes_one_question_and_stays_it(pairs: list[tuple[str, str]]) -> None:
    question = asking.read(MultiDict(pairs).getlist)
    assert asking.parse(question.address()) == question


def test_parameters_stand_in_one_order_and_each_value_once() -> None:
    given_ = [
        ("sort", "updated"),
        ("level", "public"),
        ("kind", "notice"),
        ("level", "public"),
        ("q", " 水泵 "),
        ("unit", "wx"),
    ]
    question = asking.read(MultiDict(given_).getlist)
    assert question.pairs() == [
        ("q", "水泵"),
        ("kind", "notice"),
        ("level", "public"),
        ("unit", "WX"),
        ("sort", "updated"),
    ]


@pytest.mark.parametrize(
    ("since", "until", "window"),
    [
        ("", "", (None, None)),
        ("2026-11-01", "2026-11-02", (micro(2026, 11, 1), micro(2026, 11, 3))),
        ("2026-11-01", "", (micro(2026, 11, 1), None)),
        ("", "2026-12-31", (None, micro(2027, 1, 1))),
        ("today", "", (micro(2026, 11, 24), None)),
        ("7d", "", (micro(2026, 11, 18), None)),
        ("30d", "2026-11-20", (micro(2026, 10, 26), micro(2026, 11, 21))),
        ("year", "", (micro(2026, 1, 1), None)),
    ],
)  # fmt: skip
def test_days_begin_and_end_where_the_office_is(
    since: str, until: str, window: tuple[int | None, int | None]
) -> None:
    assert Question(since=since, until=until).within(NOW, SHANGHAI) == window


@pytest.mark.parametrize(
    ("since", "until", "wrong"),
    [
        ("2026-13-01", "", "since"), ("昨天", "", "since"), ("", "2026-02-30", "until"), ("0001-01-01", "", "since"),
        ("9999-12-31", "", "since"), ("2026-11-02", "2026-11-01", "order"), ("7d", "2026-11-01", "order"),
    ],
)  # fmt: skip
def test_what_is_no_date_does_not_narrow_and_is_told(since: str, until: str, wrong: str) -> None:
    question = Question(since=since, until=until)
    with pytest.raises(ValueError, match=f"^{wrong}$"):
        question.days(date(2026, 11, 24))
    assert question.within(NOW, SHANGHAI) == (None, None)
