"""People: everybody finds everybody, three officers each keep their own part (三员分立)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Person, Role
from intranet.verbs import loans
from intranet.web.people import start_password
from tests.office import Office

As = Callable[..., FlaskClient]


def held(db: Session, person: Person) -> set[tuple[str, int | None]]:
    db.rollback()
    return {(r.role, r.unit_id) for r in db.scalars(select(Role).where(Role.person_id == person.id))}


# -- the directory -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["石大川", "大川", "shidachuan", "sdc", "PLUMBER"])
def test_somebody_is_found_by_name_pinyin_or_login(as_: As, typed: str) -> None:
    page = as_("cook").get("/people/", query_string={"q": typed}).text
    assert "石大川" in page and "顾怀瑾" not in page


def test_a_sign_that_means_anything_means_itself(as_: As) -> None:
    assert "没有找到" in as_("cook").get("/people/?q=%25").text


def test_a_unit_with_all_below_it(as_: As, desk: Office) -> None:
    page = as_("cook").get(f"/people/?unit={desk.unit('WX')}").text
    assert "梁铁生" in page and "石大川" in page and "汤春和" not in page


def test_standing_is_the_officers_business(as_: As) -> None:
    assert "可接触密级" not in as_("cook").get("/people/").text.partition('id="people"')[2]
    assert "可接触密级" in as_("security").get("/people/").text.partition('id="people"')[2]


def test_as_one_types_only_the_rows_come(as_: As) -> None:
    page = as_("cook").get("/people/?q=sdc", headers={"HX-Request": "true"}).text
    assert "石大川" in page and "<html" not in page


def test_the_directory_turns_its_pages(as_: As, desk: Office, db: Session) -> None:
    for n in range(70):
        db.add(
            Person(
                login=f"p{n:03}",
                name=f"某人{n:03}",
                pinyin=f"mouren{n:03}",
                unit_id=1,
                created=desk.house.clock(),
            )
        )
    db.commit()
    browser, seen, url = as_("cook"), list[str](), "/people/?q=某人"
    while url:
        page = browser.get(url).text
        seen += [line.split("<")[0] for line in page.split('">') if line.startswith("某人")]
        url = (
            page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
            if 'rel="next"' in page
            else ""
        )
    assert seen == [f"某人{n:03}" for n in range(70)]


@pytest.mark.parametrize("login", ["backup"])
def test_who_only_moves_sealed_things_needs_no_directory(as_: As, login: str) -> None:
    assert as_(login).get("/people/").status_code == 403


def test_who_left_is_seen_by_the_officers_only(as_: As, desk: Office, db: Session) -> None:
    person = desk.person("temp")
    person.active = False
    db.commit()
    assert as_("cook").get(f"/people/{person.id}").status_code == 404
    assert "已停用" in as_("admin").get(f"/people/{person.id}").text


# -- accounts ----------------------------------------------------------------------------------------------------
def test_an_account_starts_low(as_: As, desk: Office, db: Session) -> None:
    browser = as_("admin")
    form = {"login": "new.one", "name": "新同事", "unit": str(desk.unit("CW")), "password": start_password()}
    assert browser.post("/people/new", data=form).status_code == 303
    db.rollback()
    person = desk.person("new.one")
    assert (person.clearance, person.must_change, held(db, person)) == (1, True, set())


def test_a_mistake_keeps_what_was_typed(as_: As) -> None:
    page = as_("admin").post(
        "/people/new", data={"login": "cook", "name": "重名者", "unit": "", "password": "abc"}
    )
    assert page.status_code == 422
    assert 'value="重名者"' in page.text and "登录名已被使用" in page.text


@pytest.mark.parametrize("login", ["security", "auditor", "lead", "backup"])
def test_nobody_else_makes_accounts(as_: As, login: str) -> None:
    assert as_(login).get("/people/new").status_code == 403
    assert as_(login).post("/people/new", data={"login": "x"}).status_code == 403


def test_facts_are_changed(as_: As, desk: Office, db: Session) -> None:
    cook = desk.person("cook")
    form = {"name": "姜小禾", "unit": str(desk.unit("EST")), "title": "厨师", "phone": "8000"}
    assert as_("admin").post(f"/people/{cook.id}", data=form).status_code == 303
    db.rollback()
    assert (cook.title, cook.phone, cook.unit_id) == ("厨师", "8000", desk.unit("EST"))


def test_a_reset_ends_every_session(as_: As, desk: Office) -> None:
    browser, cook = as_("cook"), desk.person("cook")
    assert browser.get("/people/").status_code == 200
    assert (
        as_("admin").post(f"/people/{cook.id}/password", data={"password": start_password()}).status_code
        == 303
    )
    assert "/login" in browser.get("/people/").location


def test_leaving_with_a_document_in_hand_is_refused_in_place(as_: As, desk: Office, db: Session) -> None:
    cook, item = desk.person("cook"), desk.add("document", "custodian", title="秘密题名")
    with desk.w("cook") as w:
        loan = loans.apply(w, item.id, purpose="用", until=w.today)
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    page = as_("admin").post(f"/people/{cook.id}/disable")
    assert page.status_code == 409 and "1 件未清" in page.text
    assert "未还清的借阅" in page.text  # how many of what, never which
    assert item.number not in page.text and "秘密题名" not in page.text
    db.rollback()
    assert cook.active


def test_nobody_shuts_himself_out(as_: As, desk: Office) -> None:
    assert as_("admin").post(f"/people/{desk.person('admin').id}/disable").status_code == 409


# -- standing ----------------------------------------------------------------------------------------------------
def test_the_security_officer_gives_and_takes(as_: As, desk: Office, db: Session) -> None:
    person, wx = desk.person("lead_wx"), desk.unit("WX")
    form = {"clearance": "3", "role": [f"lead@{wx}"], "add_role": "custodian", "add_unit": ""}
    assert as_("security").post(f"/people/{person.id}/standing", data=form).status_code == 303
    assert held(db, person) == {("lead", wx), ("custodian", None)}
    as_("security").post(f"/people/{person.id}/standing", data={"clearance": "2", "role": ["custodian@"]})
    assert held(db, person) == {("custodian", None)} and person.clearance == 2


@pytest.mark.parametrize("login", ["admin", "auditor", "lead", "leader"])
def test_no_other_officer_sets_standing(as_: As, desk: Office, db: Session, login: str) -> None:
    cook = desk.person("cook")
    answer = as_(login).post(f"/people/{cook.id}/standing", data={"clearance": "4", "add_role": "leader"})
    assert answer.status_code == 403 and held(db, cook) == set()


def test_not_even_the_security_officer_for_himself(as_: As, desk: Office, db: Session) -> None:
    me = desk.person("security")
    answer = as_("security").post(
        f"/people/{me.id}/standing", data={"clearance": "4", "role": "security_officer@"}
    )
    assert answer.status_code == 403
    db.rollback()
    assert me.clearance == 1
    assert 'name="clearance"' not in as_("security").get(f"/people/{me.id}").text


@pytest.mark.parametrize(
    ("login", "form", "words"),
    [
        ("auditor", {"clearance": "1", "role": ["auditor@"], "add_role": "sysadmin"}, "同一人"),
        ("backup", {"clearance": "2", "role": ["backup_operator@"]}, "只能为“公开”"),
        ("cook", {"clearance": "9"}, "请从列表中选择"),
        ("cook", {"clearance": "1", "add_role": "king"}, "没有这个角色"),
        ("cook", {"clearance": "1", "add_role": "staff"}, "没有这个角色"),
    ],
)
def test_what_must_not_be_one_person_is_refused(
    as_: As, desk: Office, login: str, form: dict[str, str], words: str
) -> None:
    page = as_("security").post(f"/people/{desk.person(login).id}/standing", data=form)
    assert page.status_code == 422 and words in page.text


def test_everybody_else_sees_the_card_only(as_: As, desk: Office) -> None:
    page = as_("cook").get(f"/people/{desk.person('custodian').id}").text
    assert "陆静文" in page and "8970" in page
    for word in ("机密", "保管员", '<form class="card', "三员分立", "custodian<"):
        assert word not in page.partition("<main")[2]
