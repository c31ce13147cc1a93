"""A key on paper: split, rehearsed, joined, and of use to the `age` program; no word of it stays behind."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from shamir_mnemonic.wordlist import WORDLIST
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.cli.sheets import Sheet, page
from intranet.cli.vault_shares import in_memory
from intranet.extensions import Base
from intranet.house import House
from intranet.models import Audit
from tests.conftest import Make
from tests.office import NOON, Clock, Office
from vault import shares
from vault.age import HybridIdentity, X25519Identity, generate_identity
from vault.keyring import Keyring, key_id
from vault.levels import Level
from vault.vault import Vault

BODY = "供热主管第三段须在采暖期前更换。".encode()


OWN_WORDS = {"kind", "level", "object", "secret"}
"""Words of our own messages that are in the list of SLIP-39 as well."""


class Paper(HTMLParser):
    """What a sheet says: its words by number, and the program to be typed from it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.program = ""
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in ("li", "b", "pre"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if self.inside[-1:] == ["pre"]:
            self.program += data
        elif self.inside[-1:] == ["b"]:
            assert int(data) == len(self.words) + 1
        elif self.inside[-1:] == ["li"] and data.strip():
            self.words.append(data.strip())


def run(app: Flask, *words: str, code: int = 0, typed: str = "") -> Any:
    done = app.test_cli_runner().invoke(args=[*words, "--json"], input=typed)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def split(app: Flask, folder: Path, level: str = "secret", n: int = 5, k: int = 3) -> list[str]:
    made = run(app, "vault", "split", level, "--shares", f"{n}", "--threshold", f"{k}", "--to", str(folder))
    return [" ".join(Paper(Path(file).read_text("utf-8")).words) for file in made["files"]]


def mistyped(line: str) -> str:
    """The line with its last word, a part of the checksum, another one of the list."""
    *others, last = line.split()
    return " ".join([*others, "academic" if last != "academic" else "acid"])


def age(*words: str) -> bytes:
    if shutil.which("age") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("age is missing: apt-get install age")
        pytest.skip("age is missing: apt-get install age")
    return subprocess.run(["age", *words], capture_output=True, check=True).stdout


def test_the_key_goes_to_paper_and_back_to_a_file_that_age_takes(
    app: Flask, desk: Office, db: Session, keyring: Keyring, tmp_path: Path
) -> None:
    blob = desk.deposit("custodian", BODY, "评估.txt", Level.CONFIDENTIAL)
    number = desk.add("document", "custodian", level=Level.CONFIDENTIAL, blobs=(blob,)).number
    run(app, "vault", "export", number, "--to", str(tmp_path / "out.age"))

    lines = split(app, tmp_path / "sheets", "confidential")
    assert stat.S_IMODE((tmp_path / "sheets").stat().st_mode) == 0o700
    files = sorted((tmp_path / "sheets").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 5
    held = tmp_path / "typed.txt"
    held.write_text("\n\n".join(lines[1:4]))
    proof = run(app, "vault", "rehearse", "confidential", "--from", str(held))
    assert (proof["threshold"], proof["sheets"], proof["refused"]) == (3, 3, 3)
    piped = "\n".join(lines[2:]).upper()
    run(app, "vault", "join", "confidential", "--to", str(tmp_path / "back.key"), typed=piped)
    assert stat.S_IMODE((tmp_path / "back.key").stat().st_mode) == 0o600
    assert age("-d", "-i", str(tmp_path / "back.key"), str(tmp_path / "out.age")) == BODY

    again = run(app, "vault", "join", "confidential", "--to", str(tmp_path / "back.key"), code=1, typed=piped)
    assert again["error"] == "exists"
    kid = key_id(keyring.recipients(Level.CONFIDENTIAL))
    for action, facts in {
        "vault.split": {"threshold": 3, "sheets": 5},
        "vault.rehearse": {"threshold": 3, "sheets": 3},
        "vault.join": {},
    }.items():
        (row,) = desk.audit(action)
        assert row.outcome == "ok" and row.level == Level.CONFIDENTIAL
        assert json.loads(row.detail) == {"level": "confidential", "key_id": kid} | facts


@pytest.mark.parametrize(
    ("slip", "kind", "says"),
    [
        (lambda s: [s[0], s[1].replace(s[1].split()[9], "zzzz", 1), s[2]], "NotAShare", "sheet 2"),
        (lambda s: [s[0], mistyped(s[1]), s[2]], "Mistyped", "sheet 2"),
        (lambda s: s[:2], "TooFewSheets", "2 of 3"),
        (lambda s: [s[0], s[1], s[1]], "TooFewSheets", "2 of 3"),
        (lambda s: [], "TooFewSheets", "no sheet"),
    ],
)
def test_a_slip_is_named_and_writes_no_key(
    app: Flask, desk: Office, db: Session, tmp_path: Path, slip: Any, kind: str, says: str
) -> None:
    lines = split(app, tmp_path / "sheets")
    typed = "\n".join(slip(lines))
    for command in (["rehearse", "secret"], ["join", "secret", "--to", str(tmp_path / "x.key")]):
        refused = run(app, "vault", *command, code=1, typed=typed)
        assert refused["kind"] == kind and says in refused["error"]
        (row,) = desk.audit(f"vault.{command[0]}")
        assert (row.outcome, json.loads(row.detail)["why"]) == ("refused", kind)
    assert not (tmp_path / "x.key").exists()


def test_the_sheets_of_another_level_are_refused(app: Flask, tmp_path: Path) -> None:
    lines = split(app, tmp_path / "sheets", "secret", 2, 2)
    done = app.test_cli_runner().invoke(args=["vault", "rehearse", "topsecret"], input="\n".join(lines))
    assert done.exit_code == 1 and "分片不属于这一密级" in done.stderr
    assert run(app, "vault", "rehearse", "backup", code=1, typed="\n".join(lines))["kind"] == "WrongIdentity"


def test_no_word_of_a_sheet_stays_behind(
    app: Flask, house: House, db: Session, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = split(app, tmp_path / "sheets")
    slips = (lines, lines[:2], [mistyped(lines[0]), *lines[1:]], [f"{lines[0]} extra", *lines[1:]])
    said = [
        app.test_cli_runner()
        .invoke(args=["vault", "rehearse", "secret", *more], input="\n".join(typed))
        .output
        for typed in slips
        for more in ([], ["--json"])
    ]
    run(app, "vault", "join", "secret", "--to", str(tmp_path / "back.key"), typed="\n".join(lines))
    logs = [file.read_text("utf-8") for file in house.settings.log.rglob("*") if file.is_file()]
    rows = [row.detail for row in db.scalars(select(Audit).where(Audit.action.like("vault.%")))]
    assert len(rows) == 10
    spoken = set(re.findall(r"[a-z]+", " ".join([*said, *rows, *logs, caplog.text]).lower()))
    assert spoken & set(WORDLIST) <= OWN_WORDS
    tables = [str(row) for table in Base.metadata.sorted_tables for row in db.execute(select(table))]
    kept = " ".join(tables).lower()
    assert not any(f"{one} {two}" in kept for line in lines for one, two in pairwise(line.split()))


def test_a_folder_in_use_keeps_what_it_has(app: Flask, desk: Office, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("x")
    words = ["vault", "split", "secret", "--shares", "3", "--threshold", "2", "--to", str(tmp_path / "full")]
    assert "not empty" in run(app, *words, code=1)["error"]
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["letter"]
    assert desk.audit("vault.split") == []


def test_a_set_that_protects_nothing_is_refused(app: Flask, tmp_path: Path) -> None:
    words = ["vault", "split", "secret", "--shares", "3", "--threshold", "1", "--to", str(tmp_path / "s")]
    assert run(app, *words, code=1)["kind"] == "SharesError"
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("locked", "says"), [((), "not here"), (("secret",), "locked")])
def test_a_key_that_is_not_open_here_cannot_be_split(
    app: Flask, house: House, keyring: Keyring, tmp_path: Path, locked: tuple[str, ...], says: str
) -> None:
    house.vault = Vault(
        house.vault.store, Keyring({"secret": keyring.recipients(Level.SECRET)}, {}, locked=locked)
    )
    words = ["vault", "split", "secret", "--shares", "3", "--threshold", "2", "--to", str(tmp_path / "s")]
    refused = run(app, *words, code=1)
    assert refused["kind"] == "NoIdentity" and says in refused["error"]
    assert run(app, "vault", "rehearse", "topsecret", code=1)["kind"] == "KeyringError"


def test_typed_sheets_are_looked_at_one_by_one(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = split(app, tmp_path / "sheets", "backup", 3, 2)
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("intranet.cli.vault_shares.sys", terminal)
    slips = [lines[0], "one word too few", lines[0], lines[2]]
    done = app.test_cli_runner().invoke(args=["vault", "rehearse", "backup"], input="\n".join(slips) + "\n")
    assert done.exit_code == 0, done.output
    assert "sheet 2: 4 words" in done.stderr and "1 of 2 sheets" in done.stderr
    assert "2 sheets opened the test object; 2 sets of 1 did not" in done.stdout
    assert lines[0] not in done.output, "what is typed is not shown"


@pytest.mark.parametrize("key", [generate_identity(), HybridIdentity.generate()])
def test_what_the_paper_says_is_enough(key: X25519Identity | HybridIdentity, tmp_path: Path) -> None:
    lines = shares.split(key, 2, 3)
    html = page(
        Sheet(
            office="后勤 <处>", office_en="Logistics", label="机密", holder="secret", number=3, sheets=3, threshold=2,
            recipient=key.recipient, key_id=key_id([key.recipient]), generation=None, made=NOON, words=lines[2],
        )
    )  # fmt: skip
    paper = Paper(html)
    assert " ".join(paper.words) == lines[2] and "后勤 &lt;处&gt;" in html
    (tmp_path / "sheets.txt").write_text(f"{lines[2].upper()}\n{lines[0]}\n")
    done = subprocess.run(
        [sys.executable, "-c", paper.program], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == key.secret()


def test_a_folder_in_memory_is_known_by_its_mount(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mount = f"36 25 {os.major(device)}:{os.minor(device)} / /somewhere rw,nosuid shared:9 - KIND none rw"
    other = "37 25 9999:1 / /elsewhere rw - tmpfs tmpfs rw"
    assert in_memory(tmp_path, f"{other}\n{mount.replace('KIND', 'tmpfs')}\n")
    assert not in_memory(tmp_path, f"{other}\n{mount.replace('KIND', 'ext4')}\n")


def test_the_doctor_asks_for_a_rehearsal_and_remembers_it_for_a_year(
    app: Flask, clock: Clock, tmp_path: Path
) -> None:
    def asked() -> str:
        found = json.loads(app.test_cli_runner().invoke(args=["doctor", "--json"]).stdout)["checks"][
            "rehearsal"
        ]
        assert found["warning"] is not found["ok"]
        return str(found["says"])

    assert "keys of confidential secret topsecret" in asked()
    lines = split(app, tmp_path / "sheets", n=2, k=2)
    run(app, "vault", "rehearse", "secret", code=1, typed=lines[0])
    assert "keys of confidential secret topsecret" in asked(), "a rehearsal that failed is none"
    run(app, "vault", "rehearse", "secret", typed="\n".join(lines))
    assert "keys of confidential topsecret" in asked()
    clock.forward(days=366)
    assert "keys of confidential secret topsecret" in asked()


def test_an_office_may_choose_not_to_be_asked(make: Make) -> None:
    done = make(rehearsal_days=0).test_cli_runner().invoke(args=["doctor", "--json"])
    assert json.loads(done.stdout)["checks"]["rehearsal"]["ok"]
