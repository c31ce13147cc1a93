"""Signing in: who gets in, who is locked out, and that a code is good once."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from intranet import demo
from intranet.errors import Conflict, Invalid, Locked
from intranet.verbs import access, people
from tests.office import Clock, Office


def _enter(desk: Office, login: str, password: str = demo.PASSWORD, origin: str = "10.0.0.1") -> str:
    return access.sign_in(desk.house, login, password, origin).login


def test_the_right_password_gets_in_however_the_login_is_written(desk: Office) -> None:
    assert _enter(desk, " Cook ") == "cook"
    assert desk.audit("session.start")[-1].actor == "cook"


def test_a_wrong_password_and_an_unknown_login_are_told_alike(desk: Office) -> None:
    told = []
    for login in ("cook", "nobody"):
        with pytest.raises(Invalid) as refused:
            _enter(desk, login, "wrong")
        told.append(str(refused.value))
    assert told[0] == told[1]
    assert [a.outcome for a in desk.audit("session.refused")] == ["refused", "refused"]


def test_after_five_wrong_tries_even_the_right_one_waits(desk: Office, clock: Clock) -> None:
    for _i in range(5):
        with pytest.raises(Invalid):
            _enter(desk, "cook", "wrong")
    with pytest.raises(Locked):
        _enter(desk, "cook")
    assert _enter(desk, "driver") == "driver"  # others are not locked with them
    clock.forward(minutes=16)
    assert _enter(desk, "cook") == "cook"


def test_a_right_one_sets_the_count_back(desk: Office) -> None:
    for _round in range(2):
        for _i in range(4):
            with pytest.raises(Invalid):
                _enter(desk, "cook", "wrong")
        _enter(desk, "cook")


def test_many_logins_tried_from_one_place_lock_the_place(desk: Office) -> None:
    for n in range(50):
        with pytest.raises(Invalid):
            _enter(desk, f"guess{n}", "wrong", "10.9.9.9")
    with pytest.raises(Locked):
        _enter(desk, "cook", origin="10.9.9.9")
    assert _enter(desk, "cook", origin="10.0.0.2") == "cook"


def test_a_disabled_account_does_not_get_in(desk: Office) -> None:
    with desk.w("admin") as w:
        people.disable(w, desk.person("driver").id)
    with pytest.raises(Invalid):
        _enter(desk, "driver")


def _enrolled(desk: Office, clock: Clock, login: str = "custodian") -> pyotp.TOTP:
    totp = pyotp.TOTP(access.new_factor())
    with desk.w(login) as w:
        access.enrol(w, totp.secret, totp.at(clock.now))
    return totp


def test_a_code_is_good_once_and_near_its_time_only(desk: Office, clock: Clock) -> None:
    totp = _enrolled(desk, clock)

    def tried(code: str) -> bool:
        with desk.w("custodian") as w:
            return access.second_factor(w, code)

    assert not tried(totp.at(clock.now))  # used to enrol
    clock.forward(seconds=60)
    assert tried(totp.at(clock.now))
    assert not tried(totp.at(clock.now))
    late = totp.at(clock.now + timedelta(seconds=120))
    clock.forward(seconds=600)
    assert not tried(late)


def test_wrong_codes_lock(desk: Office, clock: Clock) -> None:
    totp = _enrolled(desk, clock)
    clock.forward(seconds=60)
    for _i in range(5):
        with desk.w("custodian") as w:
            assert not access.second_factor(w, "000000")
    with pytest.raises(Locked), desk.w("custodian") as w:
        access.second_factor(w, totp.at(clock.now))


def test_a_second_authenticator_needs_the_first_removed(desk: Office, clock: Clock) -> None:
    _enrolled(desk, clock)
    with pytest.raises(Conflict):
        _enrolled(desk, clock)


def test_the_secret_of_an_authenticator_is_not_in_the_table_in_clear(desk: Office, clock: Clock) -> None:
    totp = _enrolled(desk, clock)
    kept = desk.person("custodian").totp
    assert kept
    assert totp.secret not in kept


def test_a_wrong_first_code_enrols_nothing(desk: Office) -> None:
    with pytest.raises(Invalid), desk.w("custodian") as w:
        access.enrol(w, access.new_factor(), "12345")
    assert desk.person("custodian").totp == ""
