"""The office moves into a bucket: the way in stands in the operator's config and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from intranet.extensions import db
from intranet.models import Audit, StoreInForce
from tests.office import Office
from vault.store_s3 import S3Store


@pytest.fixture
def bucket(s3_url: str) -> Iterator[S3Store]:
    store = S3Store.from_url(s3_url)
    yield store
    for found in store.list():
        store.delete(found.name)


def move(app: Flask, address: str) -> Any:
    """By the address on standard input, where no list of processes shows it."""
    done = app.test_cli_runner().invoke(args=["vault", "move", "--to", "-", "--json"], input=f"{address}\n")
    assert done.exit_code == 0, done.output
    secret = urlsplit(address).password
    assert secret
    assert secret not in done.output
    return json.loads(done.stdout)


def test_the_secret_of_a_bucket_stands_in_the_config_and_nowhere_else(
    app: Flask, desk: Office, s3_url: str, bucket: S3Store, tmp_path: Path
) -> None:
    config = tmp_path / "config.py"
    config.write_text("STORE = 'file:' + 'blobs'\n")
    for size in (0, 10, 6 << 20):
        desk.deposit("officer", bytes(size))
    report = move(app, s3_url)
    assert (report["copied"], report["in_force"], report["switched"]) == (3, True, False)
    assert ":***@" in report["set"]
    assert config.read_text() == "STORE = 'file:' + 'blobs'\n"
    config.write_text("STORE = 'file:blobs'\n")
    report = move(app, s3_url)
    assert (report["present"], report["in_force"], report["switched"]) == (3, True, True)
    assert config.read_text() == f"STORE = {s3_url!r}\n"
    assert {s.name for s in bucket.list()} == {s.name for s in desk.house.vault.store.list()}

    db.session.rollback()
    secret = urlsplit(s3_url).password or ""
    assert not any(secret in f"{row.detail} {row.origin}" for row in db.session.query(Audit))
    assert [len(row.fingerprint) for row in db.session.query(StoreInForce)] == [64]
