"""Every ledger, walked: what a declaration promises holds for each of them, and a wrong declaration is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from intranet.kinds import KINDS, registry
from intranet.kinds.base import (
    ALL_ROLES,
    ITEM_ROLES,
    ROLES,
    Choice,
    Clock,
    Date,
    Field,
    Kind,
    KindError,
    Move,
    Person,
    State,
    Text,
    options,
)
from intranet.kinds.registry import check

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


# -- what holds for every ledger ----------------------------------------------------------------------------------
@every_kind
def test_the_declaration_has_no_error(kind: Kind) -> None:
    assert check(kind) == []


@every_kind
def test_every_state_is_reached_and_only_final_states_are_ends(kind: Kind) -> None:
    reached = {kind.first.name}
    while more := {m.target for m in kind.moves if reached & set(m.sources)} - reached:
        reached |= more
    assert reached == {s.name for s in kind.states}
    for state in kind.states:
        assert state.final == (not kind.moves_from(state.name)), state.name


@every_kind
def test_from_every_state_an_end_or_the_beginning_can_be_reached(kind: Kind) -> None:
    """No trap: from each state either a final one or the first one again lies ahead."""
    for state in kind.states:
        ahead = {state.name}
        while more := {m.target for m in kind.moves if ahead & set(m.sources)} - ahead:
            ahead |= more
        assert kind.first.name in ahead or any(s.final for s in kind.states if s.name in ahead), state.name


@every_kind
def test_all_that_people_read_has_words(kind: Kind) -> None:
    shown = [kind.title, kind.about, kind.title_label]
    shown += [f.title for f in kind.fields] + [s.title for s in kind.states] + [m.title for m in kind.moves]
    shown += [c.title for c in kind.clocks]
    shown += [o.title for f in kind.fields for o in getattr(f, "choices", ())]
    assert all(CHINESE.search(str(words)) or re.match(r"\d", str(words)) for words in shown)


@every_kind
def test_roles_exist_and_each_move_is_open_to_somebody(kind: Kind) -> None:
    for move in kind.moves:
        assert set(move.roles) <= ALL_ROLES
        barred = set(move.not_by.split()) - {"previous"}
        assert barred <= set(ITEM_ROLES)
        assert set(move.roles) - barred, f"{move.name} is done by those who may not"
    for state in kind.states:
        assert set(f"{state.view} {state.edit}".split()) <= ALL_ROLES


@every_kind
def test_each_step_has_somebody_who_sees_the_item_where_it_starts(kind: Kind) -> None:
    """A role that may do a step and never sees the item is a mistake; so is a start that nobody of them sees."""
    for move in (m for m in kind.moves if not m.code):
        views = [set(kind.state(source).view.split()) for source in move.sources]
        for role in set(move.roles) & set(ROLES):
            assert any(role in view or "staff" in view for view in views), f"{move.name}: {role}"
        if not set(move.roles) & set(ITEM_ROLES):
            assert all(set(move.roles) & view or "staff" in view for view in views), move.name


@every_kind
def test_the_number_template_renders_and_counts(kind: Kind) -> None:
    facts = {"year": 2026, "unit": "BG", "letter": "N"}
    first, second = (kind.number.format(**facts, seq=n) for n in (1, 2))
    assert first != second
    assert "2026" in first


@every_kind
def test_destroying_and_declining_ask_first(kind: Kind) -> None:
    for move in (m for m in kind.moves if m.tone == "danger"):
        assert str(move.confirm), move.name
        assert move.reason, move.name


@every_kind
def test_the_life_line_begins_at_the_beginning(kind: Kind) -> None:
    assert kind.steps[0] is kind.first
    assert len({s.name for s in kind.steps}) == len(kind.steps) >= 1


# -- fields -------------------------------------------------------------------------------------------------------
@every_kind
def test_every_field_takes_nothing_unless_required(kind: Kind) -> None:
    from intranet.kinds.base import Files, Flag, Wrong

    for field in kind.fields:
        if isinstance(field, (Files, Flag)):
            continue
        if field.required:
            with pytest.raises(Wrong):
                field.parse("")
        else:
            assert field.parse("  ") is None
        assert field.index(None) is None
        assert field.text(None) == ""


@every_kind
def test_every_choice_is_taken_by_code_and_by_word(kind: Kind) -> None:
    for field in kind.fields:
        if isinstance(field, Choice):
            for option in field.choices:
                assert field.parse(option.code) == field.parse(str(option.title)) == option.code
                assert field.text(option.code) == str(option.title)


# -- wrong declarations, each with its message --------------------------------------------------------------------
GOOD = Kind(
    "visit",
    "来访",
    number="LF-{year}-{seq:04}",
    fields=[Text("host", "接待人", required=True), Date("day", "日期", sort=True)],
    states=[State("open", "待访", view="staff"), State("done", "已结束", view="staff", final=True)],
    moves=[Move("end", "open", "done", title="结束", by="owner")],
)


def _with_field(**change: Any) -> Kind:
    return replace(GOOD, fields=[Text(**({"name": "host", "title": "接待人"} | change))])


def _with_move(**change: Any) -> Kind:
    given = {"name": "end", "source": "open", "target": "done", "title": "结束", "by": "owner"} | change
    return replace(GOOD, moves=[Move(**given)])


WRONG: dict[str, tuple[Kind, str]] = {
    "name": (replace(GOOD, name="Visit!"), "name must be lower case"),
    "number": (replace(GOOD, number="LF-{year}"), "number template without {seq}"),
    "field twice": (replace(GOOD, fields=[Text("a", "甲"), Text("a", "乙")]), "a field name twice"),
    "state twice": (replace(GOOD, states=[*GOOD.states, State("open", "又")]), "a state name twice"),
    "move twice": (replace(GOOD, moves=[*GOOD.moves, *GOOD.moves]), "a move name twice"),
    "no states": (replace(GOOD, states=[], moves=[]), "no states"),
    "default level": (replace(GOOD, default_level=3), "default_level is not among levels"),
    "adder": (replace(GOOD, add="boss"), "add: no such role: boss"),
    "field name": (_with_field(name="Host Name"), "field name Host Name"),
    "taken name": (_with_field(name="title"), "title is taken"),
    "no field title": (_with_field(title=""), "without a title"),
    "field roles": (_with_field(view="nobody"), "no such role: nobody"),
    "when": (_with_field(when=("class", "book")), "`when` names no choice declared before it"),
    "no choices": (replace(GOOD, fields=[Choice("a", "甲", ())]), "without choices"),
    "gives": (replace(GOOD, fields=[Person("a", "甲", gives="king")]), "gives an unknown role king"),
    "having": (replace(GOOD, fields=[Person("a", "甲", having="king")]), "no such role: king"),
    "view": (replace(GOOD, states=[State("open", "待访", view="x"), GOOD.states[1]]), "no such role: x"),
    "tone": (replace(GOOD, states=[State("open", "待访", tone="pink"), GOOD.states[1]]), "no such tone pink"),
    "final": (_with_move(source="open done", target="open"), "final state done has moves"),
    "by nobody": (_with_move(by=""), "is done by nobody"),
    "by whom": (_with_move(by="ghost"), "no such role: ghost"),
    "not by whom": (_with_move(not_by="ghost"), "no such role: ghost"),
    "target": (_with_move(target="gone"), "no such state gone"),
    "asks": (_with_move(asks=["price"]), "no such field price"),
    "stamps": (_with_move(stamps=["when"]), "no such field when"),
    "unreached": (replace(GOOD, moves=[]), "state done is never reached"),
    "clock field": (replace(GOOD, clocks=[Clock("c", state="open", after="x")]), "no such field x"),
    "clock state": (replace(GOOD, clocks=[Clock("c", state="x", after="day")]), "no such state x"),
    "clock beside expiry": (
        replace(
            GOOD,
            fields=[*GOOD.fields, Date("expires", "有效期至")],
            moves=[*GOOD.moves, Move("expire", "open", "done", title="到期", by="owner")],
            clocks=[Clock("a", state="open", after="expires"), Clock("b", state="open", after="day")],
        ),
        "clock b: open ends by the clock of `expires`, and by no other",
    ),
    "clock role": (
        replace(GOOD, clocks=[Clock("c", state="open", after="day", tell="x")]),
        "no such role: x",
    ),
}


@pytest.mark.parametrize(("kind", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_declaration_stops_the_start_and_says_why(kind: Kind, message: str) -> None:
    with pytest.raises(KindError, match=re.escape(message)):
        registry((kind,))


def test_a_kind_declared_twice_is_refused_and_all_errors_come_at_once() -> None:
    with pytest.raises(KindError) as refused:
        registry((replace(GOOD, add="boss"), replace(GOOD, number="x")))
    assert all(words in str(refused.value) for words in ("boss", "{seq}", "declared twice"))


# -- a sixth ledger is one file -----------------------------------------------------------------------------------
SEAL = Kind(
    "seal",
    "用印登记",
    number="YY-{year}-{seq:04}",
    icon="stamp",
    fields=[
        Text("matter", "用印事项", required=True, search=True, column=True),
        Choice("seal", "印章", options(("office", "公章"), ("finance", "财务章")), required=True, facet=True),
        Date("day", "用印日期", sort=True),
    ],
    states=[
        State("asked", "待批", view="owner lead", tone="waiting"),
        State("used", "已用印", view="owner lead", tone="good", final=True),
    ],
    moves=[Move("approve", "asked", "used", title="批准用印", by="lead", not_by="owner", stamps=["day"])],
)


def test_a_new_ledger_has_pages_forms_and_steps_with_no_further_code(make: Callable[..., Any]) -> None:
    from tests.office import Office

    app = make(kinds=(SEAL,))
    desk = Office(app, app.extensions["house"])
    cook, lead = desk.client("cook"), desk.client("lead_st")

    assert "用印登记" in cook.get("/items/seal/").text
    form = cook.get("/items/seal/new").text
    assert "用印事项" in form
    assert "财务章" in form
    answer = cook.post(
        "/items/seal/new",
        data={
            "title": "供货合同", "matter": "与供货单位签约", "seal": "office", "unit": desk.unit("YST"), "level": "internal"
        },
    )  # fmt: skip
    assert answer.status_code == 303
    page = lead.get(answer.location)
    assert "供货合同" in page.text
    assert "批准用印" in page.text
    assert "批准用印" not in cook.get(answer.location).text
    assert "供货合同" in lead.get("/").text  # it waits on the desk


def test_a_new_ledger_lives_by_the_same_verbs(make: Callable[..., Any]) -> None:
    from intranet.errors import Denied
    from tests.office import Office

    app = make(kinds=(SEAL,))
    desk = Office(app, app.extensions["house"])
    item = desk.add("seal", "cook", matter="签约", seal="公章")
    assert item.number == "YY-2026-0001"
    with pytest.raises(Denied):
        desk.step(item, "cook", "approve")
    assert desk.step(item, "lead_st", "approve").data["day"] == "2026-11-23"


def test_fields_are_frozen() -> None:
    field: Field = GOOD.fields[0]
    with pytest.raises(AttributeError):
        field.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("typed", ["2026-11-03", "2026/11/3", "2026.11.03", "2026年11月3日", "20261103"])
def test_a_date_is_taken_as_people_and_spreadsheets_write_it(typed: str) -> None:
    assert Date("day", "日期").parse(typed) == "2026-11-03"


@pytest.mark.parametrize("typed", ["2026-02-30", "11-03", "明天", "2026-13-01", "0000-01-01"])
def test_a_date_that_is_none_is_refused(typed: str) -> None:
    from intranet.kinds.base import Wrong

    with pytest.raises(Wrong):
        Date("day", "日期").parse(typed)
