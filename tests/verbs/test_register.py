"""登记与定密: numbers, levels by two persons, folders, copies, declarations (REQUIREMENTS A3, A4, A16.6; FEATURES rows 52-68, 77)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, DomainError, Invalid
from intranet.models import Approval, Blob, Copy, Item, Place, Revision
from intranet.policy import Permission
from intranet.verbs import (
    approvals,
    bundles,
    copying,
    deposits,
    import_rows,
    importing,
    items,
    leveling,
    levels,
)
from intranet.verbs import (
    desk as questions,
)
from intranet.verbs.numbers import LETTERS
from tests.office import Clock, Office
from tests.verbs.forbidden_register import RECORDING, document, folder, put
from vault.levels import Level

I, C, S, T = Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET  # noqa: E741


def register(desk: Office, unit: str = "BG", level: Level = I, **more: object) -> Item:
    return desk.add("document", "registrar", unit=unit, level=level, **more)


# -- numbers ------------------------------------------------------------------------------------------------------
def test_a_series_of_numbers_has_no_gap_and_no_double(desk: Office, clock: Clock, db: Session) -> None:
    """Refused and broken registrations burn none; each unit, level and year counts for itself."""

    def breaks(unit: str) -> None:
        with desk.w("registrar") as w:
            kind = w.house.kinds["document"]
            raw = {
                "author": "甲",
                "dated": "2026-11-01",
                "retention": "y10",
                "frequency": "low",
                "place": desk.place("BMS-1"),
            }
            items.create(w, kind, raw, title="半途", unit_id=desk.unit(unit), level=I)
            raise Conflict("the office burns down")

    for n in range(9):
        register(desk, ("BG", "CW")[n % 2], (I, S)[n % 3 == 0])
        with suppress(Invalid):
            register(desk, "BG", author="")
        with suppress(Conflict):
            breaks("BG")
    clock.forward(days=60)
    register(desk, "BG")
    series: dict[str, list[int]] = {}
    for number in db.scalars(select(Item.number).order_by(Item.id)):
        head, _dash, seq = number.rpartition("-")
        series.setdefault(head, []).append(int(seq))
    assert all(found == list(range(1, len(found) + 1)) for found in series.values())
    assert set(series) == {f"{u}-{LETTERS[lv]}-2026" for u in ("BG", "CW") for lv in (I, S)} | {"BG-N-2027"}


def test_the_template_of_the_office_numbers_documents_and_material_apart(desk: Office) -> None:
    object.__setattr__(desk.house.settings, "document_number", "LX〔{year}〕{seq:03}")
    try:
        made = [desk.add(kind, "custodian").number for kind in ("document", "material", "document")]
    finally:
        object.__setattr__(desk.house.settings, "document_number", "{unit}-{letter}-{year}-{seq:04}")
    assert made == ["LX〔2026〕001", "ZL-LX〔2026〕001", "LX〔2026〕002"]


def test_a_number_that_came_with_its_paper_is_not_given_again(
    desk: Office, tmp_path: Path, db: Session
) -> None:
    path = tmp_path / "旧台账.csv"
    path.write_text(
        "文件题名,编号,制定人员,制定日期,保管期限,使用频率,保管场所\n"
        "旧方案,BG-N-2026-0001,办公室,2026-11-01,10 年,较低,GZ-1\n"
    )
    options = importing.Options("document", desk.unit("BG"), I)

    def bring() -> importing.Report:
        rows = import_rows.Rows(desk.house, desk.actor("cli:import"), options, path)
        for row in rows.read():
            rows.take(row)
        return rows.report

    assert bring().imported == 1 and bring().unchanged == 1
    assert register(desk).number == "BG-N-2026-0002"
    old = db.scalars(select(Item).where(Item.number == "BG-N-2026-0001")).one()
    desk.end(old)
    assert "不得重新使用" in bring().left_out[0]["reason"]
    with pytest.raises(Conflict):  # and the database says so too
        renumber(desk, register(desk), "BG-N-2026-0001")


def renumber(desk: Office, item: Item, number: str) -> None:
    with desk.w("registrar") as w:
        w.session.get_one(Item, item.id).number = number


# -- levels -------------------------------------------------------------------------------------------------------
def test_nothing_changes_until_somebody_else_approves(desk: Office, clock: Clock, db: Session) -> None:
    item = document(desk)
    with desk.w("custodian") as w:
        approval = levels.propose(w, item.id, C, reason="含个人隐私").id
    assert db.get_one(Item, item.id, populate_existing=True).level == I
    assert desk.audit("level.ask")[0].number == item.number
    waiting = questions.desk(db, desk.house, desk.actor("registrar"), clock()).words.rows
    assert [(r.item.id, r.approval and r.approval.id) for r in waiting] == [(item.id, approval)]
    assert not questions.desk(db, desk.house, desk.actor("custodian"), clock()).words.rows  # never one's own
    with pytest.raises(Invalid), desk.w("registrar") as w:
        approvals.decide(w, approval, False, " ")
    with desk.w("registrar") as w:
        approvals.decide(w, approval, True, "同意")
    assert db.get_one(Item, item.id, populate_existing=True).level == C
    last = db.scalars(
        select(Revision).where(Revision.item_id == item.id).order_by(Revision.version.desc())
    ).first()
    assert last is not None and last.reason == "内部 → 秘密：含个人隐私"
    assert [r.actor for r in desk.audit("level.approved")] == ["registrar"]


def test_a_proposal_is_refused_with_a_reason_or_taken_back(desk: Office, db: Session) -> None:
    item = document(desk)
    for end in ("refused", "withdrawn"):
        with desk.w("custodian") as w:
            approval = levels.propose(w, item.id, C, reason="复核").id
        if end == "refused":
            with desk.w("lead") as w:
                approvals.decide(w, approval, False, "依据不足")
        else:
            with desk.w("custodian") as w:
                approvals.withdraw(w, approval)
        assert db.get_one(Approval, approval, populate_existing=True).outcome == end
    assert db.get_one(Item, item.id, populate_existing=True).level == I


def test_every_copy_must_stand_strong_enough(desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", place=desk.place("SG-1"), copies="2")
    with desk.w("custodian") as w:
        second = w.session.scalars(select(Copy).where(Copy.item_id == item.id, Copy.number == 2)).one()
        second.place_id = desk.place("GQ-1")
    with pytest.raises(Invalid, match="第 2 份"), desk.w("custodian") as w:
        levels.propose(w, item.id, C, reason="复核")


def test_a_file_taken_off_does_not_survive_on_a_level_without_bodies(desk: Office, db: Session) -> None:
    blob = desk.deposit("registrar", b"body", level=S)
    item = desk.add("document", "registrar", level=S, place=desk.place("BMS-1"), blobs=(blob,))
    with desk.w("registrar") as w:
        items.edit(w, item.id, dict(item.data), title=item.title, version=None, drop=[blob])
        items.grant(w, item.id, person_id=desk.person("leader").id)
    desk.relevel(item, T, decided="leader")
    row = db.get_one(Blob, blob, populate_existing=True)
    assert (row.state, row.header) == ("destroyed", b"")


def test_the_review_of_a_level_is_asked_for_and_written_down(desk: Office, clock: Clock, db: Session) -> None:
    item = desk.add("document", "custodian", review="2026-11-25")

    def due() -> list[int]:
        return [
            r.item.id for r in questions.desk(db, desk.house, desk.actor("custodian"), clock()).words.rows
        ]

    assert due() == []
    clock.forward(days=2)
    assert due() == [item.id]
    assert questions.waiting_count(db, desk.house, desk.actor("custodian"), clock()) == 1
    following = clock().date() + timedelta(days=365)
    with pytest.raises(Denied), desk.w("lead") as w:
        levels.confirm(w, item.id, following)
    with pytest.raises(Invalid), desk.w("custodian") as w:
        levels.confirm(w, item.id, w.today)
    with desk.w("custodian") as w:
        levels.confirm(w, item.id, following)
    assert due() == [] and [r.actor for r in desk.audit("item.review")] == ["custodian"]


# -- copies -------------------------------------------------------------------------------------------------------
def test_a_copy_is_a_new_number_under_the_same_rules(desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", copies="2")
    with desk.w("custodian") as w:
        made = copying.add(w, item.id, made_from=2, count=2, reason="分发班组")
        assert [c.number for c in made] == [3, 4]  # type: ignore[union-attr]
    shown = copying.lines(db, item.id, holders=True)
    assert [(line.copy.number, line.made_from) for line in shown] == [(1, None), (2, None), (3, 2), (4, 2)]
    assert db.get_one(Item, item.id, populate_existing=True).data["copies"] == 4


def test_from_secret_up_a_copy_needs_a_second_word(desk: Office, db: Session) -> None:
    item = document(desk, level=S)
    with desk.w("custodian") as w:
        asked = copying.add(w, item.id, made_from=1, count=1, reason="评审")
        assert isinstance(asked, Approval)
        approval = asked.id
    assert db.scalar(select(func.count()).select_from(Copy).where(Copy.item_id == item.id)) == 1
    with desk.w("lead") as w:
        approvals.decide(w, approval, True, "")
    assert [line.copy.number for line in copying.lines(db, item.id, holders=False)] == [1, 2]


# -- material, declarations -----------------------------------------------------------------------------------------
def test_only_the_fields_of_the_class_are_asked_and_kept(desk: Office, db: Session) -> None:
    with pytest.raises(Invalid) as wrong:
        desk.add("material", "custodian", **{"class": "recording"})
    assert set(wrong.value.errors) == {"occasion", "event", "held", "event_level"}
    made = desk.add("material", "custodian", level=S, isbn="1", **RECORDING)
    assert "isbn" not in made.data and made.data["event"] == "安全例会"
    raw = dict(made.data) | {"class": "equipment", "model": "WNS6"}
    with desk.w("custodian") as w:
        items.edit(w, made.id, raw, title=made.title, version=None)
    kept = db.get_one(Item, made.id, populate_existing=True).data
    assert kept["model"] == "WNS6" and not {"event", "event_level", "held", "occasion"} & set(kept)


@pytest.mark.parametrize(
    ("typed", "right"),
    [("978-7-307-21456-9", True), ("9787307214563", False), ("080442957X", True), ("978", False)],
)
def test_the_check_digit_of_a_book_number(desk: Office, typed: str, right: bool) -> None:
    book = {"class": "book", "print": "book", "publisher": "出版社", "isbn": typed}
    if right:
        assert desk.add("material", "custodian", **book).data["isbn"] == typed.replace("-", "")
    else:
        with pytest.raises(Invalid):
            desk.add("material", "custodian", **book)


def test_the_declaration_stands_in_the_log_of_the_deposit(desk: Office) -> None:
    document_ = desk.add("document", "custodian", blobs=(desk.deposit("custodian", b"x"),))
    more = [desk.deposit("custodian", b"y")]
    with pytest.raises(Invalid, match="第三十一条"), desk.w("custodian") as w:
        items.edit(
            w, document_.id, dict(document_.data), title="改", version=None, blobs=more, declared="secret"
        )
    row = desk.audit("body.deposit")[-1]
    assert row.number == document_.number and '"declared": "none"' in row.detail


def test_an_approved_installation_takes_what_is_declared(desk: Office) -> None:
    object.__setattr__(desk.house.settings, "state_secrets_approved", True)
    try:
        made = desk.add("document", "custodian", blobs=(desk.deposit("custodian", b"x"),), declared="secret")
    finally:
        object.__setattr__(desk.house.settings, "state_secrets_approved", False)
    assert (
        deposits.files(desk_session(), made.id)
        and '"declared": "secret"' in desk.audit("body.deposit")[-1].detail
    )


def desk_session() -> Session:
    from intranet.extensions import db

    return db.session()


def test_files_brought_in_without_a_declaration_stay_out(desk: Office, tmp_path: Path) -> None:
    (tmp_path / "方案.txt").write_text("正文")
    importer = importing.Importer(
        desk.house, desk.actor("cli:import"), importing.Options("document", desk.unit("BG"), I)
    )
    for found in importing.find(tmp_path):
        importer.take(found)
    assert "声明" in importer.report.left_out[0]["reason"]


# -- folders ------------------------------------------------------------------------------------------------------
def test_a_folder_takes_the_highest_level_and_gives_it_to_what_comes_later(desk: Office, db: Session) -> None:
    case, strong, weak = folder(desk, I, "SG-1"), document(desk, level=S), document(desk)
    put(desk, (case, strong))
    put(desk, (case, weak))
    assert {db.get_one(Item, i.id, populate_existing=True).level for i in (case, strong, weak)} == {S}
    with desk.w("custodian") as w:
        bundles.take_out(w, strong.id)
    assert db.get_one(Item, case.id, populate_existing=True).level == S  # a decision lowers it, nothing else
    found = bundles.inside(db, desk.house, desk.actor("custodian"), case.id, desk.house.clock())
    assert [i.id for i in found] == [weak.id]
    assert bundles.inside(db, desk.house, desk.actor("cook"), case.id, desk.house.clock()) == []
    reasons = db.scalars(select(Revision.reason).where(Revision.item_id == case.id)).all()
    assert not any(
        i.number in reason for reason in reasons for i in (strong, weak)
    )  # nor told to whoever reads the folder


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "take_out", "level", "level", "move"]), st.integers(0, 3), st.integers(0, 3)
    ),
    min_size=3,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_no_sequence_of_acts_leaves_a_folder_or_a_place_too_weak(
    desk: Office, db: Session, acts: list[tuple[str, int, int]]
) -> None:
    """Two folders and two files; levels and places by chance; whatever is refused is refused whole."""
    places = ("GQ-1", "GZ-1", "SG-1", "BMS-1")
    cases = [folder(desk, I, "GZ-1"), folder(desk, C, "BMS-1")]
    files = [document(desk, place="BMS-1"), document(desk, level=C, place="SG-1")]
    things = [*cases, *files]
    for what, which, to in acts:
        with suppress(DomainError):
            if what == "put":
                put(desk, (cases[which % 2], files[to % 2]), "registrar")
            elif what == "take_out":
                with desk.w("registrar") as w:
                    bundles.take_out(w, files[which % 2].id)
            elif what == "level":
                desk.relevel(things[which], (I, C, S, S)[to])
            else:
                with desk.w("custodian") as w:
                    one = w.session.get_one(Item, things[which].id)
                    raw = dict(one.data) | {"place": desk.place(places[to])}
                    items.edit(w, one.id, raw, title=one.title, version=None)
        db.rollback()
        for case in cases:
            assert db.get_one(Item, case.id, populate_existing=True).level >= leveling.strongest_inside(
                db, case.id
            )
        for thing in things:
            one = db.get_one(Item, thing.id, populate_existing=True)
            assert db.get_one(Place, one.data["place"]).strength >= one.level
        weak = select(Copy.id).join(Item, Item.id == Copy.item_id).join(Place, Place.id == Copy.place_id)
        assert db.scalars(weak.where(Place.strength < Item.level)).all() == []


def test_who_decides_is_the_same_in_both_faces(desk: Office, db: Session) -> None:
    """`Policy.deciding` as SQL and APPROVAL_DECIDE for one file agree."""
    made = [register(desk, unit) for unit in ("BG", "CW", "WX")]
    for login in ("custodian", "lead", "lead_cw", "leader", "officer", "cook"):
        actor = desk.actor(login)
        asked = db.scalars(
            select(Item.id).where(desk.house.policy.deciding(actor), Item.kind == "document")
        ).all()
        assert set(asked) == {i.id for i in made if desk.may(login, Permission.APPROVAL_DECIDE, i)}
