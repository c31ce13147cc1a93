"""Places: a tree whose strengths follow it, in which no copy ever stands too weakly, and that tells nobody what it holds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, DomainError
from intranet.extensions import db as database
from intranet.models import Copy, Item, Place
from intranet.verbs import items, places, placing
from intranet.verbs.copies import LIVING
from tests.office import Office
from vault.levels import Level


def strength(db: Session, code: str) -> int:
    db.rollback()
    return db.scalars(select(Place.strength).where(Place.code == code)).one()


def test_what_stands_in_a_strong_place_is_as_strong_and_no_longer_when_it_is_taken_out(
    desk: Office, db: Session
) -> None:
    with desk.w("admin") as w:
        places.add(w, "r1", "机要室", 4, desk.unit("BG"), form="room")
        places.add(w, "C1", "木柜", 2, desk.unit("BG"), parent="R1")
        places.add(w, "S1", "一层", 1, desk.unit("BG"), form="shelf", parent="C1")
    assert (strength(db, "C1"), strength(db, "S1")) == (4, 4)
    with desk.w("admin") as w:
        places.move(w, "C1", "")
    assert (strength(db, "C1"), strength(db, "S1")) == (2, 2)
    with desk.w("admin") as w:
        places.strengthen(w, "C1", 3)
    assert (strength(db, "C1"), strength(db, "S1")) == (3, 3)
    assert [(n.place.code, n.depth) for n in places.tree(db) if n.place.code in ("C1", "S1")] == [("C1", 0), ("S1", 1)]  # fmt: skip


def test_a_place_is_renamed_retired_when_empty_and_restored(desk: Office, db: Session) -> None:
    with desk.w("custodian") as w:
        places.rename(w, "GZ-1", "办公室铁皮柜")
        places.retire(w, "GZ-1")
    assert "GZ-1" not in {n.place.code for n in places.tree(db)}
    with desk.w("custodian") as w:
        places.restore(w, "GZ-1")
    assert len(desk.audit("place.rename") + desk.audit("place.retire") + desk.audit("place.restore")) == 3


@pytest.mark.parametrize(
    ("login", "level", "told"),
    [("custodian", Level.CONFIDENTIAL, True), ("admin", Level.CONFIDENTIAL, False), ("custodian", Level.TOPSECRET, False)],
)  # fmt: skip
def test_a_refusal_names_only_what_may_be_known(desk: Office, login: str, level: Level, told: bool) -> None:
    item = desk.add("document", "registrar", level=level)
    code = "GZ-1" if level is Level.CONFIDENTIAL else "BMS-1"
    with pytest.raises(Conflict) as refused, desk.w(login) as w:
        places.strengthen(w, code, 1)
    assert (item.number in str(refused.value.why)) is told
    assert "按保管规定" in str(refused.value.why)


def test_copies_are_put_elsewhere_one_by_one_and_the_last_one_takes_the_file_along(
    desk: Office, db: Session
) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL, copies="2")
    with desk.w("custodian") as w:
        placing.put(w, item.id, "SG-1", [2])
    db.rollback()
    assert db.get_one(Item, item.id).data["place"] == desk.place("GZ-1")
    with desk.w("custodian") as w:
        placing.put(w, item.id, "SG-1", reason="并柜")
    db.rollback()
    assert db.get_one(Item, item.id).data["place"] == desk.place("SG-1")
    assert set(db.scalars(select(Copy.place_id).where(Copy.item_id == item.id))) == {desk.place("SG-1")}
    assert ['"copies": [2]' in row.detail for row in desk.audit("copy.move")] == [True, False]


STEP = st.tuples(
    st.sampled_from(["add", "strength", "move", "register", "put", "edit", "retire"]),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(1, 4),
    st.sampled_from(["admin", "custodian", "registrar"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(STEP, min_size=6, max_size=22))
def test_no_living_copy_ever_stands_below_its_level(desk: Office, steps: list[tuple[str, int, int, int, str]]) -> None:  # fmt: skip
    """Whoever does what in which order; what the rule refuses is refused, and the rest keeps it."""
    tag = database.session.query(Place).count()
    unit, made, files = desk.unit("HQ"), [f"P{tag}-{n}" for n in range(6)], []
    with desk.w("admin") as w:  # 保密室, in it a cabinet, in that a shelf: both weaker by themselves
        places.add(w, made[0], "室", 4, unit, form="room")
        places.add(w, made[1], "柜", 2, unit, parent=made[0])
        places.add(w, made[2], "层", 1, unit, form="shelf", parent=made[1])
        places.add(w, made[3], "室外柜", 3, unit)
    done: list[str] = []
    refused: list[str] = []
    for what, a, b, n, login in steps:
        try:
            with desk.w("registrar" if what in ("register", "put", "edit") else login) as w:
                match what:
                    case "add":
                        form = places.FORMS[n % 3]
                        places.add(w, made[a], "场所", n, unit, form=form, parent=made[b] if b != a else "")
                    case "strength":
                        places.strengthen(w, made[a], n)
                    case "move":
                        places.move(w, made[a], made[b] if b != a else "")
                    case "retire":
                        places.retire(w, made[a])
                    case "register":
                        raw = {
                            "author": "周砚秋",
                            "dated": "2026-11-01",
                            "retention": "y10",
                            "frequency": "low",
                            "copies": "2",
                        }
                        at = places.by_code(w.session, made[a]).id
                        kind = w.house.kinds["document"]
                        item = items.create(
                            w, kind, raw | {"place": str(at)}, title="件", unit_id=unit, level=Level(n)
                        )
                        files.append(item.id)
                    case "put" if files:
                        placing.put(w, files[b % len(files)], made[a], None if n > 2 else [n])
                    case "edit" if files:
                        item = w.session.get_one(Item, files[b % len(files)])
                        raw = dict(item.data) | {"place": str(places.by_code(w.session, made[a]).id)}
                        items.edit(w, item.id, raw, title=item.title, version=None)
            done.append(what)
        except DomainError:
            refused.append(what)
            database.session.rollback()
        rows = select(Item.level, Place.strength, Place.active).join(Copy, Copy.item_id == Item.id)
        stands = rows.join(Place, Place.id == Copy.place_id).where(Copy.state.in_(LIVING))
        for level, strong, active in database.session.execute(stands):
            assert strong >= level and active, (what, a, b, n, login)
        around = {p.id: p for p in database.session.scalars(select(Place))}
        for p in around.values():
            assert p.strength == max(p.own, around[p.parent_id].strength if p.parent_id else 0)
        database.session.rollback()
    target(float(len(set(done))), label="steps that were done")
    target(float(len(set(refused))), label="steps that were refused")
