"""The office's own lists: kept by the system administrator, never emptied by mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Place, Repository, RepositoryUnit, Term, Unit
from tests.office import Office

As = Callable[..., FlaskClient]


@pytest.fixture
def admin(as_: As) -> FlaskClient:
    return as_("admin")


@pytest.mark.parametrize("login", ["security", "auditor", "lead", "backup", "cook"])
def test_for_the_administrator_only(as_: As, login: str) -> None:
    assert as_(login).get("/office/").status_code == 403
    assert as_(login).post("/office/term", data={"title": "新词"}).status_code == 403


def test_all_four_lists_stand_on_one_page(admin: FlaskClient) -> None:
    page = admin.get("/office/").text
    for word in (
        'id="unit"',
        'id="term"',
        'id="repository"',
        'id="place"',
        "水电维修班",
        "应急预案",
        "采购与合同库",
        "保密室",
    ):
        assert word in page


@pytest.mark.parametrize(
    ("what", "form", "model"),
    [
        ("unit", {"code": "sc", "title": "第三食堂", "parent": "ST", "name_en": "Third Canteen"}, Unit),
        ("term", {"title": "招标文件"}, Term),
        ("repository", {"code": "zb", "title": "招标库"}, Repository),
        ("place", {"code": "SG-9", "title": "锁柜 9 号", "strength": "3", "unit": "1"}, Place),
    ],
)
def test_a_row_is_added(
    admin: FlaskClient, db: Session, what: str, form: dict[str, str], model: type
) -> None:
    before = len(db.scalars(select(model)).all())
    answer = admin.post(f"/office/{what}", data=form)
    assert (answer.status_code, answer.location) == (303, f"/office/#{what}")
    db.rollback()
    assert len(db.scalars(select(model)).all()) == before + 1
    assert form["title"] in admin.get("/office/").text


@pytest.mark.parametrize(
    ("what", "form", "status"),
    [
        ("unit", {"code": "X1", "title": "没有上级", "parent": ""}, 422),
        ("unit", {"code": "X1", "title": "没有上级", "parent": "??"}, 422),
        ("unit", {"code": "食堂", "title": "代码不对", "parent": "ST"}, 422),
        ("unit", {"code": "ST", "title": "代码重复", "parent": "HQ"}, 409),
        ("term", {"title": "  "}, 422),
        ("repository", {"code": "CG", "title": "代码重复"}, 409),
        ("repository", {"code": "", "title": "没有代码"}, 422),
        ("place", {"code": "Z", "title": "没有种类", "strength": "", "unit": "1"}, 422),
        ("place", {"code": "Z", "title": "种类不对", "strength": "9", "unit": "1"}, 422),
        ("place", {"code": "Z", "title": "没有单位", "strength": "1", "unit": "999"}, 422),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    admin: FlaskClient, what: str, form: dict[str, str], status: int
) -> None:
    page = admin.post(f"/office/{what}", data=form)
    assert page.status_code == status
    section = page.text.partition(f'<section class="list-part" id="{what}"')[2].partition("</section>")[0]
    assert "field-error" in section
    assert f'value="{form["title"]}"' in section


def test_a_word_is_retired_and_restored(admin: FlaskClient, db: Session) -> None:
    term = db.scalars(select(Term).where(Term.title == "应急预案")).one()
    assert admin.post(f"/office/term/{term.id}/retire").status_code == 303
    db.rollback()
    assert not term.active and "已停用 1 个" in admin.get("/office/").text
    assert admin.post(f"/office/term/{term.id}/restore").status_code == 303
    db.rollback()
    assert term.active


def test_readers_are_set(admin: FlaskClient, db: Session, desk: Office, as_: As) -> None:
    shelf = db.scalars(select(Repository).where(Repository.code == "SB")).one()
    admin.post(f"/office/repository/{shelf.id}", data={"open": "0", "unit": [desk.unit("WX")]})
    db.rollback()
    readers = set(db.scalars(select(RepositoryUnit.unit_id).where(RepositoryUnit.repository_id == shelf.id)))
    assert not shelf.open and readers == {desk.unit("WX")}
    assert shelf.id in desk.actor("plumber").repositories
    assert shelf.id not in desk.actor("cook").repositories
    admin.post(
        f"/office/repository/{shelf.id}", data={"open": "0", "unit": [desk.unit("WX"), desk.unit("ST")]}
    )
    db.rollback()
    assert shelf.id in desk.actor("cook").repositories
    admin.post(f"/office/repository/{shelf.id}", data={"open": "1"})
    db.rollback()
    assert shelf.open and shelf.id in desk.actor("driver").repositories


@pytest.mark.parametrize("units", [[], ["999"], ["x"]])
def test_a_repository_that_nobody_could_read_is_refused(
    admin: FlaskClient, db: Session, units: list[str]
) -> None:
    shelf = db.scalars(select(Repository).where(Repository.code == "SB")).one()
    page = admin.post(f"/office/repository/{shelf.id}", data={"open": "0", "unit": units})
    assert page.status_code == 422 and "请至少勾选一个单位" in page.text
    db.rollback()
    assert shelf.open
