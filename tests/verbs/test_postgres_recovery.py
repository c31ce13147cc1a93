"""docs/vault/recover.sh over a real PostgreSQL, with the objects side by side as they lie in a bucket."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from intranet.extensions import db as database
from intranet.models import Blob
from intranet.verbs import deposits
from tests import office, postgres
from tests.verbs import test_postgres as started
from vault.age import write_identity

pytestmark = pytest.mark.postgres

RECOVER = Path(__file__).parents[2] / "docs" / "vault" / "recover.sh"

desk = started.desk


def test_every_body_comes_out_of_a_server_without_the_product(desk: office.Office, tmp_path: Path) -> None:
    psql = postgres.program("psql")
    if psql is None or shutil.which("age") is None:
        postgres.missing("psql or age is not installed")
    store, ring, objects = desk.house.vault.store, desk.house.vault.keyring, tmp_path / "bucket"
    objects.mkdir()
    for stat in store.list():
        (objects / stat.name).write_bytes(b"".join(store.get(stat.name)))
    identities = [write_identity(key) for level in ring.levels for key in ring.identities(level)]
    (tmp_path / "all.key").write_text("".join(identities))
    done = subprocess.run(
        ["bash", RECOVER, desk.house.settings.database_url, objects, tmp_path / "out", tmp_path / "all.key"],
        env={"PATH": f"{os.environ['PATH']}:{Path(psql).parent}"}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    gone = (tmp_path / "out" / "missing.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[4] for line in gone} == {"已销毁 / destroyed"}, done.stderr
    listed = [line.split("\t") for line in (tmp_path / "out" / "list.tsv").read_text().splitlines()[1:]]
    for row in listed:
        assert sha256((tmp_path / "out" / row[6]).read_bytes()).hexdigest() == row[5]
    read = []
    for blob in database.session.scalars(select(Blob).where(Blob.state == "stored")):
        body = b"".join(desk.house.vault.open(blob.name, blob.header, deposits.bind(blob), blob.size))
        read.append((blob.filename, sha256(body).hexdigest()))
    assert read and sorted((row[3], row[5]) for row in listed) == sorted(read)
