"""Bodies come back without the product: docs/vault/recover.sh over a real office on disk, with no Python on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from intranet.extensions import db as database
from intranet.models import Blob
from tests import databases, office
from tests.vault.conftest import missing
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_fs import FileStore

SCRIPT = Path(__file__).parents[2] / "docs" / "vault" / "recover.sh"
PROGRAMS = [
    "bash",
    "age",
    "sqlite3",
    "basenc",
    "cat",
    "head",
    "mkdir",
    "mv",
    "rm",
    "sha256sum",
    "stat",
    "tee",
    "tr",
]
"""What the script says it needs, and nothing else."""
BODIES = {
    Level.INTERNAL: ("../../昭 然.txt", b"x" * 65536),
    Level.CONFIDENTIAL: ("-rf.txt", "秘密".encode() * 40_000),
    Level.SECRET: ("机" * 90 + ".pdf", b"y" * 65537),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that holds only the programs that the recovery may use."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is None:
            missing(f"{name} is not installed", fatal=os.environ.get("CI") == "true")
        (folder / name).symlink_to(str(found))
    return folder


@pytest.fixture
def data(tmp_path: Path, settled: str) -> Path:
    """A data folder with database, blobs and keys, one document a level; nobody works on it any more."""
    folder = tmp_path / "data"
    folder.mkdir()
    keyring = Keyring.create(folder / "keys")
    with databases.copied(settled, folder, "") as url:
        app = office.build(folder, url, keyring=keyring, store=FileStore(folder / "blobs", fsync=False))
        with office.running(app):
            desk = office.Office(app, app.extensions["house"])
            for level, (name, body) in BODIES.items():
                blob = desk.deposit("custodian", body, "a.txt", level)
                desk.add("document", "custodian", level=level, blobs=(blob,), title=f"卷 {level.slug}")
                _rename(blob, name)
    return folder


def _rename(blob: int, name: str) -> None:
    """The name as somebody would set it who has the database in hand."""
    database.session.get_one(Blob, blob).filename = name
    database.session.commit()


def recover(path: Path, data: Path, out: Path, *keys: str) -> subprocess.CompletedProcess[str]:
    files = [str(data / "keys" / f"{key}.key") for key in keys]
    command = [str(path / "bash"), str(SCRIPT), str(data / "data.db"), str(data / "blobs"), str(out), *files]
    return subprocess.run(
        command,
        env={"PATH": str(path)},
        cwd=out.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rows(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]]


def test_every_body_comes_out_under_its_number(path: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = recover(path, data, out, "public", "internal", "confidential", "secret")
    assert done.returncode == 0, done.stderr
    found = {row[2]: row for row in rows(out / "list.tsv")}
    assert set(found) == {level.slug for level in BODIES}
    for level, (name, body) in BODIES.items():
        row = found[level.slug]
        assert row[1] == f"卷 {level.slug}"
        assert row[3] == name
        assert (out / row[6]).read_bytes() == body
        assert (out / row[6]).resolve().is_relative_to(out.resolve())
        assert row[6].split("/")[0] == row[0]
    assert not (tmp_path / "昭 然.txt").exists()
    assert not (out / ".work").exists()


def test_a_key_opens_its_level_only_and_the_rest_is_named(path: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = recover(path, data, out, "confidential")
    assert done.returncode == 3
    assert [row[2] for row in rows(out / "list.tsv")] == ["confidential"]
    assert {(row[2], row[4]) for row in rows(out / "missing.tsv")} == {
        (slug, "没有这一级的密钥 / no key at hand opens it") for slug in ("internal", "secret")
    }


def test_a_changed_body_is_not_written(path: Path, data: Path, tmp_path: Path) -> None:
    for file in (p for p in (data / "blobs").rglob("*") if p.is_file()):
        changed = bytearray(file.read_bytes())
        changed[len(changed) // 2] ^= 1
        file.write_bytes(changed)
    out = tmp_path / "out"
    assert recover(path, data, out, "internal", "confidential", "secret").returncode == 3
    assert rows(out / "list.tsv") == []
    assert all(row[4].startswith("损坏 / damaged") for row in rows(out / "missing.tsv"))


def test_padding_behind_the_payload_is_left_out(path: Path, data: Path, tmp_path: Path) -> None:
    for file in (p for p in (data / "blobs").rglob("*") if p.is_file()):
        with file.open("ab") as padded:
            padded.write(bytes(1000))
    done = recover(path, data, tmp_path / "out", "internal", "confidential", "secret")
    assert done.returncode == 0, done.stderr
