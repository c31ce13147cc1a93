"""`audit verify` and `audit export`: a log that was touched by hand is found out, here and by a third party."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from intranet.extensions import db as database
from intranet.jobs import heads
from intranet.models import Audit
from tests import office
from tests.office import Office
from vault import chain


@pytest.fixture
def log(app: Flask, desk: Office) -> list[Audit]:
    """Some rows of every sort, and the head kept outside as the worker does."""
    item = desk.add("notice", "officer")
    desk.step(item, "officer", "submit")
    assert heads.keep(desk.house)
    return desk.audit("item.create")


@pytest.fixture
def run(app: Flask) -> Callable[..., tuple[int, Any]]:
    def command(*words: str) -> tuple[int, Any]:
        result = app.test_cli_runner().invoke(args=["audit", *words, "--json"])
        return result.exit_code, json.loads(result.stdout)

    return command


def by_hand(desk: Office, *statements: str) -> None:
    """Somebody with the database file and no product."""
    path = desk.house.settings.sqlite
    if path is None:
        pytest.skip("the database is a server")
    office.unguarded()
    database.session.rollback()  # what the command reads next is read anew, as by a process of its own
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_a_whole_log(run: Any, log: list[Audit]) -> None:
    code, report = run("verify")
    assert (code, report["ok"]) == (0, True)
    assert report["count"] == report["head"]["seq"] > 5


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'nobody'", "at = '2026-01-01T00:00:00.000+00:00'", "action = 'item.view'", "outcome = 'refused'",
        "number = 'TZ-1'", "level = 4", "item = 99", "unit = 99", "detail = '{}'", "origin = 'elsewhere'", "request = 'x'",
    ],
)  # fmt: skip
def test_any_change_to_any_column(run: Any, desk: Office, log: list[Audit], change: str) -> None:
    seq = log[-1].seq
    by_hand(desk, f"UPDATE audit SET {change} WHERE seq = {seq}")
    code, report = run("verify")
    assert (code, report["ok"], report["first_bad"], report["why"]) == (1, False, seq, chain.CHANGED)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["DELETE FROM audit WHERE seq = 3"], chain.DROPPED),
        (["UPDATE audit SET seq = -3 WHERE seq = 3", "UPDATE audit SET seq = 3 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = -3"], chain.UNLINKED),
        (["DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"], chain.CUT),
        (["DELETE FROM audit"], chain.CUT),
    ],
)  # fmt: skip
def test_rows_gone_or_moved(
    run: Any, desk: Office, log: list[Audit], statements: list[str], why: str
) -> None:
    by_hand(desk, *statements)
    code, report = run("verify")
    assert (code, report["why"]) == (1, why)


def test_a_tail_cut_cleverly_contradicts_the_kept_head(run: Any, desk: Office, log: list[Audit]) -> None:
    last = "(SELECT max(seq) FROM audit)"
    by_hand(
        desk,
        f"DELETE FROM audit WHERE seq = {last}",
        f"UPDATE chain_head SET seq = {last}, hash = (SELECT hash FROM audit WHERE seq = {last})",
    )
    assert run("verify")[1]["why"] == chain.CUT
    heads.path(desk.house).unlink()
    assert run("verify")[0] == 0, "without the head outside the database nobody could tell"


def test_an_export_proves_itself_elsewhere(run: Any, desk: Office, log: list[Audit], tmp_path: Path) -> None:
    target, program = tmp_path / "log.jsonl", tmp_path / "elsewhere" / "chain.py"
    assert run("export", "--to", str(target))[0] == 0
    assert target.stat().st_mode & 0o077 == 0
    program.parent.mkdir()
    shutil.copy(chain.__file__, program)

    def check(file: Path) -> int:
        words = [sys.executable, "-I", str(program), str(file)]
        return subprocess.run(words, cwd=program.parent, capture_output=True, check=False).returncode

    assert check(target) == 0 == run("verify", str(target))[0]
    lines = target.read_bytes().splitlines(keepends=True)
    for n, broken in enumerate(
        (lines[:-1], [*lines[:2], *lines[3:]], [lines[0].replace(b'"count":', b'"count":1'), *lines[1:]])
    ):
        spoilt = tmp_path / f"spoilt-{n}.jsonl"
        spoilt.write_bytes(b"".join(broken))
        assert check(spoilt) == 1 == run("verify", str(spoilt))[0]
