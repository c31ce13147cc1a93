"""Coming in and going out: what a person notices when signing in, being locked out, setting a password, proving a code."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.demo import PASSWORD
from intranet.verbs import people
from tests.office import Clock, Office

As = Callable[..., FlaskClient]


def sign_in(client: FlaskClient, login: str = "lead", password: str = PASSWORD, **more: str):
    return client.post("/login", data={"login": login, "password": password, **more})


def test_the_right_password_opens_the_desk(client: FlaskClient) -> None:
    answer = sign_in(client)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert "我的工作台" in client.get("/").text


@pytest.mark.parametrize("login", ["lead", "nobody"])
def test_a_wrong_password_and_an_unknown_login_answer_alike(client: FlaskClient, login: str) -> None:
    answer = sign_in(client, login, "wrong wrong")
    assert answer.status_code == 422
    assert "登录名或密码不正确" in answer.text
    assert client.get("/").headers["Location"].startswith("/login")


def test_the_login_typed_is_kept_the_password_is_not(client: FlaskClient) -> None:
    page = sign_in(client, "lead", "a wrong secret").text
    assert 'value="lead"' in page
    assert "a wrong secret" not in page


def test_too_many_tries_lock_the_login_even_for_the_right_password(
    client: FlaskClient, clock: Clock, desk: Office
) -> None:
    for _try in range(desk.house.settings.lockout_tries):
        assert sign_in(client, password="wrong wrong").status_code == 422
    locked = sign_in(client)
    assert locked.status_code == 423
    assert "尝试次数过多" in locked.text
    clock.forward(minutes=desk.house.settings.lockout_minutes + 1)
    assert sign_in(client).status_code == 303


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "/a\r\nX: y"]
)
def test_signing_in_never_leads_off_the_site(client: FlaskClient, target: str) -> None:
    assert sign_in(client, next=target).headers["Location"] == "/"


def test_signing_in_leads_to_where_one_was_going(client: FlaskClient) -> None:
    asked = client.get("/items/notice/?q=停水").headers["Location"]
    page = client.get(asked).text.partition('class="gate-form"')[2]
    target = re.search(r'name="next" value="([^"]+)"', page)
    assert target is not None
    assert (
        sign_in(client, next=target[1].replace("&amp;", "&"))
        .headers["Location"]
        .startswith("/items/notice/?q=")
    )


def test_a_raised_epoch_ends_the_sessions_of_that_person_only(as_: As, desk: Office) -> None:
    lead, other = as_("lead"), as_("custodian")
    with desk.w("lead") as w:
        people.end_sessions(w)
    assert lead.get("/").status_code == 303
    assert other.get("/").status_code == 200


def test_signing_out_ends_this_session_and_is_recorded(as_: As, desk: Office) -> None:
    here, there = as_("lead"), as_("lead")
    assert here.get("/logout").status_code == 405
    assert here.post("/logout").headers["Location"] == "/login"
    assert here.get("/").status_code == 303
    assert there.get("/").status_code == 200
    assert [row.actor for row in desk.audit("session.end")] == ["lead"]


def test_signing_out_everywhere_ends_every_session(as_: As) -> None:
    here, there = as_("lead"), as_("lead")
    assert here.post("/logout/everywhere").status_code == 303
    assert here.get("/").status_code == 303
    assert there.get("/").status_code == 303


def test_an_idle_session_ends(as_: As, clock: Clock, desk: Office) -> None:
    client = as_("officer_cw")
    clock.forward(minutes=desk.house.settings.idle_minutes - 1)
    assert client.get("/").status_code == 200
    clock.forward(minutes=desk.house.settings.idle_minutes + 1)
    assert client.get("/").status_code == 303


# -- passwords ---------------------------------------------------------------------------------------------------
@pytest.fixture
def newcomer(desk: Office) -> str:
    with desk.w("admin") as w:
        people.create(w, login="newcomer", name="新同事", unit_id=desk.unit("BG"))
    return "newcomer"


def test_a_new_account_sets_its_password_before_anything_else(client: FlaskClient, newcomer: str) -> None:
    assert sign_in(client, newcomer, "", next="/account").headers["Location"] == "/password"
    assert client.get("/account").headers["Location"] == "/password"
    page = client.get("/password").text
    assert 'name="old"' not in page
    done = client.post("/password", data={"password": "correct horse 电池", "again": "correct horse 电池"})
    assert done.headers["Location"] == "/account"
    assert client.get("/account").status_code == 200


def test_an_account_without_a_password_does_not_open_to_any_password(
    client: FlaskClient, newcomer: str
) -> None:
    assert sign_in(client, newcomer, "anything at all").status_code == 422


def change(client: FlaskClient, old: str = PASSWORD, new: str = "correct horse 电池", again: str = ""):
    return client.post("/password", data={"old": old, "password": new, "again": again or new})


def test_changing_the_password_keeps_this_session_and_ends_the_others(as_: As) -> None:
    here, there = as_("lead"), as_("lead")
    assert change(here).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"old": "not the old one"}, "原密码不正确"),
        ({"again": "something else"}, "两次输入的密码不一致"),
        ({"new": "short"}, "密码至少"),
        ({"new": "lead is my login"}, "密码过于简单"),
        ({"new": PASSWORD}, "新密码不能与原密码相同"),
    ],
)
def test_a_password_that_may_not_be_set_is_told_why(as_: As, sent: dict[str, str], said: str) -> None:
    answer = change(as_("lead"), **sent)
    assert answer.status_code == 422
    assert said in answer.text


def test_guessing_the_old_password_from_an_open_session_is_locked(as_: As, desk: Office) -> None:
    client = as_("lead")
    for _try in range(desk.house.settings.lockout_tries):
        assert change(client, old="not the old one").status_code == 422
    assert change(client).status_code == 423


# -- second factor -------------------------------------------------------------------------------------------------
def enrol(client: FlaskClient, clock: Clock) -> str:
    """Bind an authenticator; returns its secret."""
    page = client.get("/factor").text
    found = re.search(r'class="secret-code">([A-Z2-7 ]+)<', page)
    assert found is not None and "<svg" in page
    secret = found[1].replace(" ", "")
    answer = client.post("/factor", data={"code": code(secret, clock)})
    assert answer.status_code == 303
    return secret


def code(secret: str, clock: Clock) -> str:
    return pyotp.TOTP(secret).at(int(clock().timestamp()))


def test_an_authenticator_is_bound_by_its_first_code(as_: As, clock: Clock, db: Session) -> None:
    client = as_("custodian")
    assert "绑定验证器" in client.get("/account").text
    enrol(client, clock)
    assert "验证器已绑定" in client.get("/account").text


def test_a_wrong_first_code_binds_nothing_and_shows_the_same_secret(as_: As) -> None:
    client = as_("custodian")
    before = client.get("/factor").text
    answer = client.post("/factor", data={"code": "000000"})
    assert answer.status_code == 422
    shown = re.compile(r'class="secret-code">([A-Z2-7 ]+)<')
    assert shown.findall(before) == shown.findall(answer.text) != []


def test_a_code_opens_once_and_leads_on(as_: As, clock: Clock) -> None:
    client = as_("custodian")
    secret = enrol(client, clock)
    clock.forward(minutes=11)
    assert "刚刚验证过" not in client.get("/account").text
    right = {"code": code(secret, clock), "next": "/items/document/"}
    assert client.post("/factor", data=right).headers["Location"] == "/items/document/"
    assert "刚刚验证过" in client.get("/account").text
    assert client.post("/factor", data=right).status_code == 422


def test_guessing_codes_is_locked(as_: As, clock: Clock, desk: Office) -> None:
    client = as_("custodian")
    secret = enrol(client, clock)
    clock.forward(minutes=1)
    for _try in range(desk.house.settings.lockout_tries):
        client.post("/factor", data={"code": "000000"})
    assert client.post("/factor", data={"code": code(secret, clock)}).status_code == 423


# -- language and colours --------------------------------------------------------------------------------------------
def test_the_language_changes_before_signing_in_and_stays(client: FlaskClient) -> None:
    assert 'lang="zh-CN"' in client.get("/login").text
    assert client.post("/language", data={"language": "en", "next": "/login"}).headers["Location"] == "/login"
    page = client.get("/login").text
    assert '<html lang="en"' in page and "Logistics Office" in page


def test_a_persons_language_follows_them_to_another_browser(as_: As) -> None:
    as_("lead").post("/language", data={"language": "en"})
    assert '<html lang="en"' in as_("lead").get("/").text


def test_a_language_that_there_is_not_changes_nothing(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "xx", "next": "//evil.example"})
    assert answer.headers["Location"] == "/"
    assert "Set-Cookie" not in answer.headers or "language=xx" not in answer.headers["Set-Cookie"]


def test_dark_pages_are_dark_without_scripts(as_: As) -> None:
    client = as_("lead")
    assert 'data-theme="auto"' in client.get("/").text
    client.post("/theme", data={"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/").text


def test_one_sees_ones_own_standing(as_: As) -> None:
    page = as_("custodian").get("/account").text
    assert "保管员" in page and "机密" in page and "陆静文" in page
