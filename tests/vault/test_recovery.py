"""Bodies come back without the product: docs/vault/recover.sh over a real office on disk, with no Python on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from intranet.extensions import db as database
from intranet.models import Blob, Item
from intranet.verbs import backups, deposits
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
    "rmdir",
    "sha256sum",
    "stat",
    "tee",
    "tr",
]
"""What the script says it needs, and nothing else."""
TO_OPEN_A_BACKUP = ["find", "gunzip", "gzip", "sort", "tail"]
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
    for name in [*PROGRAMS, *TO_OPEN_A_BACKUP]:
        found = shutil.which(name)
        if found is None:
            missing(f"{name} is not installed", fatal=os.environ.get("CI") == "true")
        (folder / name).symlink_to(str(found))
    return folder


@contextmanager
def at_work(folder: Path, settled: str, clock: office.Clock) -> Iterator[office.Office]:
    """An office with database, blobs and keys in `folder`, one document a level."""
    folder.mkdir()
    keyring = Keyring.create(folder / "keys")
    with databases.copied(settled, folder, "") as url:
        app = office.build(
            folder, url, keyring=keyring, clock=clock, store=FileStore(folder / "blobs", fsync=False)
        )
        with office.running(app):
            desk = office.Office(app, app.extensions["house"])
            for level, (name, body) in BODIES.items():
                blob = desk.deposit("custodian", body, "a.txt", level)
                desk.add("document", "custodian", level=level, blobs=(blob,), title=f"卷 {level.slug}")
                _rename(blob, name)
            yield desk


@pytest.fixture
def data(tmp_path: Path, settled: str, clock: office.Clock) -> Path:
    """Its data folder; nobody works on it any more."""
    with at_work(tmp_path / "data", settled, clock):
        pass
    return tmp_path / "data"


def _rename(blob: int, name: str) -> None:
    """The name as somebody would set it who has the database in hand."""
    database.session.get_one(Blob, blob).filename = name
    database.session.commit()


def recover(path: Path, data: Path, out: Path, *keys: str) -> subprocess.CompletedProcess[str]:
    files = [data / "keys" / f"{key}.key" for key in keys]
    return script(path, out, data / "data.db", data / "blobs", out, *files)


def script(path: Path, out: Path, *words: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(path / "bash"), str(SCRIPT), *map(str, words)],
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


OPENED = """
set -eu -o pipefail
cd "$1"
age -d -i "$2" "$(find dumps -name "$3.age")" | gunzip > "$4/data.db"
age -d -i "$2" "$(find headers -name '*.age' | sort | tail -n 1)" | gunzip > "$4/headers.jsonl"
"""
"""The lines of docs/vault/recovery: repository, backup key, snapshot, a folder to work in."""


def test_a_backup_is_enough_and_what_was_destroyed_stays_so(
    path: Path, tmp_path: Path, settled: str, clock: office.Clock
) -> None:
    out = tmp_path / "out"
    with at_work(tmp_path / "data", settled, clock) as desk:
        for title, body in (("空", b""), ("已毁", b"burnt after reading")):
            blob = desk.deposit("custodian", body, f"{title}.txt")
            item = desk.add("document", "custodian", level=Level.INTERNAL, blobs=(blob,), title=title)
        taken = backups.snapshot(database.session(), desk.house)
        with desk.w("cli:test") as w:
            deposits.destroy(w, w.session.get_one(Item, item.id))
        clock.forward(hours=1)
        backups.snapshot(database.session(), desk.house)
    repository, keys = tmp_path / "carried off", tmp_path / "keys"
    (tmp_path / "data" / "backups").rename(repository)
    (tmp_path / "data" / "keys").rename(keys)
    shutil.rmtree(tmp_path / "data")
    subprocess.run(
        [path / "bash", "-c", OPENED, "-", repository, keys / "backup.key", taken.id, tmp_path],
        env={"PATH": str(path)}, check=True, timeout=60,
    )  # fmt: skip

    files = [keys / f"{key}.key" for key in ("internal", "confidential", "secret")]
    dump, headers, objects = tmp_path / "data.db", tmp_path / "headers.jsonl", repository / "objects"
    done = script(path, out, "--headers", headers, dump, objects, out, *files)
    assert done.returncode == 3
    assert [(row[1], row[4]) for row in rows(out / "missing.tsv")] == [
        ("已毁", "没有密钥头 / there is no header for it")
    ]
    bodies = {row[1]: (out / row[6]).read_bytes() for row in rows(out / "list.tsv")}
    assert bodies == {f"卷 {level.slug}": body for level, (_, body) in BODIES.items()} | {"空": b""}

    bare = script(path, tmp_path / "bare", dump, objects, tmp_path / "bare", *files)
    assert bare.returncode == 3
    assert rows(tmp_path / "bare" / "list.tsv") == [], "the dump alone opens nothing"


def test_a_header_copy_that_is_still_sealed_is_refused(path: Path, data: Path, tmp_path: Path) -> None:
    out, sealed = tmp_path / "out", tmp_path / "headers.age"
    sealed.write_bytes(b"age-encryption.org/v1\n-> X25519 x\n")
    done = script(
        path, out, "--headers", sealed, data / "data.db", data / "blobs", out, data / "keys/secret.key"
    )
    assert done.returncode == 1
    assert "age -d" in done.stderr
    assert not out.exists()


def test_an_identity_that_age_does_not_know_is_named(path: Path, data: Path, tmp_path: Path) -> None:
    out, strange = tmp_path / "out", tmp_path / "strange.key"
    strange.write_text("AGE-SECRET-KEY-OF-TOMORROW-1QQQQ\n")
    done = script(path, out, data / "data.db", data / "blobs", out, data / "keys/secret.key", strange)
    assert done.returncode == 1
    assert "strange.key" in done.stderr and "1.3" in done.stderr
    assert "TOMORROW" not in done.stderr
    assert not out.exists()
